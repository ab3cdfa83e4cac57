import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Backlog, MemoryBacklog } from "../../archive/backlog.ts";
import { Spool } from "../../collector/spool.ts";
import fc from "../property.ts";

const folder = () => mkdtempSync(join(tmpdir(), "afterlog-spool-test-"));
const errors: unknown[] = [];
const spoolOf = (limitBytes: number, memoryBytes = 1_000, directory = folder()) =>
  new Spool({ directory, limitBytes, memoryBytes, onError: (error) => errors.push(error) });

const kinds: [string, () => Backlog][] = [
  ["memory", () => new MemoryBacklog()],
  ["disk", () => spoolOf(1e9).open()],
];

describe.each(kinds)("a backlog in %s", (_, open) => {
  test("gives back every byte in order, whatever is pushed and taken when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.string({ minLength: 1, maxLength: 900 }), fc.integer({ min: 1, max: 3_000 })), {
          maxLength: 60,
        }),
        async (steps) => {
          const backlog = open();
          let pushed = "";
          let taken = "";
          for (const step of steps) {
            if (typeof step === "string") {
              backlog.push(Buffer.from(step));
              pushed += step;
            } else taken += (await backlog.take(step)).toString();
            expect(backlog.bytes).toBe(Buffer.byteLength(pushed) - Buffer.byteLength(taken));
          }
          while (backlog.bytes > 0) taken += (await backlog.take(1_000)).toString();
          expect(taken).toBe(pushed);
          backlog.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("takes whole lines where they fit, and pieces of a line that does not", async () => {
    const backlog = open();
    backlog.push(Buffer.from("one\ntwo\n"));
    backlog.push(Buffer.from(`${"x".repeat(5_000)}\nlast`));
    expect((await backlog.take(6)).toString()).toBe("one\n");
    expect((await backlog.take(4)).toString()).toBe("two\n");
    expect((await backlog.take(3_000)).toString()).toBe("x".repeat(3_000));
    let rest = "";
    while (backlog.bytes > 0) rest += (await backlog.take(3_000)).toString();
    expect(rest).toBe(`${"x".repeat(2_000)}\nlast`);
    backlog.close();
  });
});

describe("a spool", () => {
  const line = Buffer.from(`${"x".repeat(499)}\n`);
  /** As a fast source does it. */
  const fill = async (backlog: Backlog, lines: number) => {
    for (let n = 0; n < lines; n++) {
      backlog.push(line);
      await backlog.pace();
      await new Promise(setImmediate);
    }
  };

  test("leaves no file behind that bears a name, also while it is used", async () => {
    const directory = folder();
    const spool = spoolOf(1e9, 1_000, directory);
    const backlog = spool.open();
    await fill(backlog, 40);
    await expect.poll(() => spool.bytes).toBeGreaterThan(10_000);
    expect(readdirSync(directory)).toEqual([]);
    backlog.close();
  });

  test("is full at its limit, for all logs together, and has room again when text was taken", async () => {
    const spool = spoolOf(20_000);
    const [one, other] = [spool.open(), spool.open()];
    // As readers do: who is full waits.
    while (spool.bytes < 20_000) await fill(one, one.full ? 0 : 1).then(() => new Promise(setImmediate));
    while (!other.full) await fill(other, 1);
    // Beyond the limit only what each may hold in memory.
    expect(spool.waitingBytes).toBeLessThan(20_000 + 2 * 8_500);
    const room = other.room();
    while (one.bytes > 0) await one.take(10_000);
    await other.take(10_000);
    await room;
    expect([one.full, other.full, spool.bytes]).toEqual([false, false, 0]);
    for (const backlog of [one, other]) backlog.close();
  });

  test("lets text of a store that keeps up wait in memory, and sends it to disk as soon as the store does not", async () => {
    const spool = spoolOf(1e9);
    const backlog = spool.open();
    let isOver = false;
    const taken = (async () => {
      while (!isOver) {
        await backlog.take(10_000);
        await new Promise(setImmediate);
      }
    })();
    for (let n = 0; n < 2_000; n++) {
      backlog.push(line);
      await backlog.pace();
      expect(spool.bytes).toBe(0);
    }
    isOver = true;
    await taken;
    await fill(backlog, 100);
    await expect.poll(() => spool.bytes).toBeGreaterThan(40_000);
    backlog.close();
  });

  test("reads back a little at a time: after an outage all logs do so at once", async () => {
    const backlog = spoolOf(1e9).open();
    for (let n = 0; n < 3_000; n++) backlog.push(Buffer.concat([line, line, line, line]));
    let bytes = 0;
    while (backlog.bytes > 0) {
      const text = await backlog.take(4e6);
      expect(text.byteLength).toBeLessThanOrEqual(1024 * 1024);
      bytes += text.byteLength;
    }
    expect(bytes).toBe(12_000 * line.byteLength);
    backlog.close();
  });

  test("keeps in memory what the disk does not take, and says so", async () => {
    const spool = spoolOf(1e9, 1_000, join(folder(), "missing"));
    await expect(spool.probe()).rejects.toThrow(/ENOENT/);
    const backlog = spool.open();
    await fill(backlog, 40);
    await expect.poll(() => backlog.full).toBe(true);
    expect(errors.length).toBeGreaterThan(0);
    let bytes = 0;
    while (backlog.bytes > 0) bytes += (await backlog.take(2_000)).byteLength;
    expect(bytes).toBe(40 * line.byteLength);
  });
});
