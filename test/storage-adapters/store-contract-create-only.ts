import { expect } from "vitest";
import { type Contract, content, eachOf, items, text } from "./store-contract-tools.ts";

export function createOnlyCases({ promise }: Contract): void {
  promise("create-only: conflict when the key is taken, which stays as it was", async ({ store, at }) => {
    await store.put(at("object"), text("first"), { ifAbsent: true });
    const second = store.put(at("object"), text("second"), { ifAbsent: true });
    await expect(second).rejects.toMatchObject({ kind: "conflict", retryable: false });
    await expect(second).rejects.toThrow(at("object"));
    expect(await content(store, at("object"))).toBe("first");
    expect(await items(store, at(""))).toHaveLength(1);
  });
  promise("create-only: an object of no bytes takes its key too", async ({ store, at }) => {
    await store.put(at("object"), text(""), { ifAbsent: true });
    await expect(store.put(at("object"), text("x"), { ifAbsent: true })).rejects.toMatchObject({ kind: "conflict" });
  });
  promise("create-only: a deleted object's key is free again", async ({ store, at }) => {
    await store.put(at("object"), text("first"), { ifAbsent: true });
    await store.delete(at("object"));
    await store.put(at("object"), text("second"), { ifAbsent: true });
    expect(await content(store, at("object"))).toBe("second");
  });
  promise(
    "create-only: of ten racing writers exactly one succeeds, and its bytes are stored",
    async ({ store, at }) => {
      for (let round = 0; round < 5; round++) {
        const key = at(`round ${round}/object`);
        const writers = Array.from({ length: 10 }, (_, writer) => `writer ${writer} ${"x".repeat(writer * 1000)}`);
        const outcomes = await Promise.allSettled(writers.map((own) => store.put(key, text(own), { ifAbsent: true })));
        const winners = writers.filter((_, writer) => outcomes[writer]?.status === "fulfilled");
        expect(winners).toHaveLength(1);
        expect(await content(store, key)).toBe(winners[0]);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ kind: "conflict" });
        }
      }
    },
  );
  promise("leftovers of a crash are never listed and block nothing", async ({ store, at, crashLeftover }) => {
    await crashLeftover?.(at("folder"));
    expect(await items(store, at(""))).toEqual([]);
    expect(await items(store, at(""), { delimiter: "/" })).toEqual([]);
    await eachOf(["a", "b"], (name) => store.put(at(`folder/${name}`), text("x"), { ifAbsent: true }));
    expect(await items(store, at(""))).toHaveLength(2);
    await eachOf(["a", "b"], (name) => store.delete(at(`folder/${name}`)));
    expect(await items(store, at(""), { delimiter: "/" })).toEqual([]);
  });
}
