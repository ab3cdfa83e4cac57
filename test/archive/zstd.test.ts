import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ArchiveError } from "../../archive/error.ts";
import { compress, decompress, FAST, SMALL } from "../../archive/zstd.ts";
import { compressors } from "../../archive/zstd-contexts.ts";
import fc from "../property.ts";

/** Bytes that compress like a log's: words in any order. */
const text = fc
  .array(fc.constantFrom("error ", "ok ", "2026-07-30T10:03:31.936986000Z ", "\n", "🎉", "0123456789"), {
    minLength: 1,
    maxLength: 3_000,
  })
  .map((words) => Buffer.from(words.join("")));

describe("frames from contexts that are used again", () => {
  test("what goes in comes out, many at a time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 12 }),
        fc.constantFrom(FAST, SMALL),
        async (texts, packing) => {
          const frames = await Promise.all(texts.map((each) => compress(each, packing)));
          const again = await Promise.all(
            frames.map((frame, i) => decompress(frame, texts[i]?.byteLength ?? 0, "key")),
          );
          for (const [i, each] of texts.entries()) {
            expect(again[i]?.equals(each)).toBe(true);
            expect(zstdDecompressSync(frames[i] as Buffer).equals(each)).toBe(true);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("the same text gives the same frame, whatever was compressed before it", async () => {
    const parameters = { level: 8, minMatch: 6, searchLog: 3, hashLog: 16 };
    const used = compressors(parameters);
    await fc.assert(
      fc.asyncProperty(text, async (each) => {
        expect((await used.run(each)).equals(await compressors(parameters).run(each))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("a large frame", async () => {
    const large = Buffer.from(Array.from({ length: 100_000 }, (_, n) => `line ${n * 7919}\n`).join(""));
    expect((await decompress(await compress(large, FAST), large.byteLength, "key")).equals(large)).toBe(true);
  });
});

describe("damage", () => {
  const good = Buffer.from("a line\n".repeat(1_000));
  const frame = zstdCompressSync(good);
  const cases: [string, Buffer, number][] = [
    ["a frame that is cut", frame.subarray(0, frame.byteLength - 6), good.byteLength],
    ["garbage", Buffer.alloc(50, 7), 50],
    ["more than was promised", frame, good.byteLength - 1],
    ["less than was promised", frame, good.byteLength + 1],
    ["nothing", Buffer.alloc(0), 10],
  ];
  test.each(cases)("%s is told of the object, and the frames after it are read", async (_, damaged, bytes) => {
    await expect(decompress(damaged, bytes, "the-key")).rejects.toThrow(/the-key holds a frame/);
    await expect(decompress(damaged, bytes, "the-key")).rejects.toBeInstanceOf(ArchiveError);
    const read = await Promise.all(Array.from({ length: 8 }, () => decompress(frame, good.byteLength, "key")));
    expect(read.every((each) => each.equals(good))).toBe(true);
  });
});
