import { type GetOptions, type ListItem, type ListOptions, type ObjectStore, StorageError } from "./store.ts";

/** S3 and GCS allow 1,024 bytes; the difference leaves room for a store URL's prefix and its slash. */
export const maxKeyBytes = 900;
export const maxPrefixBytes = 1024 - maxKeyBytes - 1;

/** Names of files in the making. No valid key has a segment that begins so, which lets listings hide them safely. */
export const temporaryNameStart = ".afterlog-tmp-";

/** NAME_MAX of the usual file systems. */
const maxSegmentBytes = 255;

/** U+FFFE and U+FFFF are refused because S3's XML listings cannot carry them. */
const unwantedCharacters = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;

/** @throws StorageError invalid, unless every store can hold the key */
export function checkKey(key: string): void {
  refuse("key", key, keyProblem(key));
}

/** A prefix may end anywhere in a key: "" and a trailing slash are fine, and its last segment may be a part of one. */
export function checkPrefix(prefix: string): void {
  refuse("prefix", prefix, prefixProblem(prefix));
}

function keyProblem(key: string): string | undefined {
  if (key === "") return "is empty";
  return textProblem(key) ?? firstProblem(key.split("/"));
}

function prefixProblem(prefix: string): string | undefined {
  return textProblem(prefix) ?? firstProblem(prefix.split("/").slice(0, -1));
}

function textProblem(text: string): string | undefined {
  if (!text.isWellFormed()) return "is not valid Unicode: it contains a lone surrogate";
  if (unwantedCharacters.test(text)) return "contains a control character, U+FFFE or U+FFFF";
  const bytes = Buffer.byteLength(text);
  return bytes > maxKeyBytes ? `is ${bytes} bytes long, at most ${maxKeyBytes} are allowed` : undefined;
}

function firstProblem(segments: string[]): string | undefined {
  for (const segment of segments) {
    if (segment === "") return "has an empty segment: no slash may stand at its start, at its end or doubled";
    if (segment === "." || segment === "..") return `has the segment "${segment}"`;
    if (segment.startsWith(temporaryNameStart)) return `has a segment with the reserved start "${temporaryNameStart}"`;
    const bytes = Buffer.byteLength(segment);
    if (bytes > maxSegmentBytes) return `has a segment of ${bytes} bytes, at most ${maxSegmentBytes} are allowed`;
  }
  return undefined;
}

function refuse(what: string, text: string, problem: string | undefined): void {
  if (problem === undefined) return;
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  throw new StorageError("invalid", `The ${what} ${JSON.stringify(shown)} ${problem}.`);
}

function checkRange({ offset, length }: GetOptions): void {
  for (const [name, value] of Object.entries({ offset, length })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new StorageError("invalid", `The range's ${name} is ${value}; it must be a whole number, 0 or more.`);
    }
  }
}

function checkListOptions({ delimiter, startAfter }: ListOptions): void {
  if (delimiter !== undefined && delimiter !== "/") {
    throw new StorageError("invalid", `The delimiter is ${JSON.stringify(delimiter)}; only "/" is supported.`);
  }
  if (startAfter !== undefined) refuse("startAfter key", startAfter, textProblem(startAfter));
}

/** Objects that other tools left under unusable keys, such as a console's "folder/" markers, cannot be asked for. */
const isUsable = (item: ListItem) =>
  (item.type === "object" ? keyProblem(item.key) : prefixProblem(item.key)) === undefined;

/**
 * The store behind the one gate where keys and options are checked: adapters get valid ones only, never start once
 * the signal is aborted, and list nothing that could not be got.
 */
export function gated(store: ObjectStore): ObjectStore {
  return {
    async get(key, options = {}) {
      checkKey(key);
      checkRange(options);
      options.signal?.throwIfAborted();
      return await store.get(key, options);
    },
    async stat(key, options = {}) {
      checkKey(key);
      options.signal?.throwIfAborted();
      return await store.stat(key, options);
    },
    async *list(prefix, options = {}) {
      checkPrefix(prefix);
      checkListOptions(options);
      options.signal?.throwIfAborted();
      for await (const item of store.list(prefix, options)) {
        options.signal?.throwIfAborted();
        if (isUsable(item)) yield item;
      }
    },
    async put(key, bytes, options = {}) {
      checkKey(key);
      options.signal?.throwIfAborted();
      await store.put(key, bytes, options);
    },
    async delete(key, options = {}) {
      checkKey(key);
      options.signal?.throwIfAborted();
      await store.delete(key, options);
    },
  };
}
