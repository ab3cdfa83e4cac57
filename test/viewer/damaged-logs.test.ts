import { beforeAll, describe, expect, test } from "vitest";
import { chunkPrefix, type LogId, recordKey, segmentKey } from "../../archive/keys.ts";
import { containersOf, logIdOf, type RunRecord, runIdOf, type Segment } from "../../archive/record.ts";
import { FRAME_BYTES, SegmentBuilder } from "../../archive/segment.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { type ObjectStore, readBytes } from "../../storage-adapters/store.ts";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";

const LINES = 30_000;
const PARTS = [1, 10_001, 20_001] as const;
const START = Date.parse("2026-07-30T09:46:12Z");
const RUN = "/namespaces/tekton-ci/pipelineruns/r";
const words = (html: string) => html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");

const text = (from: number, to: number): Buffer =>
  Buffer.concat(
    Array.from({ length: to - from }, (_, i) => stored(`line ${from + i} ${"x".repeat(150)}`, START + from + i)),
  );

/** A finished log in three segments of several frames. */
async function threeSegments(): Promise<{ store: ObjectStore; record: RunRecord; segments: Segment[] }> {
  const archive = new ArchiveFixture();
  const tasks = [{ name: "t", containers: [{ title: "s", lines: ["x"] }] }];
  const record = await archive.run({ name: "r", took: 1, tasks });
  const [row] = containersOf(record);
  if (!row) throw new Error("the fixture has changed");
  const segments: Segment[] = [];
  for (const [i, line] of PARTS.entries()) {
    const key = segmentKey(logIdOf(runIdOf(record), row), { line, offset: 0 });
    const builder = new SegmentBuilder({ line, offset: 0 });
    await builder.append(text(line, PARTS[i + 1] ?? LINES + 1));
    const { object, segment } = await builder.finish(key);
    await archive.store.put(key, object);
    segments.push(segment);
  }
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  expect(bytes).toBeGreaterThan(3 * FRAME_BYTES);
  row.container.log = { state: "whole", lines: LINES, bytes, gaps: [], segments };
  await archive.store.put(recordKey(runIdOf(record)), Buffer.from(JSON.stringify(record)));
  return { store: archive.store, record, segments };
}

let whole: Awaited<ReturnType<typeof threeSegments>>;
beforeAll(async () => {
  whole = await threeSegments();
});

async function copy(store: ObjectStore): Promise<ObjectStore> {
  const other = memoryStore();
  for await (const { key } of store.list("")) await other.put(key, await readBytes(store, key));
  return other;
}

type Index = { version: number; next: { line: number; offset: number }; frames: Record<string, number>[] };
/** The same index with something else in it; spaces keep its length. */
const edited =
  (edit: (index: Index) => void) =>
  (object: Buffer, { index: { offset, length } }: Segment): Buffer => {
    const index: Index = JSON.parse(object.toString("utf8", offset, offset + length));
    edit(index);
    const json = JSON.stringify(index).padEnd(length);
    return Buffer.concat([
      object.subarray(0, offset),
      Buffer.from(json.slice(0, length)),
      object.subarray(offset + length),
    ]);
  };
const eachFrame = (edit: (frame: Record<string, number>) => void) => edited(({ frames }) => frames.forEach(edit));

