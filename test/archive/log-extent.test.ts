import { createCipheriv } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { counting } from "../viewer/app-fixture.ts";

const ID = { namespace: "ns", runUid: "run", taskRunUid: "task", attempt: 0, container: "step-a", restart: 0 };
const OPEN: Log = { state: "open", lines: 0, bytes: 0, gaps: [], segments: [] };
const line = (n: number, text = `line ${n}`) => Buffer.from(`2026-07-30T09:46:12.00000${1000 + n}Z ${text}\n`);

async function growing() {
  const store = memoryStore();
  const writer = await LogWriter.open(store, ID, "pod", { intervalMs: () => 1e9 });
  const written: Buffer[] = [];
  const add = async (text: Buffer) => {
    writer.append(text);
    written.push(text);
    await writer.flush();
  };
  const all = async (reader: LogReader) => Buffer.concat(await Array.fromAsync(reader.text()));
  return { store, writer, add, all, expected: () => Buffer.concat(written) };
}

describe("the same log later", () => {
  test("is itself, for one listing, when nothing was added", async () => {
    const { store, add } = await growing();
    await add(line(1));
    const counted = counting(store);
    const reader = await LogReader.open(counted, ID, OPEN);
    const before = [counted.reads.length, counted.others.length];
    expect(await reader.later()).toBe(reader);
    expect([counted.reads.length, counted.others.length]).toEqual([before[0], (before[1] ?? 0) + 1]);
  });

  test("has what was added, for one listing and one read, however much it is", async () => {
    const { store, add, all, expected } = await growing();
    await add(line(1));
    const counted = counting(store);
    const reader = await LogReader.open(counted, ID, OPEN);
    for (let n = 2; n < 20; n++) await add(line(n));
    const before = counted.reads.length;
    const later = await reader.later();
    expect(counted.reads.length).toBe(before + 1);
    expect([reader.lines, later.lines, later.log.state]).toEqual([1, 19, "open"]);
    expect((await all(later)).equals(expected())).toBe(true);
  });

  test("has a log that was empty, a line that goes on, and the end", async () => {
    const { store, writer, add, all, expected } = await growing();
    const empty = await LogReader.open(store, ID, { ...OPEN, state: "waiting" });
    expect([empty.lines, empty.settledLines]).toEqual([0, 0]);
    await add(line(1).subarray(0, -4));
    const half = await empty.later();
    expect([half.lines, half.settledLines]).toEqual([1, 0]);
    await add(line(1).subarray(-4));
    const whole = await half.later();
    expect([whole.lines, whole.settledLines]).toEqual([1, 1]);
    await writer.finish({ state: "whole" });
    const ended = await whole.later();
    expect([ended.log.state, ended.lines]).toEqual(["whole", 1]);
    expect((await all(ended)).equals(expected())).toBe(true);
    expect(await ended.later()).toBe(ended);
  });

  test("is looked up as a whole where the chunks in between have become a segment and are gone", async () => {
    const { store, writer, add, all, expected } = await growing();
    await add(line(1));
    const reader = await LogReader.open(store, ID, OPEN);
    const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(9_000_000));
    const letters = noise.toString("base64");
    for (let n = 2; n < 50; n++) await add(line(n, letters.slice(n * 240_000, (n + 1) * 240_000)));
    await expect.poll(() => writer.log().segments.length, { timeout: 15_000 }).toBeGreaterThan(0);
    const chunks = await Array.fromAsync(store.list("v1/live/"));
    for (const { key } of chunks.slice(0, -1)) await store.delete(key);
    await add(line(50));
    const sealedLines = writer.log().segments.reduce((sum, { lines }) => sum + lines, 0);
    const later = await reader.later();
    expect(later.lines).toBe(50);
    // What was deleted without being in a segment is missing here: only the test deletes so much.
    const text = Buffer.concat(await Array.fromAsync(later.text(1, sealedLines)));
    expect(text.equals(expected().subarray(0, text.byteLength))).toBe(true);
    expect(text.toString("latin1").split("\n").length - 1).toBe(sealedLines);
    expect((await all(later)).subarray(-line(50).byteLength).equals(line(50))).toBe(true);
    writer.abandon();
  });
});
