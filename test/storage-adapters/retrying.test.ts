import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { gated } from "../../storage-adapters/key-gate.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { retrying } from "../../storage-adapters/retrying.ts";
import { type ObjectStore, readBytes, StorageError } from "../../storage-adapters/store.ts";
import { failingList } from "./failing-list.ts";
import { storeContract } from "./store-contract.ts";
import { content, keys, text } from "./store-contract-tools.ts";

const unavailable = () => new StorageError("unavailable", "try again");
const instantly = { attempts: 4, baseMs: 100, maxMs: 300, random: () => 1, sleep: async () => undefined };

/** Every verb fails twice, in turn before and after the deed; every listing breaks after every third item. */
function flaky(store: ObjectStore): ObjectStore {
  let calls = 0;
  async function twiceFailing<T>(act: () => Promise<T>): Promise<T> {
    const turn = calls++ % 3;
    if (turn === 0) throw unavailable();
    const result = await act();
    if (turn === 1) throw unavailable();
    return result;
  }
  return {
    get: (key, options) => twiceFailing(() => store.get(key, options)),
    stat: (key, options) => twiceFailing(() => store.stat(key, options)),
    put: (key, bytes, options) => twiceFailing(() => store.put(key, bytes, options)),
    delete: (key, options) => twiceFailing(() => store.delete(key, options)),
    async *list(prefix, options) {
      let given = 0;
      for await (const item of store.list(prefix, options)) {
        yield item;
        if (++given === 3) throw unavailable();
      }
    },
  };
}

storeContract("retrying, over a store that fails again and again,", async () => ({
  // Racers draw on the same turns: some meet more failures in a row.
  store: retrying(gated(flaky(memoryStore())), { ...instantly, attempts: 100 }),
}));

/** A memory store whose puts meet the given failures first. */
function failing(...failures: ((store: ObjectStore) => Promise<void>)[]) {
  const store = memoryStore();
  let puts = 0;
  const inner: ObjectStore = {
    ...store,
    async put(key, bytes, options) {
      await failures[puts++]?.(store);
      await store.put(key, bytes, options);
    },
  };
  return { inner, store, puts: () => puts };
}

const failOnce = async () => {
  throw unavailable();
};

describe("retrying", () => {
  test("pauses with full jitter, doubled each time up to the longest, and gives up with the last error", async () => {
    const pauses: number[] = [];
    const { inner, puts } = failing(failOnce, failOnce, failOnce, failOnce, failOnce);
    const sleep = async (ms: number) => {
      pauses.push(ms);
    };
    const store = retrying(inner, { attempts: 5, baseMs: 100, maxMs: 300, random: () => 0.5, sleep });
    await expect(store.put("key", text("x"))).rejects.toMatchObject({ kind: "unavailable", message: "try again" });
    expect(pauses).toEqual([50, 100, 150, 150]);
    expect(puts()).toBe(5);
  });

  test.each(["not-found", "conflict", "denied", "invalid"] as const)("does not repeat %s", async (kind) => {
    const { inner, puts } = failing(async () => {
      throw new StorageError(kind, "no use");
    });
    await expect(retrying(inner, instantly).put("key", text("x"))).rejects.toMatchObject({ kind });
    expect(puts()).toBe(1);
  });

  test("repeats neither bugs nor what says that it is not retryable", async () => {
    for (const error of [new TypeError("a bug"), new StorageError("unavailable", "for ever", { retryable: false })]) {
      const { inner, puts } = failing(async () => {
        throw error;
      });
      await expect(retrying(inner, instantly).put("key", text("x"))).rejects.toBe(error);
      expect(puts()).toBe(1);
    }
  });

  const losesAnswer = (stored: string) => async (store: ObjectStore) => {
    await store.put("key", text(stored));
    throw unavailable();
  };

  test("a create-only put whose answer was lost succeeds when the object is its own", async () => {
    const { inner } = failing(losesAnswer("mine"));
    await retrying(inner, instantly).put("key", text("mine"), { ifAbsent: true });
    expect(await content(inner, "key")).toBe("mine");
  });

  test.each(["your", "mine and more", "min", ""])("… but not when the object is %j", async (other) => {
    const { inner } = failing(losesAnswer(other));
    const put = retrying(inner, instantly).put("key", text("mine"), { ifAbsent: true });
    await expect(put).rejects.toMatchObject({ kind: "conflict" });
    expect(await content(inner, "key")).toBe(other);
  });

  test("a conflict without a lost answer stays one, also with equal bytes", async () => {
    const { inner, store } = failing();
    await store.put("key", text("mine"));
    const put = retrying(inner, instantly).put("key", text("mine"), { ifAbsent: true });
    await expect(put).rejects.toMatchObject({ kind: "conflict" });
  });

  test("a listing goes on after the last key, and counts failures since then", async () => {
    const inner = memoryStore();
    for (let index = 100; index < 130; index++) await inner.put(`${index}`, text("x"));
    const starts: (string | undefined)[] = [];
    const breaking: ObjectStore = {
      ...inner,
      async *list(prefix, options = {}) {
        starts.push(options.startAfter);
        let given = 0;
        for await (const item of inner.list(prefix, options)) {
          if (++given > 10) throw unavailable();
          yield item;
        }
      },
    };
    const store = retrying(breaking, { ...instantly, attempts: 2 });
    expect(await keys(store, "1", { startAfter: "100" })).toEqual(await keys(inner, "1", { startAfter: "100" }));
    expect(starts).toEqual(["100", "110", "120"]);
  });

  test("a listing that makes no progress fails in the end", async () => {
    let lists = 0;
    const dead: ObjectStore = {
      ...memoryStore(),
      list() {
        lists++;
        return failingList(unavailable());
      },
    };
    await expect(keys(retrying(dead, instantly), "")).rejects.toMatchObject({ kind: "unavailable" });
    expect(lists).toBe(4);
  });

  test("a stream that breaks is not resumed: it fails", async () => {
    let gets = 0;
    const breaking: ObjectStore = {
      ...memoryStore(),
      async get() {
        gets++;
        return Readable.from(
          (async function* () {
            yield text("half");
            throw unavailable();
          })(),
        );
      },
    };
    await expect(readBytes(retrying(breaking, instantly), "key")).rejects.toMatchObject({ kind: "unavailable" });
    expect(gets).toBe(1);
  });

  test("an abort ends the pause at once, with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const { inner, puts } = failing(async () => {
      setImmediate(() => controller.abort(reason));
      throw unavailable();
    });
    const store = retrying(inner, { attempts: 5, baseMs: 3_600_000, maxMs: 3_600_000, random: () => 1 });
    await expect(store.put("key", text("x"), { signal: controller.signal })).rejects.toBe(reason);
    expect(puts()).toBe(1);
  });
});
