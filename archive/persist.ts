import { setTimeout as sleep } from "node:timers/promises";
import { StorageError } from "../storage-adapters/store.ts";

export type PersistOptions = {
  /** Told of every failure that is tried again. */
  onError?: (error: unknown) => void;
  retryMs?: number;
  signal?: AbortSignal;
};

/** The pause between rounds of the store's own retries. */
const RETRY_MS = 2_000;

/**
 * Does something until it works: what a collector has read must not be given up because the bucket is away or
 * refuses for a while. Only what can never work, or an abort, gets out.
 */
export async function persist<T>(action: () => Promise<T>, options: PersistOptions): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      options.onError?.(error);
      await sleep(options.retryMs ?? RETRY_MS, undefined, options.signal && { signal: options.signal });
    }
  }
}

/** Permission can be given back and a bucket can return; a bad key stays bad. */
const isPassing = (error: unknown): boolean =>
  error instanceof StorageError && (error.retryable || error.kind === "unavailable" || error.kind === "denied");
