import { describe, expect, it } from "vitest";
import {
  type CriEntry,
  EntryFormatter,
  type FormatOptions,
  formatTime,
  maxEntryBytes,
  parseTime,
  splitLine,
} from "./cri-log.ts";

const at = (seconds: number, text: string, more: Partial<CriEntry> = {}): CriEntry => ({
  timeNs: BigInt(Math.round(seconds * 1000)) * 1_000_000n,
  stream: "stdout",
  partial: false,
  bytes: Buffer.from(text),
  ...more,
});

const formatEntries = (entries: CriEntry[], options: FormatOptions): Buffer => {
  const formatter = new EntryFormatter(options);
  return Buffer.concat(entries.map((entry) => formatter.format(entry) ?? Buffer.alloc(0)));
};

const print = (entries: CriEntry[], sinceSeconds?: number): string =>
  formatEntries(entries, {
    timestamps: true,
    ...(sinceSeconds === undefined ? {} : { sinceNs: BigInt(sinceSeconds) * 1_000_000_000n }),
  })
    .toString()
    .replaceAll("1970-01-01T00:00:", "");

describe("times", () => {
  it.each([
    [0n, 0, "1970-01-01T00:00:00.000000000Z"],
    [1_000_000_100n, 0, "1970-01-01T00:00:01.000000100Z"],
    [1_999_999_999n, 120, "1970-01-01T02:00:01.999999999+02:00"],
    [0n, -210, "1969-12-31T20:30:00.000000000-03:30"],
  ])("%s at offset %s", (ns, offset, text) => {
    expect(formatTime(ns, offset)).toBe(text);
    expect(parseTime(text)).toBe(ns);
  });

  it.each(["foo", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])("refuses %s", (text) => {
    expect(parseTime(text)).toBeUndefined();
  });
});

describe("containerd's split", () => {
  it.each([
    ["an empty line", 0, true, ["0F"]],
    ["exactly the limit", maxEntryBytes, true, ["16384F"]],
    ["one byte more", maxEntryBytes + 1, true, ["16384P", "1F"]],
    ["twice the limit", 2 * maxEntryBytes, true, ["16384P", "16384F"]],
    ["an end without newline", 5, false, ["5P"]],
  ])("%s", (_, length, ended, expected) => {
    const pieces = splitLine(Buffer.alloc(length), ended);
    expect(pieces.map(({ bytes, partial }) => `${bytes.length}${partial ? "P" : "F"}`)).toEqual(expected);
  });
});

describe("kubelet's format", () => {
  const partial = { partial: true };
  const stderr = { stream: "stderr" } as const;

  it.each<[string, CriEntry[], number | undefined, string]>([
    ["one line each", [at(1, "a"), at(2, "b")], undefined, "01.000000000Z a\n02.000000000Z b\n"],
    ["an empty line", [at(1, "")], undefined, "01.000000000Z \n"],
    ["pieces share the first time", [at(1, "a", partial), at(2, "b")], undefined, "01.000000000Z ab\n"],
    ["no newline at the end", [at(1, "a"), at(2, "b", partial)], undefined, "01.000000000Z a\n02.000000000Z b"],
    ["streams are glued", [at(1, "out", partial), at(2, "err", stderr)], undefined, "01.000000000Z outerr\n"],
    ["out of order stays so", [at(2, "b"), at(1, "a", stderr)], undefined, "02.000000000Z b\n01.000000000Z a\n"],
    ["since is inclusive", [at(1, "a"), at(2, "b"), at(3, "c")], 2, "02.000000000Z b\n03.000000000Z c\n"],
    ["since skips each old line", [at(3, "c"), at(1, "a"), at(3, "d")], 2, "03.000000000Z c\n03.000000000Z d\n"],
    ["since cuts inside a line", [at(1, "a", partial), at(2, "b"), at(3, "c")], 2, "b\n03.000000000Z c\n"],
  ])("%s", (_, entries, since, expected) => {
    expect(print(entries, since)).toBe(expected);
  });

  it("cuts at limitBytes, the time included", () => {
    expect(formatEntries([at(1, "abc"), at(2, "d")], { timestamps: true, limitBytes: 32 }).toString()).toBe(
      "1970-01-01T00:00:01.000000000Z a",
    );
  });
});
