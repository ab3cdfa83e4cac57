import { setTimeout as delay } from "node:timers/promises";
import { type ObjectStore, readBytes, StorageError } from "./store.ts";

export type RetryOptions = {
  /** How often a request is sent at most, the first time included. */
  attempts: number;
  /** The longest pause before the second attempt; it doubles with each further one, up to `maxMs`. */
  baseMs: number;
  maxMs: number;
  random?: () => number;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
};

type Pause = (failures: number, error: unknown, signal?: AbortSignal) => Promise<void>;

/**
 * The store with retryable failures tried again after pauses with full jitter. What it cannot hide:
 * - `get` retries until the first byte; a stream that breaks later fails with `unavailable`.
 * - `put` with `ifAbsent` after a lost answer counts an equal object under the key as its own: of two writers of
 *   the same bytes both may then succeed.
 */
export function retrying(store: ObjectStore, options: RetryOptions): ObjectStore {
  const pause = pauses(options);

  async function repeat<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; ) {
      try {
        return await attempt();
      } catch (error) {
        await pause(++failures, error, signal);
      }
    }
  }

  return {
    get: (key, options = {}) => repeat(options.signal, () => store.get(key, options)),
    stat: (key, options = {}) => repeat(options.signal, () => store.stat(key, options)),
    delete: (key, options = {}) => repeat(options.signal, () => store.delete(key, options)),
    async *list(prefix, options = {}) {
      let startAfter = options.startAfter;
      for (let failures = 0; ; ) {
        try {
          for await (const item of store.list(prefix, { ...options, startAfter })) {
            startAfter = item.key;
            failures = 0;
            yield item;
          }
          return;
        } catch (error) {
          await pause(++failures, error, options.signal);
        }
      }
    },
    async put(key, bytes, options = {}) {
      let answerLost = false;
      await repeat(options.signal, async () => {
        try {
          await store.put(key, bytes, options);
        } catch (error) {
          if (kindOf(error) === "unavailable") answerLost = true;
          const maybeOurs = options.ifAbsent && answerLost && kindOf(error) === "conflict";
          if (!maybeOurs || !(await holds(store, key, bytes, options.signal))) throw error;
        }
      });
    },
  };
}

/** Waits before the next attempt, or throws the error when there is none to be made. */
function pauses({ attempts, baseMs, maxMs, random = Math.random, sleep = sleepUnlessAborted }: RetryOptions): Pause {
  return async (failures, error, signal) => {
    signal?.throwIfAborted();
    if (!(error instanceof StorageError && error.retryable) || failures >= attempts) throw error;
    await sleep(random() * Math.min(maxMs, baseMs * 2 ** (failures - 1)), signal);
  };
}

async function sleepUnlessAborted(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

async function holds(store: ObjectStore, key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
  // One byte more than ours tells a longer object apart without reading all of it.
  const stored = await readBytes(store, key, { length: bytes.byteLength + 1, signal });
  return stored.equals(bytes);
}

const kindOf = (error: unknown) => (error instanceof StorageError ? error.kind : undefined);
