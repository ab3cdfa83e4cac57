import { describe, expect, test, vi } from "vitest";
import { EventReader, rowsOf } from "./event-source.ts";
import { GrowingRun, LOG, QUICK } from "./growing-run.ts";

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** A log that grows from 510 lines to 550 in steps, and ends, read by so many; every third of them goes away and comes back. */
async function follow(readers: number) {
  // Every look costs the same, however long the readers take: the measure is what they cost beyond it.
  const pauses = { log: { min: 100, max: 100 }, run: { min: 200, max: 200 } };
  const run = await GrowingRun.open(510, { following: { pauses } });
  const path = `${LOG}&uid=${run.record.run.uid}`;
  const before = run.store.reads.length + run.store.others.length;
  let looks = 0;
  const read = async (i: number): Promise<number[]> => {
    const lines: number[] = [];
    let reader = await EventReader.open(run.app, path);
    let left = i % 3 === 0 ? 3 : 0;
    for (;;) {
      const event = await reader.next();
      if (!event || event.event === "end") return lines;
      if (event.event !== "rows") continue;
      lines.push(...rowsOf(event.data));
      if (left > 0 && --left === 0) {
        reader.leave();
        reader = await EventReader.open(run.app, path, { "Last-Event-ID": reader.lastEventId ?? "" });
      }
    }
  };
  const all = Promise.all(Array.from({ length: readers }, (_, i) => read(i)));
  for (let i = 0; i < 4; i++) {
    await run.grow(10);
    looks = run.store.others.length;
    await vi.waitFor(() => expect(run.store.others.length).toBeGreaterThan(looks), { timeout: 10_000 });
  }
  await run.end();
  const lines = await all;
  return { lines, requests: run.store.reads.length + run.store.others.length - before, run };
}

describe("many readers of one log", () => {
  test("cost the bucket what one costs, and each gets every line once and in order", async () => {
    const one = await follow(1);
    expect(one.lines).toEqual([upTo(550)]);
    const many = await follow(1_000);
    expect(many.lines.every((lines) => lines.length === 550)).toBe(true);
    expect(new Set(many.lines.map((lines) => lines.join())).size).toBe(1);
    expect(many.lines[0]).toEqual(upTo(550));
    // A slow machine takes longer for so many, and the looking goes on meanwhile.
    expect(many.requests).toBeLessThan(one.requests * 4);
  }, 120_000);

  test("nothing is looked at once the last has left", async () => {
    const run = await GrowingRun.open(3);
    const readers = await Promise.all(upTo(5).map(() => EventReader.open(run.app, LOG)));
    for (const reader of readers) await reader.nextOf("rows");
    for (const reader of readers) reader.leave();
    const asked = () => run.store.reads.length + run.store.others.length;
    let last = -1;
    await vi.waitFor(
      () => {
        const now = asked();
        const isQuiet = now === last;
        last = now;
        expect(isQuiet).toBe(true);
      },
      { interval: 100, timeout: 5_000 },
    );
    await run.grow(1);
    const back = await EventReader.open(run.app, LOG, { "Last-Event-ID": "3" });
    expect(rowsOf((await back.nextOf("rows")).data)).toEqual([4]);
    back.leave();
  });

  test("there is a place for so many, and then a 503 that says so", async () => {
    const run = await GrowingRun.open(1, { following: { pauses: QUICK, maxReaders: 2 } });
    const [first, second] = [await EventReader.open(run.app, LOG), await EventReader.open(run.app, LOG)];
    const third = await EventReader.open(run.app, LOG);
    expect(third.status).toBe(503);
    expect(third.headers.get("Retry-After")).toBe("10");
    expect(await third.text()).toContain("2 followers at a time");
    first.leave();
    await vi.waitFor(async () => {
      const again = await EventReader.open(run.app, LOG);
      expect(again.status).toBe(200);
      again.leave();
    });
    second.leave();
  });

  test("all end when the viewer is stopped, and nobody is let in any more", async () => {
    const run = await GrowingRun.open(1);
    const reader = await EventReader.open(run.app, LOG);
    await reader.nextOf("rows");
    run.stop.abort();
    expect(await reader.rest()).toEqual([]);
    expect((await EventReader.open(run.app, LOG)).status).toBe(503);
  });
});
