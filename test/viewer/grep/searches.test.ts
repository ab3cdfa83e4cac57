import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ArchiveReader } from "../../../archive/reader.ts";
import { containersOf, type RunRecord, type Segment } from "../../../archive/record.ts";
import type { ObjectStore } from "../../../storage-adapters/store.ts";
import { parsePattern } from "../../../viewer/grep/pattern.ts";
import { SearchPool } from "../../../viewer/grep/pool.ts";
import { type Part, Searches } from "../../../viewer/grep/searches.ts";
import { appOver, get } from "../app-fixture.ts";
import { ArchiveFixture, stored } from "../archive-fixture.ts";
import { words } from "./fixture.ts";

const pool = new SearchPool();
afterAll(() => pool.close());
const searches = new Searches({ pool });
const NEEDLE = parsePattern("needle", false, undefined);
const START = Date.parse("2026-07-30T09:46:12Z");

async function runOf(lines: string[], archive = new ArchiveFixture()) {
  const record = await archive.run({ name: "r", took: 1, tasks: [{ name: "t", containers: [{ title: "s", lines }] }] });
  return { archive, record };
}

async function readerOf(store: ObjectStore, record: RunRecord, signal?: AbortSignal) {
  const [row] = containersOf(record);
  if (!row) throw new Error("the fixture has changed");
  return new ArchiveReader(store).logOf(record, row, signal);
}

async function partsOf(store: ObjectStore, record: RunRecord, pattern = NEEDLE): Promise<Part[]> {
  const parts: Part[] = [];
  const reader = await readerOf(store, record);
  const signal = new AbortController().signal;
  for await (const part of searches.search(reader.frames(), pattern, { signal })) parts.push(part);
  return parts;
}

