import { Readable } from "node:stream";
import { bodyStream } from "./body-stream.ts";
import { compareKeys } from "./key-order.ts";
import { type ListItem, type ObjectStore, StorageError } from "./store.ts";

type StoredObject = { bytes: Buffer; version: number };

/** Objects in this process's memory: for tests and demonstrations. A listing shows the keys of its beginning. */
export function memoryStore(): ObjectStore {
  const objects = new Map<string, StoredObject>();
  let version = 0;

  return {
    async get(key, { offset = 0, length = Number.POSITIVE_INFINITY, signal } = {}) {
      const object = objects.get(key);
      if (!object) throw new StorageError("not-found", `There is no object "${key}" in memory.`);
      const part = Buffer.from(object.bytes.subarray(offset, offset + length));
      return bodyStream(Readable.from(part), {
        expected: part.length,
        signal,
        failure: (cause) => new StorageError("unavailable", `Reading "${key}" from memory failed.`, { cause }),
      });
    },
    async stat(key) {
      const object = objects.get(key);
      return object && { size: object.bytes.length, etag: String(object.version) };
    },
    async *list(prefix, { delimiter, startAfter = "" } = {}) {
      let group: string | undefined;
      for (const key of [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys)) {
        const item = itemOf(key, objects.get(key)?.bytes.length, prefix, delimiter);
        if (!item || item.key === group || compareKeys(item.key, startAfter) <= 0) continue;
        if (item.type === "prefix") group = item.key;
        yield item;
      }
    },
    async put(key, bytes, { ifAbsent } = {}) {
      if (ifAbsent && objects.has(key)) throw new StorageError("conflict", `The object "${key}" exists already.`);
      objects.set(key, { bytes: Buffer.from(bytes), version: ++version });
    },
    async delete(key) {
      objects.delete(key);
    },
  };
}

/** undefined for an object that was deleted while the listing ran. */
function itemOf(key: string, size: number | undefined, prefix: string, delimiter?: string): ListItem | undefined {
  const cut = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
  if (delimiter && cut >= 0) return { type: "prefix", key: key.slice(0, cut + delimiter.length) };
  return size === undefined ? undefined : { type: "object", key, size };
}
