import { expect, test } from "vitest";
import { CriText } from "../../collector/follow/cri-text.ts";
import fc from "../property.ts";
import { type CriEntry, EntryFormatter, storedEntry } from "../simulator/cri-log.ts";
import { LogFile } from "../simulator/log-file.ts";

const read = (pieces: Buffer[]) => {
  const cri = new CriText();
  return Buffer.concat(pieces.map((piece) => cri.push(piece))).toString("latin1");
};

test("a node's file reads as the log endpoint gives it: nine digits, long lines glued", () => {
  const file = [
    "2026-07-30T10:00:00.12Z stdout F one",
    "2026-07-30T10:00:01Z stdout P lo",
    "2026-07-30T10:00:02Z stdout F ng",
    "no entry",
    "2026-07-30T12:00:03.5+02:00 stderr F ",
    "",
  ].join("\n");
  expect(read([Buffer.from(file)])).toBe(
    "2026-07-30T10:00:00.120000000Z one\n2026-07-30T10:00:01.000000000Z long\n2026-07-30T12:00:03.500000000+02:00 \n",
  );
});

test("of any entries it makes what kubelet makes of them, however the file is cut", () => {
  const entry = fc.record({
    timeNs: fc.bigInt({ min: 1n, max: 4_000_000_000_000_000_000n }),
    stream: fc.constantFrom("stdout" as const, "stderr" as const),
    partial: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 30 }).map((bytes) => bytes.map((byte) => (byte === 10 ? 11 : byte))),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), fc.integer({ min: 1, max: 40 }), (entries: CriEntry[], size) => {
      // An empty partial entry leaves kubelet's flag as it is; containerd writes none.
      const written = entries.filter(({ partial, bytes }) => !partial || bytes.length > 0);
      const file = Buffer.concat(written.map((one) => Buffer.from(storedEntry(one))));
      const pieces = Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
        file.subarray(i * size, (i + 1) * size),
      );
      const log = new LogFile();
      for (const one of written) log.append(one);
      const { text } = new EntryFormatter({ timestamps: true }).formatFile(log, 0, Number.MAX_SAFE_INTEGER);
      expect(read(pieces)).toBe(Buffer.from(text).toString("latin1"));
    }),
  );
});

test("a file that is no log of a container costs no memory", () => {
  const cri = new CriText();
  const block = Buffer.alloc(64 * 1024, "x");
  expect(() => {
    for (let i = 0; i < 1_000; i++) cri.push(block);
  }).toThrow("the node's log file has an entry without an end");
});