describe("a log of which the middle segment is damaged", () => {
  test.each<[string, (object: Buffer, segment: Segment) => Buffer | undefined]>([
    ["is missing", () => undefined],
    ["is empty", () => Buffer.alloc(0)],
    ["is cut in the middle", (object) => object.subarray(0, object.byteLength / 2)],
    ["has garbage for an index", (object, { index }) => Buffer.from(object).fill(0xff, index.offset)],
    ["has garbage for frames", (object, { index }) => Buffer.from(object).fill(0xff, 0, index.offset - 8)],
    ["has lines of a billion further on", eachFrame((frame) => (frame.line = (frame.line ?? 0) + 1e9))],
    ["has lines before its place", eachFrame((frame) => (frame.line = 1))],
    ["ends elsewhere", edited((index) => (index.next.line = 15_000))],
    ["has frames of a terabyte", eachFrame((frame) => (frame.bytes = 1e12))],
    ["has frames of one byte", eachFrame((frame) => (frame.bytes = 1))],
    ["has frames that are longer than itself", eachFrame((frame) => (frame.size = 1e12))],
    ["has frames at one place", eachFrame((frame) => (frame.at = 0))],
    ["has no frame", edited((index) => (index.frames = []))],
  ])("that %s: its lines are 502, in words that name what is wrong, all others are there", async (_, damage) => {
    const store = await copy(whole.store);
    const segment = whole.segments[1] as Segment;
    const damaged = damage(await readBytes(store, segment.key), segment);
    if (damaged) await store.put(segment.key, damaged);
    else await store.delete(segment.key);
    const app = appOver(store);
    for (const line of [5_000, 25_000]) {
      const { status, body } = await get(app, `${RUN}?step=s&line=${line}`);
      expect({ line, status }).toEqual({ line, status: 200 });
      expect(words(body)).toContain(`line ${line} xxx`);
    }
    for (const query of [
      "?step=s&line=15000",
      ".txt?step=s&lines=15000-15001",
      `?step=s&t=${new Date(START + 15_000).toISOString()}`,
    ]) {
      const { status, body } = await get(app, `${RUN}${query}`);
      expect({ query, status }).toEqual({ query, status: 502 });
      expect(words(body)).toMatch(
        damaged ? segment.key : /A part of this log is missing|names an object that is not there/,
      );
    }
    const all = await app.request(`${RUN}.txt?step=s`);
    await expect(all.text()).rejects.toThrow("the text breaks off here");
  });

  test("at its seek table alone is whole: the record says where the index is", async () => {
    const store = await copy(whole.store);
    const { key, index } = whole.segments[1] as Segment;
    const object = await readBytes(store, key);
    await store.put(key, Buffer.from(object).fill(0xff, index.offset + index.length));
    expect(words((await get(appOver(store), `${RUN}?step=s&line=15000`)).body)).toContain("line 15000 xxx");
  });

  test.each([
    ["an index of a terabyte", { index: { offset: 0, length: 1e12 } }],
    ["an index behind its end", { index: { offset: 1e12, length: 100 } }],
    ["another first line", { firstLine: 12_000 }],
  ])("by its record, with %s, is 502", async (_, lie) => {
    const store = await copy(whole.store);
    const record = structuredClone(whole.record);
    const [row] = containersOf(record);
    Object.assign(row?.container.log.segments[1] ?? {}, lie);
    await store.put(recordKey(runIdOf(record)), Buffer.from(JSON.stringify(record)));
    const { status, body } = await get(appOver(store), `${RUN}?step=s&line=15000`);
    expect(status).toBe(502);
    expect(words(body)).toContain(whole.segments[1]?.key);
  });
});

describe("a growing log of which a chunk is damaged", () => {
  test.each<[string, (object: Buffer) => Buffer | undefined]>([
    ["is missing", () => undefined],
    ["is garbage", (object) => Buffer.from(object).fill(0xff)],
    ["is cut", (object) => object.subarray(0, object.byteLength - 20)],
    ["has garbage for its text", (object) => Buffer.from(object).fill(0xff, object.byteLength - 30)],
  ])("that %s is 502 and not a log with other numbers", async (_, damage) => {
    const archive = new ArchiveFixture();
    const lines = Array.from({ length: 60_000 }, (_, i) => `line ${i + 1} ${"x".repeat(150)}`);
    const record = await archive.run({
      name: "r",
      tasks: [{ name: "t", status: "running", containers: [{ title: "s", status: "running", state: "open", lines }] }],
    });
    const [row] = containersOf(record);
    const id = row && logIdOf(runIdOf(record), row);
    const keys = (await Array.fromAsync(archive.store.list(chunkPrefix(id as LogId)))).map(({ key }) => key);
    expect(keys.length).toBeGreaterThan(2);
    const key = keys[1] ?? "";
    const at = Number(key.slice(-12));
    const damaged = damage(await readBytes(archive.store, key));
    if (damaged) await archive.store.put(key, damaged);
    else await archive.store.delete(key);
    const { status, body } = await get(appOver(archive.store), `${RUN}.txt?step=s&lines=${at}-${at + 10}`);
    expect(status).toBe(502);
    expect(body).toContain(damaged ? key : keys[0]);
    expect((await get(appOver(archive.store), `${RUN}.txt?step=s&tail=1`)).body).toContain("line 60000 xxx");
  });
});
