import { Readable } from "node:stream";
import { parseKey } from "../../archive/keys.ts";
import { type GetOptions, type ObjectReader, readBytes } from "../../storage-adapters/store.ts";
import type { SharedBytes } from "./shared-bytes.ts";

/** Longer ranges are a reader's own: he takes them bit by bit. */
const MAX_SHARED = 2 * 1024 * 1024;
const PATIENCE_MS = 30_000;

/** A store of which the parts of logs, which never change, are read once for all who ask at about the same time. */
export function sharedReads(store: ObjectReader, bytes: SharedBytes): ObjectReader {
  return {
    async get(key, options = {}) {
      if (!isShared(key, options)) return store.get(key, options);
      const { offset = 0, length } = options;
      const range = { offset, ...(length !== undefined && { length }) };
      const part = await bytes.get(`${key}?${offset}+${length ?? ""}`, () =>
        readBytes(store, key, { ...range, signal: AbortSignal.timeout(PATIENCE_MS) }),
      );
      return Readable.from([part]);
    },
    stat: (key, options) => store.stat(key, options),
    list: (prefix, options = {}) => store.list(prefix, { signal: AbortSignal.timeout(PATIENCE_MS), ...options }),
  };
}

/** Chunks are small by their nature. */
function isShared(key: string, { length }: GetOptions): boolean {
  const type = parseKey(key)?.type;
  return type === "chunk" || (type === "segment" && length !== undefined && length <= MAX_SHARED);
}
