import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ArchiveError } from "../../archive/error.ts";
import { locateIndex, readIndex, SegmentBuilder } from "../../archive/segment.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";

const key = "v1/runs/ci/r/t/0/step-a/000000000001.log.zst";
const line = (n: number) => `2026-07-30T10:00:${String(n % 60).padStart(2, "0")}.000000000Z line ${n}\n`;

async function build(text: string) {
  const builder = new SegmentBuilder({ line: 1, offset: 0 });
  for (let at = 0; at < text.length; at += 300_000) await builder.append(Buffer.from(text.slice(at, at + 300_000)));
  return builder.finish(key);
}

const text = Array.from({ length: 60_000 }, (_, n) => line(n + 1)).join("");

describe("the bytes of a segment, field by field", () => {
  test("frames, Afterlog's index, the seek table of the zstd seekable format 0.1.0", async () => {
    const { object, segment } = await build(text);
    // Footer: Number_Of_Frames, Seek_Table_Descriptor, Seekable_Magic_Number.
    const frames = object.readUInt32LE(object.byteLength - 9);
    expect(object.readUInt8(object.byteLength - 5)).toBe(0);
    expect(object.readUInt32LE(object.byteLength - 4)).toBe(0x8f92eab1);
    // The table is a skippable frame: Skippable_Magic_Number, Frame_Size, entries of 8 bytes, footer.
    const table = object.byteLength - 9 - frames * 8 - 8;
    expect(object.readUInt32LE(table)).toBe(0x184d2a5e);
    expect(object.readUInt32LE(table + 4)).toBe(frames * 8 + 9);
    const entries = Array.from({ length: frames }, (_, i) => ({
      size: object.readUInt32LE(table + 8 + i * 8),
      bytes: object.readUInt32LE(table + 12 + i * 8),
    }));
    // Every frame begins where the one before ended; the last before the table is the index.
    let at = 0;
    for (const [i, entry] of entries.entries()) {
      const last = i === frames - 1;
      expect(object.readUInt32LE(at)).toBe(last ? 0x184d2a50 : 0xfd2fb528);
      if (last) expect(entry).toEqual({ size: 8 + object.readUInt32LE(at + 4), bytes: 0 });
      at += entry.size;
    }
    expect(at).toBe(table);
    expect(entries.reduce((sum, entry) => sum + entry.bytes, 0)).toBe(text.length);
    expect(frames).toBeGreaterThan(3);
    expect(segment).toMatchObject({
      firstLine: 1,
      offset: 0,
      lines: 60_000,
      bytes: text.length,
      size: object.byteLength,
    });

    const index = JSON.parse(
      object.toString("utf8", segment.index.offset, segment.index.offset + segment.index.length),
    );
    expect(index).toMatchObject({ version: 1, next: { line: 60_001, offset: 0 } });
    for (const [i, frame] of index.frames.entries()) {
      expect(frame).toMatchObject({ bytes: entries[i]?.bytes, size: entries[i]?.size, offset: 0 });
      expect(frame.bytes).toBeLessThanOrEqual(1024 * 1024);
    }
  });

  test("zstd itself counts the frames", async (context) => {
    const { object } = await build(text);
    const file = join(mkdtempSync(join(tmpdir(), "afterlog-")), "a.zst");
    writeFileSync(file, object);
    let listed: string;
    try {
      listed = execFileSync("zstd", ["-lv", file], { encoding: "utf8" });
    } catch (error) {
      if (process.env.CI || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return context.skip("zstd is not installed");
    }
    const frames = object.readUInt32LE(object.byteLength - 9);
    expect(listed).toContain(`# Zstandard Frames: ${frames - 1}`);
    expect(listed).toContain("# Skippable Frames: 2");
    expect(listed).toContain("Check: XXH64");
  });
});

describe("a segment that no record describes", () => {
  test("is read from its end", async () => {
    const { object, segment } = await build(text);
    const store = memoryStore();
    await store.put(key, object);
    const index = await locateIndex(store, key, object.byteLength);
    expect(index).toEqual(segment.index);
    expect((await readIndex(store, { key, index })).next).toEqual({ line: 60_001, offset: 0 });
  });

  test.each([
    ["is truncated", (object: Buffer) => object.subarray(0, object.byteLength - 5)],
    ["is foreign", () => Buffer.from("hello, world, I am no segment at all")],
    ["is empty", () => Buffer.alloc(0)],
    [
      "lies about its table",
      (object: Buffer) => {
        const lying = Buffer.from(object);
        lying.writeUInt32LE(0xffffff, lying.byteLength - 9);
        return lying;
      },
    ],
  ])("is refused by its key when it %s", async (_, damage) => {
    const { object } = await build(line(1));
    const damaged = damage(object);
    const store = memoryStore();
    await store.put(key, damaged);
    const error = await locateIndex(store, key, damaged.byteLength).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ArchiveError);
    expect((error as Error).message).toContain(key);
  });
});

test("a fold goes on in the next segment; frames count severities", async () => {
  const line = (i: number, words: string) => `2026-07-30T10:00:${String(i).padStart(2, "0")}.000000000Z ${words}\n`;
  const store = memoryStore();
  const read = async (builder: SegmentBuilder, key: string) => {
    const { object, segment } = await builder.finish(key);
    await store.put(key, object);
    return readIndex(store, segment);
  };
  const first = new SegmentBuilder({ line: 1, offset: 0 });
  await first.append(Buffer.from(line(1, "::group::Build") + line(2, "WARN old") + line(3, "ERROR gone")));
  const before = await read(first, "first");
  expect(before.frames).toMatchObject([{ severities: { error: 1, warning: 1 }, folds: { open: [], ends: [] } }]);
  expect(before.folds?.open).toMatchObject([{ start: 1, title: "Build" }]);

  const second = new SegmentBuilder(before.next, before.folds);
  await second.append(Buffer.from(line(4, "x") + line(9, "::endgroup::")));
  const after = await read(second, "second");
  expect(after.frames[0]?.folds).toMatchObject({
    open: [{ start: 1 }],
    ends: [{ start: 1, end: 5, closed: true, seconds: 8 }],
  });
  expect([after.frames[0]?.severities, after.folds]).toEqual([undefined, undefined]);
});
