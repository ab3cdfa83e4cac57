import { describe, expect, it } from "vitest";
import fc from "../property.ts";
import { type CriEntry, EntryFormatter, type FormatOptions, storedEntry } from "./cri-log.ts";
import { LogFile } from "./log-file.ts";

const second = 1_000_000_000n;
const fileOf = (entries: CriEntry[]): LogFile => {
  const file = new LogFile();
  for (const entry of entries) file.append(entry);
  return file;
};
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const entry: fc.Arbitrary<CriEntry> = fc.record({
  timeNs: fc.bigInt({ min: 0n, max: 4n * second }),
  stream: fc.constantFrom("stdout" as const, "stderr" as const),
  partial: fc.boolean(),
  bytes: fc.uint8Array({ maxLength: 40 }),
});
const format: fc.Arbitrary<FormatOptions> = fc.record(
  {
    timestamps: fc.boolean(),
    sinceNs: fc.bigInt({ min: -second, max: 5n * second }),
    limitBytes: fc.integer({ min: 1, max: 300 }),
    offsetMinutes: fc.constantFrom(0, 90),
  },
  { requiredKeys: ["timestamps"] },
);

describe("a log file", () => {
  it("keeps its entries, and knows their size on the disk", () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const file = fileOf(entries);
        const kept = [...file.entries()].map((found) => ({ ...found, bytes: new Uint8Array(found.bytes) }));
        expect(kept).toEqual(entries.map((given) => ({ ...given, bytes: new Uint8Array(given.bytes) })));
        expect(file.length).toBe(entries.length);
        expect(file.size).toBe(Buffer.concat(entries.map((given) => storedEntry(given))).length);
      }),
    );
  });

  it("says the same in pieces of any size as its entries do one by one", () => {
    fc.assert(
      fc.property(fc.array(entry), format, fc.integer({ min: 1, max: 200 }), (entries, options, maxBytes) => {
        const single = new EntryFormatter(options);
        const expected = entries.map((given) => text(single.format(given) ?? Buffer.alloc(0))).join("");
        const file = fileOf(entries);
        const formatter = new EntryFormatter(options);
        let printed = "";
        for (let position = 0; position < file.length && !formatter.exhausted; ) {
          const piece = formatter.formatFile(file, position, maxBytes);
          expect(piece.next).toBeGreaterThan(position);
          position = piece.next;
          printed += text(piece.text);
        }
        expect(printed).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("leaves what was read as it was when it grows", () => {
    const line = (n: number): CriEntry => ({
      timeNs: 0n,
      stream: "stdout",
      partial: false,
      bytes: Buffer.from(`${n}`),
    });
    const file = fileOf([line(0)]);
    const before = new EntryFormatter({ timestamps: true }).formatFile(file, 0, 1_000).text;
    for (let n = 1; n < 1_000; n++) file.append(line(n));
    expect(text(before)).toBe("1970-01-01T00:00:00.000000000Z 0\n");
  });
});
