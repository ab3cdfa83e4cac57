import { describe, expect, test } from "vitest";
import { gated } from "../../storage-adapters/key-gate.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { retrying } from "../../storage-adapters/retrying.ts";
import { readBytes } from "../../storage-adapters/store.ts";
import { faultyStore, type StoreFault, type StoreOperation } from "./faulty-store.ts";
import { storeContract } from "./store-contract.ts";
import { content, keys, text } from "./store-contract-tools.ts";

storeContract("faulty without faults", async () => ({ store: gated(faultyStore(memoryStore()).store) }));
storeContract("retrying over a store that fails by chance", async () => ({
  store: retrying(
    gated(
      faultyStore(memoryStore(), {
        random: {
          rate: 0.3,
          seed: 1,
          faults: [{ kind: "unavailable" }, { kind: "conflict-409" }, { kind: "lost-answer" }],
        },
      }).store,
    ),
    { attempts: 100, baseMs: 1, maxMs: 1, sleep: async () => undefined },
  ),
}));

/** A store with the object `here`. */
async function open() {
  const inner = memoryStore();
  await inner.put("here", text("bytes"));
  const faulty = faultyStore(inner);
  const { store } = faulty;
  const act: Record<StoreOperation, (signal?: AbortSignal) => Promise<unknown>> = {
    get: (signal) => readBytes(store, "here", { signal }),
    put: (signal) => store.put("new", text("more bytes"), { signal }),
    list: async (signal) => await Array.fromAsync(store.list("", { signal })),
    delete: (signal) => store.delete("here", { signal }),
    stat: (signal) => store.stat("here", { signal }),
  };
  return { inner, ...faulty, act };
}
const operations = ["get", "put", "list", "delete", "stat"] as const;

describe.each(operations)("%s", (on) => {
  test.each<[StoreFault["kind"], object]>([
    ["unavailable", { kind: "unavailable", retryable: true }],
    ["denied", { kind: "denied", retryable: false }],
    ["conflict-409", { kind: "unavailable", retryable: true }],
  ])("meets %s once, and nothing is done", async (kind, failure) => {
    const { inner, add, act, counters } = await open();
    add({ on, fault: { kind } as StoreFault });
    await expect(act[on]()).rejects.toMatchObject(failure);
    expect(await keys(inner, "")).toEqual(["here"]);
    await act[on]();
    expect(counters[on]).toMatchObject({ calls: 2, faults: 1 });
  });

  test("hangs until it is released, or until its signal is aborted", async () => {
    const { inner, add, act, hanging, release } = await open();
    add({ on, times: 2, fault: { kind: "hang" } });
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = expect(act[on](controller.signal)).rejects.toBe(reason);
    await expect.poll(hanging).toBe(1);
    const released = act[on]();
    await expect.poll(hanging).toBe(2);
    controller.abort(reason);
    await aborted;
    expect(await keys(inner, "")).toEqual(["here"]);
    release();
    await released;
    expect(hanging()).toBe(0);
  });

  test("is slow, and gives up when its signal is aborted", async () => {
    const { add, act } = await open();
    add({ on, fault: { kind: "slow", ms: 30 } });
    const begun = performance.now();
    await act[on]();
    expect(performance.now() - begun).toBeGreaterThan(25);
    add({ on, fault: { kind: "slow", ms: 3_600_000 } });
    const controller = new AbortController();
    const reason = new Error("enough");
    const slow = expect(act[on](controller.signal)).rejects.toBe(reason);
    controller.abort(reason);
    await slow;
  });

  test("fails while there is an outage", async () => {
    const { act, outage, counters } = await open();
    const [endFirst, endSecond] = [outage(), outage()];
    endFirst();
    await expect(act[on]()).rejects.toMatchObject({ kind: "unavailable", retryable: true });
    endSecond();
    await act[on]();
    expect(counters[on]).toMatchObject({ calls: 2, faults: 1 });
  });
});

test.each([
  ["put", ["here", "new"]],
  ["delete", []],
] as const)("a %s whose answer is lost is done", async (on, expected) => {
  const { inner, add, act } = await open();
  add({ on, fault: { kind: "lost-answer" } });
  await expect(act[on]()).rejects.toMatchObject({ kind: "unavailable", retryable: true });
  expect(await keys(inner, "")).toEqual(expected);
});

test.each(["get", "stat"] as const)("a %s whose answer is lost tells nothing", async (on) => {
  const { add, act, counters } = await open();
  add({ on, fault: { kind: "lost-answer" } });
  await expect(act[on]()).rejects.toMatchObject({ kind: "unavailable", retryable: true });
  expect(counters[on]).toEqual({ calls: 1, faults: 1, bytes: 0 });
});

test("a listing whose answer is lost breaks after its items", async () => {
  const { store, add } = await open();
  add({ on: "list", fault: { kind: "lost-answer" } });
  const seen: string[] = [];
  const listing = (async () => {
    for await (const { key } of store.list("")) seen.push(key);
  })();
  await expect(listing).rejects.toMatchObject({ kind: "unavailable" });
  expect(seen).toEqual(["here"]);
});

test("a rule strikes its keys alone, as often as it says", async () => {
  const { store, add, counters } = await open();
  add({ on: "put", key: /^logs\//, times: 2, fault: { kind: "unavailable" } });
  await store.put("records/a", text("x"));
  for (let turn = 0; turn < 2; turn++)
    await expect(store.put("logs/a", text("x"))).rejects.toMatchObject({ kind: "unavailable" });
  await store.put("logs/a", text("x"));
  expect(counters.put).toEqual({ calls: 4, faults: 2, bytes: 2 });
});

test("chance strikes the same way for the same seed, and only what it is told to", async () => {
  const { store, randomly, clear, counters } = await open();
  const failures = async () => {
    randomly({ rate: 0.5, seed: 7, on: ["stat"], faults: [{ kind: "unavailable" }] });
    const seen: string[] = [];
    for (let turn = 0; turn < 12; turn++)
      seen.push(
        await store.stat("here").then(
          () => "done",
          () => "failed",
        ),
      );
    return seen;
  };
  const first = await failures();
  expect(new Set(first)).toEqual(new Set(["done", "failed"]));
  expect(await failures()).toEqual(first);
  for (let turn = 0; turn < 12; turn++) await content(store, "here");
  expect(counters.get).toEqual({ calls: 12, faults: 0, bytes: 60 });
  randomly({ rate: 1, seed: 1, faults: [{ kind: "unavailable" }] });
  clear();
  await store.stat("here");
});