const hitsOf = (parts: Part[]): number[] => parts.flatMap((part) => ("lines" in part ? part.lines : []));
const noise = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${((from + i) * 2_654_435_761) >>> 0} ${from + i}`);

describe("a line that goes over frames", () => {
  const long = (bytes: number, word: string, at: number) =>
    `${"x".repeat(at)}${word}${"y".repeat(bytes - at - word.length)}`;

  test("of 10 MB is matched as a whole", async () => {
    const { archive, record } = await runOf([
      "needle",
      long(10_000_000, "needle", 5_242_850),
      "none",
      long(10_000_000, "needle", 9_900_000),
      "needle",
    ]);
    expect(hitsOf(await partsOf(archive.store, record))).toEqual([1, 2, 4, 5]);
  });

  test("of more than that is matched in its first 10 MiB, and the lines after it are not lost", async () => {
    const { archive, record } = await runOf([
      "a",
      long(16_000_000, "needle", 15_000_000),
      "needle",
      long(16_000_000, "needle", 9_000_000),
      "needle",
    ]);
    expect(hitsOf(await partsOf(archive.store, record))).toEqual([3, 4, 5]);
  });
});

describe("what is missing or damaged is named, and the rest searched", () => {
  const archive = new ArchiveFixture();
  let record: RunRecord;
  let segments: [Segment, Segment];
  let last: number;
  let whole: Buffer;

  beforeAll(async () => {
    const random = () =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(48_000)))
        .toString("base64")
        .replaceAll(/(.{100})/g, "$1\n")
        .split("\n");
    const lines = ["needle", ...Array.from({ length: 260 }, random).flat(), "needle"];
    ({ record } = await runOf(lines, archive));
    segments = record.tasks[0]?.attempts[0]?.containers[0]?.log.segments as [Segment, Segment];
    expect(segments.length).toBeGreaterThan(1);
    last = lines.length;
    whole = Buffer.concat(await (await archive.store.get(segments[0].key)).toArray());
  }, 60_000);
  afterEach(() => archive.store.put(segments[0].key, whole));

  const spoil = async (store: ObjectStore, { key }: Segment, from: number, to: number) => {
    const object = Buffer.concat(await (await store.get(key)).toArray());
    await store.put(key, Buffer.from(object).fill(0xff, from, to));
  };

  test.each([
    ["a segment that is missing", (store: ObjectStore, { key }: Segment) => store.delete(key), /./],
    [
      "a damaged index",
      (store: ObjectStore, segment: Segment) => spoil(store, segment, segment.index.offset, segment.index.offset + 50),
      /is not JSON/,
    ],
    [
      "a segment that ends too early",
      async (store: ObjectStore, { key }: Segment) =>
        store.put(key, Buffer.concat(await (await store.get(key)).toArray()).subarray(0, 1_000)),
      /is not JSON|ends before/,
    ],
  ])("%s", async (_, damage, reason) => {
    await damage(archive.store, segments[0]);
    const parts = await partsOf(archive.store, record);
    expect(hitsOf(parts)).toEqual([last]);
    const lost = parts.filter((part) => "unreadable" in part);
    expect(lost).toMatchObject([{ from: 1, to: segments[1].firstLine - (segments[1].offset > 0 ? 0 : 1) }]);
    expect(lost[0]?.unreadable).toContain(segments[0].key);
    expect(lost[0]?.unreadable).toMatch(reason);

    const app = appOver(archive.store);
    const page = await get(app, `/namespaces/tekton-ci/pipelineruns/r?grep=needle&lines=${last - 3}-${last}`);
    expect(page.status).toBe(200);
    expect(words(page.body)).toContain("1 of 1");
    expect(words(page.body)).toMatch(/Lines 1 to [\d,]+ cannot be searched: /);
    const text = await get(app, "/namespaces/tekton-ci/pipelineruns/r?step=s&grep=needle&format=text&timestamps=false");
    expect(text.body).toMatch(/^\(afterlog: lines 1 to [\d,]+ cannot be searched: .*\)\nneedle\n$/);
    const told = (await get(app, "/namespaces/tekton-ci/pipelineruns/r?step=s&grep=needle&fragment=hits")).body;
    expect(told).toMatch(/"unreadable":\["lines 1 to/);
  });

  test("a damaged frame", async () => {
    const { record, archive } = await runOf(["needle", ...noise(2, 60_000), "needle"]);
    const segment = record.tasks[0]?.attempts[0]?.containers[0]?.log.segments[0] as Segment;
    await spoil(archive.store, segment, segment.index.offset - 300, segment.index.offset - 100);
    const parts = await partsOf(archive.store, record);
    expect(hitsOf(parts)).toEqual([1]);
    const lost = parts.filter((part) => "unreadable" in part);
    expect(lost).toMatchObject([{ to: 60_001 }]);
    expect(lost[0]?.unreadable).toContain(segment.key);
  });

  test("a store that does not answer fails the search: nothing is known of the log", async () => {
    const { archive, record } = await runOf(["needle"]);
    const { StorageError } = await import("../../../storage-adapters/store.ts");
    const get = () => Promise.reject(new StorageError("unavailable", "no answer"));
    await expect(partsOf({ ...archive.store, get }, record)).rejects.toMatchObject({ kind: "unavailable" });
  });
});

test("a log that grows is searched in its segments and chunks", async () => {
  const archive = new ArchiveFixture();
  const containers = [{ title: "s", lines: ["needle", "x"], state: "open" as const }];
  const record = await archive.run({ name: "r", tasks: [{ name: "t", containers }] });
  const writer = archive.growing.get("r/t/s");
  writer?.append(stored("a needle", START));
  await writer?.flush();
  writer?.append(stored("none", START));
  writer?.append(Buffer.from("2026-07-30T09:46:12Z needle of a line that"));
  await writer?.flush();
  expect(hitsOf(await partsOf(archive.store, record))).toEqual([1, 3, 5]);
});

describe("many searches", () => {
  test("a thousand at once: some are answered, the others are told to come again", async () => {
    const { archive } = await runOf(["a needle", ...noise(2, 2_000)]);
    const app = appOver(archive.store, { searches: new Searches({ pool, maxOpen: 10 }) });
    const path = "/namespaces/tekton-ci/pipelineruns/r?step=s&grep=needle&format=text";
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => get(app, path)));
    const [good, busy] = [200, 503].map((wanted) => answers.filter(({ status }) => status === wanted));
    expect((good?.length ?? 0) + (busy?.length ?? 0)).toBe(1_000);
    expect(good?.length).toBeGreaterThanOrEqual(10);
    expect(busy?.length).toBeGreaterThan(0);
    for (const { body } of good ?? []) expect(body).toContain("a needle");
    for (const { headers, body } of busy ?? []) {
      expect(headers.get("Retry-After")).toMatch(/^\d+$/);
      expect(body).toContain("try again soon");
    }
    expect((await get(app, path)).status).toBe(200);
  });

  test("a reader that leaves ends its search and gives its place to another", async () => {
    const { archive, record } = await runOf(["needle", ...noise(2, 120_000)]);
    const one = new Searches({ pool, maxOpen: 1 });
    const leaving = new AbortController();
    const reader = await readerOf(archive.store, record);
    const first = one.search(reader.frames(), NEEDLE, { signal: leaving.signal });
    await first.next();
    const second = () => one.search(reader.frames(), NEEDLE, { signal: new AbortController().signal });
    await expect(second().next()).rejects.toMatchObject({ status: 503 });
    leaving.abort();
    await expect(first.next()).rejects.toThrow();
    expect((await second().next()).value).toMatchObject({ lines: [1] });
  });

  test("a reader that takes nothing loses its place", async () => {
    const { archive, record } = await runOf(["needle", ...noise(2, 120_000)]);
    const one = new Searches({ pool, maxOpen: 1, idleMs: 20 });
    const reader = await readerOf(archive.store, record);
    const search = () => one.search(reader.frames(), NEEDLE, { signal: new AbortController().signal });
    const slow = search();
    await slow.next();
    await vi.waitFor(async () => expect((await search().next()).done).toBe(false));
    await expect(slow.next()).rejects.toThrow("nobody took");
  });
});

describe("a job that takes too long", () => {
  test("fails with the remedy, and the threads go on with others", async () => {
    const own = new SearchPool({ threads: 1, jobMs: 1_000 });
    try {
      // More states than any table can hold: each byte costs all of them.
      const bits = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).reduce(
        (s, b) => s + (b & 1 ? "a" : "b"),
        "",
      );
      const { archive, record } = await runOf([bits.repeat(160)]);
      const hostile = parsePattern("(?:a|b)*a(?:a|b){450}c", true, undefined);
      const reader = await readerOf(archive.store, record);
      const run = (pattern: typeof NEEDLE) =>
        Array.fromAsync(
          new Searches({ pool: own }).search(reader.frames(), pattern, { signal: AbortSignal.timeout(20_000) }),
        );
      await expect(run(hostile)).rejects.toMatchObject({ status: 400, title: "This search takes too long" });
      const small = await runOf(["needle"]);
      const other = await readerOf(small.archive.store, small.record);
      await vi.waitFor(
        async () => {
          const signal = AbortSignal.timeout(20_000);
          const parts = await Array.fromAsync(new Searches({ pool: own }).search(other.frames(), NEEDLE, { signal }));
          expect(hitsOf(parts)).toEqual([1]);
        },
        { timeout: 10_000 },
      );
    } finally {
      await own.close();
    }
  });
});
