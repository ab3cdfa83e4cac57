import { describe, expect, test } from "vitest";
import { Pool } from "../../../viewer/live/pool.ts";

class Thing {
  isStopped = false;
  stop(): void {
    this.isStopped = true;
  }
}

describe("a pool", () => {
  test("opens a thing once for all who take it, and stops it after the last", async () => {
    const pool = new Pool<Thing>();
    let opened = 0;
    const open = async () => {
      opened++;
      return new Thing();
    };
    const [one, two] = await Promise.all([pool.take("a", open), pool.take("a", open)]);
    expect([opened, one.value === two.value, pool.size]).toEqual([1, true, 1]);
    one.release();
    one.release();
    await Promise.resolve();
    expect(one.value.isStopped).toBe(false);
    two.release();
    await Promise.resolve();
    expect([one.value.isStopped, pool.size, pool.peek("a")]).toEqual([true, 0, undefined]);
    const again = await pool.take("a", open);
    expect([opened, again.value === one.value]).toEqual([2, false]);
  });

  test("tells all who wait that a thing cannot be opened, and tries again for the next", async () => {
    const pool = new Pool<Thing>();
    const fail = () => Promise.reject(new Error("closed"));
    const [one, two] = await Promise.allSettled([pool.take("a", fail), pool.take("a", fail)]);
    expect([one.status, two.status, pool.size]).toEqual(["rejected", "rejected", 0]);
    expect((await pool.take("a", async () => new Thing())).value.isStopped).toBe(false);
  });
});
