import { describe, expect, test } from "vitest";
import { cleanLine, excerptOf, PREFIXES, readLine } from "../../../collector/findings/text.ts";
import { patternFaults } from "./pattern-faults.ts";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

describe("a clean line", () => {
  test.each([
    ["\x1b[1m\x1b[38;5;9merror[E0308]\x1b[0m: x", "error[E0308]: x"],
    ["\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x1b]0;title\x07text", "text"],
    ["\x1b(Btext\x1b7\x1b8\x1bM", "text"],
    ["text\x1b[", "text"],
    ["text\x1b[38;5", "text"],
    ["text\x1b]8;;never ended", "text"],
    ["10 %\r100 %\r", "100 %"],
    ["text\r", "text"],
    ["‘total’ é 😀", "‘total’ é 😀"],
    ["a\u202eb\u2066c\u200bd\ufeffe\u0085f\x00g\x7fh", "abcdefgh"],
    ["a\tb", "a\tb"],
  ])("%j says %j", (raw, text) => {
    expect(cleanLine(latin1(raw))).toBe(text);
  });

  test("is valid Unicode whatever the bytes", () => {
    expect(cleanLine("\xe2\x82 \xff")).toBe("� �");
  });
});

describe("what stands in front of a message", () => {
  test.each([
    ["error: x", "error: x"],
    ["    error: x", "    error: x"],
    ["2026-07-30T10:00:00.1234567Z   x", "  x"],
    ["2026-07-30 10:00:00,123 x", "x"],
    ["[task 2025-02-13T21:47:57.540Z] 21:47:57    ERROR -    x", "   x"],
    ["[21:47:57] x", "x"],
    ["#12 3.456   x", "  x"],
    ["0.231 x", "x"],
    ["web-1  | x", "x"],
    ["E0730 10:00:00.000001       1 main.go:20] x", "x"],
    ["##[error]x", "x"],
    ["::error file=a.go,line=3::x", "x"],
    ["[ERROR] /a/B.java:[1,2] x", "/a/B.java:[1,2] x"],
    [" 12 | source", " 12 | source"],
    ["10:00", "10:00"],
  ])("%j leaves %j", (raw, body) => {
    expect(readLine(raw)).toMatchObject({ body, message: body.trimStart() });
  });

  test.each(PREFIXES.map((prefix) => [prefix]))("%s is linear", (prefix) => {
    expect(patternFaults(prefix)).toEqual([]);
  });
});

test("an excerpt is trimmed, and ends with an ellipsis where it is cut", () => {
  expect(excerptOf("  text ", 10)).toBe("text");
  expect(excerptOf("0123456789", 10)).toBe("0123456789");
  expect(excerptOf("0123456789a", 10)).toBe("012345678…");
  expect(excerptOf("01234567😀9a", 10)).toBe("01234567…");
});
