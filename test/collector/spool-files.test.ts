import { randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { openNameless, SpoolFiles } from "../../collector/spool-files.ts";
import fc from "../property.ts";

const lines = (n: number) => Buffer.from(Array.from({ length: n }, () => `${randomUUID()}\n`).join(""));

/** Takes a part of what is written each time, as a disk with little room does, and nothing once `room` is used up. */
async function openSmall(disk: { room: number }): Promise<FileHandle> {
  const file = await openNameless(tmpdir());
  const write = async (block: Buffer, offset: number, length: number, at: number) => {
    const taken = Math.min(disk.room, Math.ceil(length / 2));
    if (taken === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    disk.room -= taken;
    return await file.write(block, offset, taken, at);
  };
  return new Proxy(file, {
    get: (target, name) => {
      if (name === "write") return write;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("text is given back in order, and takes no more of the disk than what waits and a file", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.record({ write: fc.nat(20) }), fc.nat(2_000))), async (steps) => {
      const files = new SpoolFiles(() => openNameless(tmpdir()), 1_000);
      let written = "";
      let read = "";
      for (const step of steps) {
        if (typeof step === "number") read += await files.read(step);
        else {
          const block = lines(step.write);
          await files.write(block);
          written += block;
        }
        expect(files.bytes).toBe(written.length - read.length);
        // A file ends with the block that makes it long enough.
        expect(files.length).toBeLessThanOrEqual(files.bytes + 1_000 + 20 * 37);
      }
      while (files.bytes > 0) read += await files.read(500);
      expect(read).toBe(written);
      expect(files.length).toBe(0);
      await files.close();
    }),
    { numRuns: 60 },
  );
});

test("a write that the disk takes in parts is whole, and of one that it refuses nothing is kept", async () => {
  const disk = { room: 10_000 };
  const files = new SpoolFiles(() => openSmall(disk));
  const [first, second] = [lines(200), lines(200)];
  await files.write(first);
  await expect(files.write(second)).rejects.toThrow("no space left");
  expect(files.bytes).toBe(first.byteLength);
  disk.room = 10_000;
  await files.write(second);
  let read = "";
  while (files.bytes > 0) read += await files.read(1_000);
  expect(read).toBe(`${first}${second}`);
  await files.close();
});
