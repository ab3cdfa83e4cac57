import { describe, expect, test } from "vitest";
import { ByteCache, SharedValues } from "../../archive/read-cache.ts";

describe("a cache of so many bytes", () => {
  test("drops what was not asked for the longest", () => {
    const cache = new ByteCache<string>(10);
    cache.set("a", "A", 4);
    cache.set("b", "B", 4);
    expect(cache.get("a")).toBe("A");
    cache.set("c", "C", 4);
    expect(["a", "b", "c"].map((key) => cache.get(key))).toEqual(["A", undefined, "C"]);
  });

  test("does not keep what is larger than all of it, nor drops anything for it", () => {
    const cache = new ByteCache<string>(10);
    cache.set("a", "A", 4);
    cache.set("b", "B", 11);
    expect(["a", "b"].map((key) => cache.get(key))).toEqual(["A", undefined]);
  });

  test("counts a key once, with its newest value", () => {
    const cache = new ByteCache<string>(10);
    for (let i = 0; i < 5; i++) cache.set("a", `${i}`, 6);
    cache.set("b", "B", 4);
    expect(["a", "b"].map((key) => cache.get(key))).toEqual(["4", "B"]);
    cache.set("a", "large", 11);
    expect(cache.get("a")).toBeUndefined();
  });
});

describe("values that somebody has in hand", () => {
  const counted = () => {
    const made: object[] = [];
    const make = async () => {
      made.push({});
      await Promise.resolve();
      return made.at(-1) as object;
    };
    return { made, make };
  };

  test("are made once for all who ask while one is made or held", async () => {
    const shared = new SharedValues<object>();
    const { made, make } = counted();
    const both = await Promise.all([shared.get("a", make), shared.get("a", make)]);
    const later = await shared.get("a", make);
    expect([...both, later].every((value) => value === made[0])).toBe(true);
    expect(made.length).toBe(1);
    expect(await shared.get("b", make)).not.toBe(later);
  });

  test("a failure is told to all who wait, and the next one tries anew", async () => {
    const shared = new SharedValues<object>();
    const fails = () => Promise.reject(new Error("damaged"));
    const both = await Promise.allSettled([shared.get("a", fails), shared.get("a", fails)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const { made, make } = counted();
    expect(await shared.get("a", make)).toBe(made[0]);
  });
});
