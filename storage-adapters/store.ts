import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

/** What went wrong, whatever the store: the closed set that callers decide by. */
export type StorageErrorKind =
  /** The object (or the bucket) does not exist. */
  | "not-found"
  /** A create-only put found the key taken. */
  | "conflict"
  /** Credentials are missing, wrong or not allowed to do this. */
  | "denied"
  /** The request can never work as it is: a bad key, a bad store URL, a bad option. */
  | "invalid"
  /** The store did not answer, or answered that it cannot now. */
  | "unavailable";

/** Thrown by every adapter for every failure but an abort, which rejects with the signal's own reason. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly kind: StorageErrorKind;
  /** Whether the same request may work when sent again. */
  readonly retryable: boolean;

  constructor(kind: StorageErrorKind, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.retryable = options.retryable ?? kind === "unavailable";
  }
}

/** A range in bytes. `offset` defaults to 0, `length` to the rest. */
export type GetOptions = { offset?: number; length?: number; signal?: AbortSignal };
/** `etag` changes whenever the bytes do. */
export type ObjectStat = { size: number; etag?: string };
export type ListOptions = {
  /** Keys that share what follows the prefix up to this string are given once, as a `prefix`. */
  delimiter?: string;
  /** Exclusive: only keys and prefixes that sort after it. */
  startAfter?: string;
  signal?: AbortSignal;
};
/** `key` of a prefix ends in the delimiter. */
export type ListItem = { type: "object"; key: string; size: number } | { type: "prefix"; key: string };
export type PutOptions = {
  /** Create only: `conflict` if the key is taken. Of any number of racing writers exactly one succeeds. */
  ifAbsent?: boolean;
  contentType?: string;
  signal?: AbortSignal;
};

/** The reading half of the port: all that the viewer gets. */
export interface ObjectReader {
  /**
   * The object's bytes, or the part of them that the range covers. A range that reaches past the end gives what
   * there is; one that begins at or past the end gives an empty stream. The stream fails, and never ends early,
   * when bytes are lost on the way. Aborting the signal destroys it.
   * @throws StorageError not-found before the first byte, if there is no such object
   */
  get(key: string, options?: GetOptions): Promise<Readable>;
  /** undefined when there is no such object. */
  stat(key: string, options?: { signal?: AbortSignal }): Promise<ObjectStat | undefined>;
  /** Everything below the prefix (a plain string prefix, "" for all), in UTF-8 byte order of the keys, however many. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListItem>;
}

/** A place for bytes under keys. What the bytes mean is none of its business. */
export interface ObjectStore extends ObjectReader {
  /**
   * Stores all the bytes or nothing: no reader ever sees a part, also after a crash. Without `ifAbsent` it replaces
   * what was there.
   * @throws StorageError conflict, if `ifAbsent` and the key is taken
   */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<void>;
  /** Quiet when there is no such object. */
  delete(key: string, options?: { signal?: AbortSignal }): Promise<void>;
}

/** The whole of an object or a range of it. Only for objects that are known to be small. */
export async function readBytes(store: ObjectReader, key: string, options: GetOptions = {}): Promise<Buffer> {
  return await buffer(await store.get(key, options));
}
