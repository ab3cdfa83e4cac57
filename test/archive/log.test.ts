import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Backlog, MemoryBacklog } from "../../archive/backlog.ts";
import type { LogId } from "../../archive/keys.ts";
import { chunkPrefix, segmentPrefix } from "../../archive/keys.ts";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { readBytes } from "../../storage-adapters/store.ts";
import { judge } from "../chaos/oracle.ts";

const id: LogId = { namespace: "ci", runUid: "run", taskRunUid: "task", attempt: 0, container: "step-a", restart: 0 };
const OPEN: Log = { state: "open", lines: 0, bytes: 0, gaps: [], segments: [] };
const stamp = (n: number) =>
  new Date(Date.UTC(2026, 6, 30) + n * 1000).toISOString().replace(".000Z", `.${String(n).padStart(9, "0")}Z`);
const line = (n: number, text = `line ${n}`) => `${stamp(n)} ${text}\n`;

async function textOf(reader: LogReader, from?: number, to?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of reader.text(from, to)) parts.push(part);
  return Buffer.concat(parts);
}

async function keys(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const item of store.list(prefix)) found.push(item.key);
  return found;
}

/** Cuts text where a socket might. */
function pieces(text: Buffer, size: number): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < text.byteLength; at += size) cut.push(text.subarray(at, at + size));
  return cut;
}

const text = (bytes: Uint8Array[]) =>
  Buffer.concat(bytes.map((b, i) => Buffer.concat([Buffer.from(`${stamp(i)} `), b, Buffer.from("\n")])));

