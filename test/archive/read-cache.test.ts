import { describe, expect, test } from "vitest";
import { ByteCache } from "../../archive/read-cache.ts";

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
