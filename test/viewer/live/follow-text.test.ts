import { describe, expect, test, vi } from "vitest";
import { memoryStore } from "../../../storage-adapters/memory.ts";
import { stored } from "../archive-fixture.ts";
import { GrowingRun, QUICK, RUN } from "./growing-run.ts";

const FOLLOW = `${RUN}.txt?pipelineTask=t&step=s&timestamps=false&follow=true`;
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}\n`).join("");

/** Reads a text as it comes. */
async function open(run: GrowingRun, path: string, headers: Record<string, string> = {}) {
  const gone = new AbortController();
  const response = await run.app.request(new Request(`http://localhost${path}`, { headers, signal: gone.signal }));
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let got = "";
  /** Resolves when so much has come. */
  const until = async (length: number): Promise<string> => {
    while (got.length < length) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`it ended after ${got}`);
      got += Buffer.from(value);
    }
    return got;
  };
  const rest = async (): Promise<string> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return got;
      got += Buffer.from(value);
    }
  };
  return { response, until, rest, leave: () => gone.abort() };
}

describe("a text that is followed", () => {
  test("has the lines so far, those that come, and ends with the log", async () => {
    const run = await GrowingRun.open(3);
    const text = await open(run, FOLLOW, { "Accept-Encoding": "gzip, zstd" });
    expect(Object.fromEntries(text.response.headers)).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-log-complete": "open",
      "x-log-lines": "3",
    });
    expect(text.response.headers.get("Content-Encoding")).toBeNull();
    expect(await text.until(21)).toBe(numbered(1, 3));
    await run.grow(2);
    expect(await text.until(35)).toBe(numbered(1, 5));
    await run.grow(1);
    await run.end();
    expect(await text.rest()).toBe(numbered(1, 6));
  });

  test.each([
    ["&tail=1", 3],
    ["&tail=0", 4],
    ["&lines=2", 2],
    ["&lines=2-3", 2],
    ["&lines=5", 5],
    ["&since=2026-07-30T09:46:14Z", 3],
    ["&since=2099-01-01T00:00:00Z", 4],
  ])("%s says where it begins", async (query, first) => {
    const run = await GrowingRun.open(3);
    const text = await open(run, FOLLOW + query);
    await run.grow(3);
    await run.end();
    expect(await text.rest()).toBe(numbered(first, 6));
  });

  test("of a run is the log that its page shows, with times unless they are not wanted", async () => {
    const run = await GrowingRun.open(1);
    const text = await open(run, `${RUN}?follow=true`, { "User-Agent": "curl/8.5.0", Accept: "*/*" });
    await run.end();
    expect(await text.rest()).toBe(stored("line 1", Date.parse("2026-07-30T09:46:12Z")).toString());
  });

  test("keeps the bytes of a line that comes in parts", async () => {
    const run = await GrowingRun.open(0);
    const text = await open(run, `${RUN}.txt?step=s&follow=true`);
    const long = stored("é".repeat(3_000), Date.parse("2026-07-30T09:46:12Z"));
    for (let at = 0; at < long.byteLength; at += 1_001) await run.append(long.subarray(at, at + 1_001));
    await run.end();
    const body = await text.rest();
    expect(body.startsWith("2026-07-30T09:46:12.000000000Z é")).toBe(true);
    expect(body.endsWith("é\n")).toBe(true);
  });

  test("goes on over segments that take the place of chunks", async () => {
    const store = memoryStore();
    const run = await GrowingRun.open(
      3,
      { following: { pauses: { log: { min: 1e6, max: 1e6 }, run: QUICK.run } } },
      store,
    );
    const text = await open(run, FOLLOW);
    await text.until(21);
    await run.grow(500);
    await run.finish(await run.end());
    expect(await text.rest()).toBe(numbered(1, 503));
  });

  test("ends at once for a log that has ended, with all that a finished text has", async () => {
    const run = await GrowingRun.open(3);
    await run.finish(await run.end());
    const text = await open(run, FOLLOW);
    expect(await text.rest()).toBe(numbered(1, 3));
    expect(text.response.headers.get("ETag")).not.toBeNull();
  });

  test("breaks off, and does not end, when the viewer is stopped", async () => {
    const run = await GrowingRun.open(1);
    const text = await open(run, FOLLOW);
    await text.until(7);
    run.stop.abort();
    await expect(text.rest()).rejects.toThrow("breaks off");
  });

  test("is not looked at any more when its reader has gone", async () => {
    const run = await GrowingRun.open(1, { following: { pauses: QUICK, maxReaders: 1 } });
    const text = await open(run, FOLLOW);
    await text.until(7);
    expect((await run.app.request(FOLLOW)).status).toBe(503);
    text.leave();
    await vi.waitFor(async () => {
      const again = await open(run, FOLLOW);
      expect(again.response.status).toBe(200);
      again.leave();
    });
  });

  test("HEAD has its headers and holds nothing", async () => {
    const run = await GrowingRun.open(1, { following: { pauses: QUICK, maxReaders: 1 } });
    for (let i = 0; i < 3; i++) {
      const response = await run.app.request(FOLLOW, { method: "HEAD" });
      expect([response.status, response.headers.get("X-Log-Complete")]).toEqual([200, "open"]);
    }
  });

  test("without a container there is nothing to follow yet", async () => {
    const run = await GrowingRun.open(1);
    await run.change((record) => {
      record.tasks[0]?.attempts.splice(0);
    });
    const response = await run.app.request(`${RUN}.txt?follow=true`);
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining("ask again")]);
  });
});
