import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { chunkPrefix, segmentPrefix } from "../../archive/keys.ts";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { id, keys, line, textOf } from "./log-fixture.ts";

const MIB = 1024 * 1024;

/** A store in which each chunk takes until it is let through. */
function gatedStore() {
  const memory = memoryStore();
  const chunks: string[] = [];
  const waiting: (() => void)[] = [];
  let isOpen = false;
  const store: ObjectStore = {
    ...memory,
    async put(key, bytes, options) {
      if (key.startsWith(chunkPrefix(id))) {
        chunks.push(key);
        // The next one is told by where this one ends: two at a time would be no chain.
        expect(waiting).toEqual([]);
        if (!isOpen) await new Promise<void>((through) => waiting.push(through));
      }
      return memory.put(key, bytes, options);
    },
  };
  const letThrough = () => waiting.shift()?.();
  const open = () => {
    isOpen = true;
    letThrough();
  };
  return { store, chunks, letThrough, open };
}

const written = (from: number, lines: number) =>
  Buffer.from(Array.from({ length: lines }, (_, i) => line(from + i, "word ".repeat(20))).join(""));

test("what comes while a chunk is on its way becomes the next one, whole and in order", async () => {
  const { store, chunks, letThrough, open } = gatedStore();
  const writer = await LogWriter.open(store, id, "pod", { intervalMs: () => 1e9 });
  const pieces = Array.from({ length: 60 }, (_, i) => written(1 + i * 1_500, 1_500));
  for (const [i, piece] of pieces.entries()) {
    writer.append(piece);
    await setImmediate();
    if (i % 6 === 5) letThrough();
  }
  open();
  const log = await writer.finish({ state: "whole" });
  const text = Buffer.concat(pieces);
  expect((await textOf(await LogReader.open(store, id, log))).equals(text)).toBe(true);
  // One for each that was let through and what waited at the end, and not one for each piece of text.
  expect(text.byteLength).toBeGreaterThan(10 * MIB);
  expect(chunks.length).toBeLessThanOrEqual(pieces.length / 6 + 8);
  expect(chunks.length).toBeGreaterThanOrEqual(text.byteLength / (4 * MIB));
});

test("a log is sealed when it pauses, though it has no end yet", async () => {
  const store = memoryStore();
  const writer = await LogWriter.open(store, id, "pod", { intervalMs: () => 20 });
  // What hardly packs: segments end by the size that is stored.
  const noise = (n: number) => Buffer.from(line(n, randomBytes(48_000).toString("base64")));
  for (let n = 1; n <= 200; n++) writer.append(noise(n));
  await writer.flush();
  await expect.poll(() => keys(store, segmentPrefix(id)), { timeout: 10_000 }).not.toEqual([]);
  writer.abandon();
});
