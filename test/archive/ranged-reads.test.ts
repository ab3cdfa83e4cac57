import { beforeAll, describe, expect, test } from "vitest";
import type { LogId } from "../../archive/keys.ts";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import { ReadCache } from "../../archive/read-cache.ts";
import type { Log } from "../../archive/record.ts";
import { readIndex } from "../../archive/segment.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { counting } from "../viewer/app-fixture.ts";

const id: LogId = { namespace: "ci", runUid: "run", taskRunUid: "task", attempt: 0, container: "step-a", restart: 0 };
const LINES = 60_000;
const stamp = (n: number) => new Date(Date.UTC(2026, 6, 30) + n * 1_000).toISOString().replace("Z", "000000Z");
const store = memoryStore();
let log: Log;
/** The first line of each frame. */
let starts: number[];

beforeAll(async () => {
  const writer = await LogWriter.open(store, id, "pod", { intervalMs: () => 1e9 });
  for (let n = 1; n <= LINES; n += 1_000) {
    const lines = Array.from({ length: 1_000 }, (_, i) => `${stamp(n + i)} line ${n + i} ${(n + i) * 7919}\n`);
    writer.append(Buffer.from(lines.join("")));
    await writer.ready();
  }
  log = await writer.finish({ state: "whole" });
  const [segment] = log.segments;
  if (!segment) throw new Error("there is no segment");
  starts = (await readIndex(store, segment)).frames.map(({ line }) => line);
  expect(starts.length).toBeGreaterThan(2);
});

async function readsOf(read: (reader: LogReader) => Promise<unknown>, cache?: ReadCache) {
  const counted = counting(store);
  const found = await read(await LogReader.open(counted, id, log, undefined, cache));
  expect(counted.others).toEqual([]);
  return { found, reads: counted.reads };
}

const numbers = async (lines: ReturnType<LogReader["linesOf"]>) =>
  (await Array.fromAsync(lines))
    .flat()
    .map(({ number, text }) => `${number}: ${text.toString().split(" ").slice(0, 2).join(" ")}`);

const named = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}: line ${from + i}`);

describe("any line costs at most two ranged reads", () => {
  test.each([
    ["the first", () => [1, 1]],
    ["the last", () => [LINES, LINES]],
    ["the first of a frame", () => [starts[1] ?? 0, starts[1] ?? 0]],
    ["the last of a frame", () => [(starts[1] ?? 0) - 1, (starts[1] ?? 0) - 1]],
    ["the middle of the last frame", () => [((starts.at(-1) ?? 0) + LINES) >> 1, ((starts.at(-1) ?? 0) + LINES) >> 1]],
    ["a window over a frame's end", () => [(starts[1] ?? 0) - 250, (starts[1] ?? 0) + 249]],
    ["a window over two frames' ends", () => [(starts[1] ?? 0) - 1, starts[2] ?? 0]],
  ])("%s", async (_, place) => {
    const [from = 0, to = 0] = place();
    const { found, reads } = await readsOf((reader) => numbers(reader.linesOf(from, to)));
    expect(found).toEqual(named(from, to));
    expect(reads).toHaveLength(2);
    expect(reads.every(({ length }) => length !== undefined)).toBe(true);
  });
});

describe("any time costs at most two ranged reads", () => {
  test.each([
    ["before the first line", () => 0],
    ["of the first line", () => 1],
    ["in the middle", () => 30_000],
    ["of a frame's first line", () => starts[1] ?? 0],
    ["of a frame's last line", () => (starts[1] ?? 0) - 1],
    ["of the last line", () => LINES],
  ])("a time %s", async (_, number) => {
    const { found, reads } = await readsOf((reader) => reader.lineAt(stamp(number())));
    expect(found).toBe(Math.max(1, number()));
    expect(reads).toHaveLength(2);
  });

  test("one after the last line costs none", async () => {
    const { found, reads } = await readsOf((reader) => reader.lineAt(stamp(LINES + 1)));
    expect(found).toBe(LINES + 1);
    expect(reads).toEqual([]);
  });
});

describe("what was read is not read again while there is room for it", () => {
  test("the index and a window's frames", async () => {
    const cache = new ReadCache(64 * 1024 * 1024);
    const window = (reader: LogReader) => numbers(reader.linesOf(10, 20));
    expect((await readsOf(window, cache)).reads).toHaveLength(2);
    const again = await readsOf(window, cache);
    expect(again.reads).toEqual([]);
    expect(again.found).toEqual(named(10, 20));
    const over = await readsOf((reader) => numbers(reader.linesOf((starts[1] ?? 0) - 1, starts[1])), cache);
    expect(over.reads).toHaveLength(1);
    expect(over.found).toEqual(named((starts[1] ?? 0) - 1, starts[1] ?? 0));
  });

  test("not all frames of a long text", async () => {
    const cache = new ReadCache(64 * 1024 * 1024);
    const all = (reader: LogReader) => Array.fromAsync(reader.text());
    await readsOf(all, cache);
    expect((await readsOf(all, cache)).reads).toHaveLength(1);
  });
});