describe("a log comes back byte for byte", () => {
  const cases: [string, Buffer][] = [
    ["one line", Buffer.from(line(1))],
    ["no newline at the end", Buffer.from(line(1) + line(2).trimEnd())],
    ["invalid UTF-8, NUL, CR", text([Buffer.from([0xff, 0xfe, 0, 0x0d]), Buffer.from("a\rb"), Buffer.from("é\r")])],
    ["empty lines", Buffer.from(line(1, "") + line(2, "") + line(3, ""))],
    ["a line of 10 MB", Buffer.from(line(1) + line(2, "x".repeat(10_000_000)) + line(3))],
  ];
  test.each(cases)("%s", async (_, written) => {
    const store = memoryStore();
    const writer = await LogWriter.open(store, id, "pod", { intervalMs: () => 1 });
    for (const piece of pieces(written, 4096)) {
      writer.append(piece);
      await writer.ready();
    }
    const growing = await LogReader.open(store, id, OPEN);
    expect(written.subarray(0, growing.log.bytes).equals(await textOf(growing))).toBe(true);
    const log = await writer.finish({ state: "whole" });
    const reader = await LogReader.open(store, id, log);
    expect((await textOf(reader)).equals(written)).toBe(true);
    expect(log.bytes).toBe(written.byteLength);
    expect(log.noEol ?? false).toBe(written.at(-1) !== 0x0a);
    const lines = written.toString("latin1").split("\n");
    expect(log.lines).toBe(lines.at(-1) === "" ? lines.length - 1 : lines.length);
    expect(log.segments.reduce((sum, s) => sum + s.lines, 0)).toBe(log.lines);
  });

  test("an empty log is no object", async () => {
    const store = memoryStore();
    const log = await (await LogWriter.open(store, id, "pod")).finish({ state: "whole" });
    expect(log).toMatchObject({ state: "whole", lines: 0, bytes: 0, segments: [] });
    expect(await keys(store, "")).toEqual([]);
    expect((await textOf(await LogReader.open(store, id, log))).byteLength).toBe(0);
  });

  test("any bytes in any cuts, written by writers that stop anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.uint8Array({ maxLength: 300 }).map((b) => b.map((c) => (c === 10 ? 11 : c))),
          { minLength: 1, maxLength: 60 },
        ),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (lines, cuts, eol) => {
          const full = text(lines);
          const written = eol ? full : full.subarray(0, full.byteLength - 1);
          const store = memoryStore();
          let writer = await LogWriter.open(store, id, "pod");
          let at = 0;
          for (let i = 0; at < written.byteLength; i++) {
            const size = cuts[i % cuts.length] as number;
            writer.append(written.subarray(at, at + size));
            await writer.flush();
            at += size;
            if (i % 3 === 0) writer = await LogWriter.open(store, id, "pod");
          }
          const log = await writer.finish({ state: "whole" });
          const reader = await LogReader.open(store, id, log);
          expect((await textOf(reader)).equals(written)).toBe(true);
          const n = 1 + Math.floor(lines.length / 2);
          const one = Buffer.from(written.toString("latin1").split("\n")[n - 1] ?? "", "latin1");
          const got = (await textOf(reader, n, n)).toString("latin1").replace(/\n$/, "");
          expect(got).toBe(one.toString("latin1"));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("segments", () => {
  // Random bytes do not compress: 30 MB of them need more than one segment.
  const big = () => {
    const noise = Buffer.alloc(80);
    const lines: Buffer[] = [];
    let seed = 7;
    for (let n = 0; n < 250_000; n++) {
      for (let i = 0; i < noise.length; i++) {
        seed ^= seed << 13;
        seed ^= seed >>> 17;
        seed ^= seed << 5;
        noise[i] = 0x30 + ((seed >>> 8) % 64);
      }
      lines.push(Buffer.from(`${stamp(n)} ${n} `), Buffer.from(noise), Buffer.from("\n"));
    }
    return Buffer.concat(lines);
  };

  test("two writers of one chain make the same, zstdcat prints them, any line costs two reads", async () => {
    const store = memoryStore();
    const written = big();
    const writer = await LogWriter.open(store, id, "pod");
    for (const piece of pieces(written, 60_000)) {
      writer.append(piece);
      await writer.ready();
    }
    await writer.flush();
    const second = await LogWriter.open(store, id, "pod");
    const log = await writer.finish({ state: "whole" });
    expect(log.segments.length).toBeGreaterThan(1);

    const before = await keys(store, segmentPrefix(id));
    await expect(second.finish({ state: "whole" })).resolves.toEqual(log);
    expect(await keys(store, segmentPrefix(id))).toEqual(before);

    const folder = mkdtempSync(join(tmpdir(), "afterlog-"));
    for (const [i, key] of before.entries()) writeFileSync(join(folder, `${i}.zst`), await readBytes(store, key));
    const files = readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
    const printed = zstdcat(files);
    if (printed) expect(printed.equals(written)).toBe(true);

    let gets = 0;
    const counting: ObjectStore = {
      ...store,
      get: (key, options) => {
        gets++;
        return store.get(key, options);
      },
    };
    const reader = await LogReader.open(counting, id, log);
    const number = 123_457;
    const found = await Array.fromAsync(reader.linesOf(number, number));
    expect(found[0]?.text.toString()).toMatch(/^123456 /);
    expect(gets).toBeLessThanOrEqual(2);
    expect(await reader.lineAt(stamp(200_000))).toBe(200_001);
  }, 60_000);

  test("are made when no text waits: what is printed becomes readable first", async () => {
    const calls: string[] = [];
    const memory = memoryStore();
    const noted =
      (name: string, isOf: string) =>
      <T>(key: string, call: () => T): T => {
        if (key.startsWith(isOf)) calls.push(name);
        return call();
      };
    const put = noted("chunk stored", chunkPrefix(id));
    const get = noted("chunk read to be sealed", chunkPrefix(id));
    const store: ObjectStore = {
      ...memory,
      put: (key, bytes, options) => put(key, () => memory.put(key, bytes, options)),
      get: (key, options) => get(key, () => memory.get(key, options)),
    };
    const writer = await LogWriter.open(store, id, "pod");
    for (const piece of pieces(big(), 60_000)) writer.append(piece);
    await writer.flush();
    const stored = calls.lastIndexOf("chunk stored");
    const log = await writer.finish({ state: "whole" });
    expect(log.segments.length).toBeGreaterThan(1);
    expect(stored).toBeGreaterThan(20);
    expect(calls.indexOf("chunk read to be sealed")).toBeGreaterThan(stored);
  });

  /** Debian's zstd where it is installed; .ci/run installs it and fails without it. */
  function zstdcat(files: string[]): Buffer | undefined {
    try {
      return execFileSync("zstdcat", files, { maxBuffer: 1 << 30 });
    } catch (error) {
      if (process.env.CI || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      console.warn("zstdcat is not installed: its output was not compared");
      return undefined;
    }
  }
});

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise(setImmediate);
};

const slow =
  <A extends unknown[], R>(call: (...args: A) => Promise<R>, count: number) =>
  async (...args: A): Promise<R> => {
    await turns(count);
    return call(...args);
  };

/** One that waits before it gives text, as a file does. */
function slowBacklog(): Backlog {
  const backlog = new MemoryBacklog();
  const take = backlog.take.bind(backlog);
  return Object.assign(backlog, { take: slow(take, 4) });
}

describe("two writers", () => {
  test("of one place in the chain both go on: what one of them lacks it takes from the other", async () => {
    const store = memoryStore();
    const a = await LogWriter.open(store, id, "pod");
    const b = await LogWriter.open(store, id, "pod");
    a.append(Buffer.from(line(1)));
    await a.flush();
    b.append(Buffer.from(line(1) + line(2)));
    await b.flush();
    expect(b.log()).toMatchObject({ lines: 2, gaps: [] });
    a.append(Buffer.from(line(2) + line(3)));
    const log = await a.finish({ state: "whole" });
    expect(log).toMatchObject({ state: "whole", lines: 3, gaps: [] });
    expect((await textOf(await LogReader.open(store, id, log))).toString()).toBe(line(1) + line(2) + line(3));
  });

  test("that are ahead of each other in turn store every line once, whatever they hold", async () => {
    const written = Array.from({ length: 60 }, (_, n) => line(n, n % 3 === 0 ? "same" : `line ${n}`));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 9 }), fc.boolean()), {
          maxLength: 24,
        }),
        async (steps) => {
          const store = memoryStore();
          const writers = await Promise.all(
            [0, 1, 2].map(() => LogWriter.open(store, id, "pod", { intervalMs: () => 1e9 })),
          );
          const read = [0, 0, 0];
          const append = (who: number, count: number) => {
            const from = read[who] as number;
            read[who] = Math.min(written.length, from + count);
            writers[who]?.append(Buffer.from(written.slice(from, read[who]).join("")));
          };
          for (const [who, count, flush] of steps) {
            append(who, count);
            if (flush) await writers[who]?.flush();
          }
          for (const who of [0, 1, 2]) append(who, written.length);
          const logs = await Promise.all(writers.map((writer) => writer.finish({ state: "whole" })));
          for (const log of logs) expect(log).toEqual(logs[0]);
          expect(logs[0]).toMatchObject({ state: "whole", gaps: [] });
          expect((await textOf(await LogReader.open(store, id, logs[0] as Log))).toString()).toBe(written.join(""));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("that cut lines into pieces, each in its own way, store every line once", async () => {
    // Some of them fill a chunk, so that the next one is taken while one is on its way.
    const long = (n: number) => line(n, n % 4 === 0 ? "x".repeat(50) : `${n} ${"x".repeat(20_000 + n * 40)}`);
    const written = Array.from({ length: 80 }, (_, n) => long(n)).join("");
    /** Anywhere but inside a time. */
    const cutAfter = (at: number) => {
      const start = written.lastIndexOf("\n", at - 1) + 1;
      return Math.min(written.length, at === start ? at : Math.max(at, start + stamp(0).length + 1));
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 1, max: 200 }), fc.boolean()), {
          maxLength: 40,
        }),
        async (steps) => {
          // Puts and takes need turns, as they do with real stores and disks.
          const memory = memoryStore();
          const put = slow(memory.put, 3);
          const store: ObjectStore = { ...memory, put };
          const open = () => LogWriter.open(store, id, "pod", { intervalMs: () => 1e9, backlog: slowBacklog() });
          const writers = await Promise.all([open(), open()]);
          const flushes: (Promise<void> | undefined)[] = [];
          const read = [0, 0];
          const append = (who: number, bytes: number) => {
            const from = read[who] as number;
            read[who] = cutAfter(from + bytes);
            writers[who]?.append(Buffer.from(written.slice(from, read[who])));
          };
          for (const [who, bytes, flush] of steps) {
            append(who, bytes);
            if (flush) flushes.push(writers[who]?.flush());
            await turns(bytes % 5);
          }
          for (const who of [0, 1]) append(who, written.length);
          await Promise.all(flushes);
          const logs = await Promise.all(writers.map((writer) => writer.finish({ state: "whole" })));
          expect((await textOf(await LogReader.open(store, id, logs[0] as Log))).toString()).toBe(written);
          expect(logs[0]).toMatchObject({ state: "whole", gaps: [] });
          expect(logs[1]).toEqual(logs[0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("that lack lines of their own say so, and store no line twice", async () => {
    const written = Array.from({ length: 90 }, (_, n) => line(n, n % 3 === 0 ? "same" : `line ${n}`));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            who: fc.integer({ min: 0, max: 1 }),
            lines: fc.integer({ min: 0, max: 20 }),
            isLost: fc.boolean(),
            flush: fc.boolean(),
          }),
          { maxLength: 20 },
        ),
        async (steps) => {
          const store = memoryStore();
          const open = () => LogWriter.open(store, id, "pod", { intervalMs: () => 1e9 });
          const writers = await Promise.all([open(), open()]);
          const read = [0, 0];
          const append = (who: number, count: number, isLost: boolean) => {
            const writer = writers[who] as LogWriter;
            const from = read[who] as number;
            const to = Math.min(written.length, from + count);
            read[who] = to;
            if (!isLost) writer.append(Buffer.from(written.slice(from, to).join("")));
            else if (to > from) writer.declare({ to: stamp(to), cause: "rotated", words: "The node has rotated." });
          };
          for (const { who, lines, isLost, flush } of steps) {
            append(who, lines, isLost);
            if (flush) await writers[who]?.flush();
          }
          for (const who of [0, 1]) append(who, written.length, false);
          const logs = await Promise.all(writers.map((writer) => writer.finish({ state: "whole" })));
          const archived = await textOf(await LogReader.open(store, id, logs[0] as Log));
          const truth = Buffer.from(written.join(""));
          expect(judge({ where: "it", truth, archived, log: logs[0] as Log }).problems).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("what the other has already makes no chunk, and the log goes on behind it", async () => {
    const store = memoryStore();
    const a = await LogWriter.open(store, id, "pod");
    const b = await LogWriter.open(store, id, "pod");
    for (const writer of [a, b]) writer.append(Buffer.from(line(1)));
    await a.flush();
    await b.flush();
    expect(await keys(store, chunkPrefix(id))).toHaveLength(1);
    b.append(Buffer.from(line(2)));
    await b.flush();
    expect(b.log().lines).toBe(2);
  });

  test("what one of them has not read is a gap only where the other has not read it either", async () => {
    const store = memoryStore();
    const a = await LogWriter.open(store, id, "pod");
    const b = await LogWriter.open(store, id, "pod");
    a.append(Buffer.from(line(1)));
    await a.flush();
    b.append(Buffer.from(line(1)));
    b.declare({ cause: "rotated", words: "missing", to: stamp(20) });
    b.append(Buffer.from(line(20)));
    await b.flush();
    expect(b.log()).toMatchObject({ lines: 2, gaps: [{ afterLine: 1, from: stamp(1), to: stamp(20) }] });
    const log = await b.finish({ state: "whole" });
    expect(log).toMatchObject({ state: "incomplete", words: log.gaps[0]?.words });
  });

  test("one that opened the log while the other ended it seals nothing twice", async () => {
    const store = memoryStore();
    const a = await LogWriter.open(store, id, "pod");
    a.append(Buffer.from(line(1)));
    await a.flush();
    const reading = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow: ObjectStore = {
      ...store,
      get: async (key, options) => {
        reading.resolve();
        await goOn.promise;
        return store.get(key, options);
      },
    };
    const opening = LogWriter.open(slow, id, "pod");
    await reading.promise;
    a.append(Buffer.from(line(2)));
    const log = await a.finish({ state: "whole" });
    goOn.resolve();
    const b = await opening;
    b.append(Buffer.from(line(2)));
    expect(await b.finish({ state: "whole" })).toEqual(log);
    expect((await textOf(await LogReader.open(store, id, log))).toString()).toBe(line(1) + line(2));
  });

  test("one that was away while the other's chunks were sealed and deleted does not go on beside it", async () => {
    const store = memoryStore();
    const clock = { now: 0 };
    const options = { fenceMs: 1_000, now: () => clock.now };
    const a = await LogWriter.open(store, id, "pod", options);
    const b = await LogWriter.open(store, id, "pod", options);
    for (const writer of [a, b]) writer.append(Buffer.from(line(1)));
    await b.flush();
    b.append(Buffer.from(line(2)));
    await b.flush();
    // As after sealing: all but the newest chunk are gone.
    await store.delete((await keys(store, chunkPrefix(id)))[0] as string);
    clock.now = 2_000;
    await a.flush();
    expect(await keys(store, chunkPrefix(id))).toHaveLength(1);
    expect(a.log().lines).toBe(2);
  });

  test("a writer that opens an ended log finds its end", async () => {
    const store = memoryStore();
    const a = await LogWriter.open(store, id, "pod");
    a.append(Buffer.from(line(1)));
    const log = await a.finish({ state: "incomplete", words: "the node was lost" });
    const b = await LogWriter.open(store, id, "pod");
    expect(b.end).toEqual({ state: "incomplete", words: "the node was lost" });
    expect(await b.finish({ state: "whole" })).toEqual(log);
    expect((await keys(store, chunkPrefix(id))).length).toBe(1);
  });
});
