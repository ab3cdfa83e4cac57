import { describe, expect, test, vi } from "vitest";
import { LogWriter } from "../../../archive/log-writer.ts";
import { memoryStore } from "../../../storage-adapters/memory.ts";
import { get } from "../app-fixture.ts";
import { stored } from "../archive-fixture.ts";
import { EventReader, rowsOf } from "./event-source.ts";
import { GrowingRun, LOG, QUICK } from "./growing-run.ts";

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const rowsOfAll = (events: readonly { event: string; data: string }[]) =>
  events.filter(({ event }) => event === "rows").flatMap(({ data }) => rowsOf(data));

describe("a log that grows, as events", () => {
  test("has every line once and in order, and ends with the log", async () => {
    const run = await GrowingRun.open(3);
    const reader = await EventReader.open(run.app, `${LOG}&after=1`);
    expect(reader.status).toBe(200);
    expect(Object.fromEntries(reader.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    expect(reader.headers.get("content-encoding")).toBeNull();
    expect(await reader.nextOf("run")).toMatchObject({
      data: JSON.stringify({ updatedAt: run.record.updatedAt, final: false }),
    });
    const first = await reader.nextOf("rows");
    expect([rowsOf(first.data), first.id]).toEqual([[2, 3], "3"]);
    expect(first.data).toContain("Waiting for the next line…");
    await run.grow(2);
    const second = await reader.nextOf("rows");
    expect([rowsOf(second.data), second.id]).toEqual([[4, 5], "5"]);
    await run.grow(1);
    await run.end();
    const rest = await reader.rest();
    expect(rowsOfAll(rest)).toEqual([6]);
    expect(rest.at(-2)?.data).toContain("The log is whole.");
    expect(rest.at(-1)).toEqual({ event: "end", data: '{"lines":6}' });
    expect(reader.retry).toBeGreaterThan(0);
  });

  test("has the rows that the page's script would have got", async () => {
    const run = await GrowingRun.open(3);
    const reader = await EventReader.open(run.app, `${LOG}&after=2`);
    const { data } = await reader.nextOf("rows");
    expect(data).toBe((await get(run.app, `${LOG}&fragment=rows&after=2`)).body);
    reader.leave();
  });

  test("goes on where a reader was who comes back; the header wins over the address", async () => {
    const run = await GrowingRun.open(5);
    const reader = await EventReader.open(run.app, `${LOG}&after=1`, { "Last-Event-ID": "4" });
    expect(rowsOf((await reader.nextOf("rows")).data)).toEqual([5]);
    reader.leave();
    await run.grow(2);
    const again = await EventReader.open(run.app, `${LOG}&after=1`, { "Last-Event-ID": reader.lastEventId ?? "" });
    expect(rowsOf((await again.nextOf("rows")).data)).toEqual([6, 7]);
    again.leave();
  });

  test("waits for lines that another viewer has sent already and this one has not seen", async () => {
    const run = await GrowingRun.open(3);
    const reader = await EventReader.open(run.app, LOG, { "Last-Event-ID": "5" });
    await reader.nextOf("run");
    await run.grow(1);
    expect(rowsOf((await reader.nextOf("rows")).data)).toEqual([]);
    expect(reader.lastEventId).toBe("5");
    await run.grow(2);
    const events = [];
    for (let rows: number[] = []; rows.length === 0; ) {
      events.push(await reader.nextOf("rows"));
      rows = rowsOf(events.at(-1)?.data ?? "");
    }
    expect(rowsOfAll(events)).toEqual([6]);
    reader.leave();
  });

  test("comes in windows to a reader who is far behind", async () => {
    const run = await GrowingRun.open(1_700);
    await run.end();
    const reader = await EventReader.open(run.app, `${LOG}&after=130`);
    const events = (await reader.rest()).filter(({ event }) => event === "rows");
    expect(events.map(({ data }) => rowsOf(data))).toEqual([
      upTo(500, 131),
      upTo(1_000, 501),
      upTo(1_500, 1_001),
      upTo(1_700, 1_501),
    ]);
    expect(events.map(({ id }) => id)).toEqual(["500", "1000", "1500", "1700"]);
    expect(events.map(({ data }) => data.includes('id="end"'))).toEqual([false, false, false, true]);
  });

  test("sends a row again that a later line has changed", async () => {
    const run = await GrowingRun.open(2);
    const reader = await EventReader.open(run.app, `${LOG}&after=2`);
    await reader.nextOf("run");
    await run.grow(1, () => "\x1b[1A\x1b[2Kover");
    const { data, id } = await reader.nextOf("rows");
    expect(rowsOf(data)).toEqual([2, 3]);
    expect(id).toBe("3");
    reader.leave();
  });

  test("sends a line again that has not ended, with the line before it as the last that is settled", async () => {
    const run = await GrowingRun.open(2);
    const reader = await EventReader.open(run.app, `${LOG}&after=2`);
    await reader.nextOf("run");
    await run.append(Buffer.from("2026-07-30T09:46:20.000000000Z half"));
    const half = await reader.nextOf("rows");
    expect([rowsOf(half.data), half.id]).toEqual([[3], "2"]);
    await run.append(Buffer.from(" and whole\n"));
    const whole = await reader.nextOf("rows");
    expect([rowsOf(whole.data), whole.id]).toEqual([[3], "3"]);
    expect(whole.data).toContain("half and whole");
    reader.leave();
  });

  test("shows a gap between the lines where it is", async () => {
    const run = await GrowingRun.open(2);
    const reader = await EventReader.open(run.app, `${LOG}&after=2`);
    await reader.nextOf("run");
    run.writer.declare({ cause: "rotated", words: "The node has rotated the file." });
    await run.grow(1);
    const { data } = await reader.nextOf("rows");
    expect(data.indexOf("has rotated")).toBeGreaterThan(-1);
    expect(data.indexOf("has rotated")).toBeLessThan(data.indexOf('id="L3"'));
    reader.leave();
  });

  test("tells when the record has changed, and that it is final", async () => {
    const run = await GrowingRun.open(1);
    const reader = await EventReader.open(run.app, `${LOG}&after=1`);
    await reader.nextOf("run");
    await run.change((record) => {
      record.run.status = "failed";
    });
    const changed = JSON.parse((await reader.nextOf("run")).data);
    expect(changed).toEqual({ updatedAt: expect.any(String), final: false });
    expect(Date.parse(changed.updatedAt)).toBeGreaterThan(Date.parse("2026-07-30T09:46:12Z"));
    reader.leave();
  });

  test("goes on over a record that became final and whose chunks have gone before anybody looked", async () => {
    const run = await GrowingRun.open(3, { following: { pauses: { log: { min: 1e6, max: 1e6 }, run: QUICK.run } } });
    const reader = await EventReader.open(run.app, `${LOG}&after=3`);
    await reader.nextOf("run");
    await run.grow(700);
    await run.finish(await run.end());
    const events = await reader.rest();
    expect(rowsOfAll(events)).toEqual(upTo(703, 4));
    expect(JSON.parse(events.find(({ event }) => event === "run")?.data ?? "")).toMatchObject({ final: true });
    expect(events.at(-1)).toEqual({ event: "end", data: '{"lines":703}' });
  });

  test("of a finished log is what is left of it, and its end", async () => {
    const run = await GrowingRun.open(3);
    await run.finish(await run.end());
    const events = await (await EventReader.open(run.app, `${LOG}&after=2`)).rest();
    expect(events.map(({ event }) => event)).toEqual(["run", "rows", "end"]);
    expect(rowsOfAll(events)).toEqual([3]);
    const none = await (await EventReader.open(run.app, `${LOG}&after=3`)).rest();
    expect(rowsOfAll(none)).toEqual([]);
    expect(none.at(-1)?.event).toBe("end");
  });

  test("keeps the connection alive while nothing happens", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const run = await GrowingRun.open(1);
      const reader = await EventReader.open(run.app, `${LOG}&after=1`);
      await reader.nextOf("run");
      const next = reader.next();
      await vi.advanceTimersByTimeAsync(31_000);
      expect(reader.comments.length).toBe(2);
      reader.leave();
      await next;
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("while segments take the place of chunks", () => {
  /** Chunks of noise, so that segments fill; deleted at once when they are sealed, but for the newest. */
  async function sealing() {
    const store = memoryStore();
    const run = await GrowingRun.open(1, {}, store);
    return { store, run };
  }
  const noise = (n: number) =>
    Array.from({ length: 12_000 }, (_, i) =>
      ((((n + 7) * 2_654_435_761 + i * 40_503 * (n + 13)) >>> 0) % 36).toString(36),
    ).join("");

  test("readers of old lines and of new ones get all of them once", async () => {
    const { store, run } = await sealing();
    const early = await EventReader.open(run.app, `${LOG}&after=0`);
    expect(rowsOf((await early.nextOf("rows")).data)).toEqual([1]);
    for (let i = 0; i < 60; i++) await run.grow(20, noise);
    const log = await run.end();
    expect(log.segments.length).toBeGreaterThan(0);
    // Whoever is on a chunk now finds that it has gone.
    const chunks = await Array.fromAsync(store.list("v1/live/"));
    for (const { key } of chunks.slice(0, -1)) await store.delete(key);
    const events = await early.rest();
    expect(rowsOfAll(events)).toEqual(upTo(1_201, 2));
    expect(events.at(-1)).toEqual({ event: "end", data: '{"lines":1201}' });
  }, 60_000);
});

describe("an attempt that starts again", () => {
  test("has a stream of its own; the one of the attempt before ends", async () => {
    const run = await GrowingRun.open(2);
    const first = await EventReader.open(run.app, `${LOG}&after=2`);
    await first.nextOf("run");
    const log = await run.end("cut");
    expect((await first.rest()).at(-1)).toEqual({ event: "end", data: '{"lines":2}' });
    await run.change((record) => {
      const task = record.tasks[0];
      const attempt = task?.attempts[0];
      const container = attempt?.containers[0];
      if (!task || !attempt || !container) throw new Error("the fixture has changed");
      const waiting = { state: "waiting" as const, lines: 0, bytes: 0, gaps: [], segments: [] };
      task.attempts.push({ ...attempt, number: 1, containers: [{ ...container, log: waiting }] });
      attempt.containers = [{ ...container, log }];
    });
    const second = await EventReader.open(run.app, LOG);
    await second.nextOf("run");
    const writer = await LogWriter.open(run.archive.store, { ...run.writer.id, attempt: 1 }, "pod-of-retry");
    writer.append(stored("another try", Date.parse("2026-07-30T09:50:00Z")));
    await writer.flush();
    const { data } = await second.nextOf("rows");
    expect(rowsOf(data)).toEqual([1]);
    expect(data).toContain("another try");
    second.leave();
    writer.abandon();
    const old = await (await EventReader.open(run.app, `${LOG}&retry=0`)).rest();
    expect(rowsOfAll(old)).toEqual([1, 2]);
  });
});
