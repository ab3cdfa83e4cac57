import type { ObjectStore } from "./store.ts";

/** The part of a store below `prefix/`, as a store of its own. Error messages name the whole keys. */
export function prefixed(store: ObjectStore, prefix: string): ObjectStore {
  const start = `${prefix}/`;
  return {
    get: (key, options) => store.get(start + key, options),
    stat: (key, options) => store.stat(start + key, options),
    async *list(below, { startAfter, ...options } = {}) {
      const after = startAfter === undefined ? undefined : start + startAfter;
      for await (const item of store.list(start + below, { ...options, startAfter: after })) {
        yield { ...item, key: item.key.slice(start.length) };
      }
    },
    put: (key, bytes, options) => store.put(start + key, bytes, options),
    delete: (key, options) => store.delete(start + key, options),
  };
}
