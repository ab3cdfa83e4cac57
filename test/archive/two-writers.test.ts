import { describe, expect, test } from "vitest";
import { type Backlog, MemoryBacklog } from "../../archive/backlog.ts";
import { chunkPrefix } from "../../archive/keys.ts";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { judge } from "../chaos/oracle.ts";
import fc from "../property.ts";
import { id, keys, line, stamp, textOf } from "./log-fixture.ts";

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
