import { describe, expect, test } from "vitest";
import { SharedBytes } from "../../../viewer/live/shared-bytes.ts";

const KIB = 1024;

describe("shared bytes", () => {
  test("are made once for all who ask meanwhile, and kept", async () => {
    const shared = new SharedBytes(100 * KIB, 4);
    let made = 0;
    const make = async () => {
      made++;
      return Buffer.alloc(KIB);
    };
    const all = await Promise.all(Array.from({ length: 50 }, () => shared.get("a", make)));
    expect([made, new Set(all).size]).toEqual([1, 1]);
    await shared.get("a", make);
    expect(made).toBe(1);
  });

  test("that were asked for longest ago make room; what is too large is not kept", async () => {
    const shared = new SharedBytes(8 * KIB, 4);
    const made: string[] = [];
    const get = (key: string, bytes: number) =>
      shared.get(key, async () => {
        made.push(key);
        return Buffer.alloc(bytes);
      });
    for (const key of ["a", "b", "c", "d"]) await get(key, 2 * KIB);
    await get("a", 0);
    await get("e", 2 * KIB);
    for (const key of ["a", "c", "d", "e", "b"]) await get(key, 2 * KIB);
    expect(made).toEqual(["a", "b", "c", "d", "e", "b"]);
    await get("large", 3 * KIB);
    await get("large", 3 * KIB);
    expect(made.slice(6)).toEqual(["large", "large"]);
  });

  test("are made no more than so many at a time", async () => {
    const shared = new SharedBytes(KIB, 3);
    let [now, most] = [0, 0];
    const make = async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      return Buffer.alloc(1);
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => shared.get(`${i}`, make)));
    expect(most).toBe(3);
  });

  test("that could not be made are made for the next who asks", async () => {
    const shared = new SharedBytes(KIB, 1);
    await expect(shared.get("a", () => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
    expect(await shared.get("a", async () => Buffer.from("x"))).toEqual(Buffer.from("x"));
  });
});
