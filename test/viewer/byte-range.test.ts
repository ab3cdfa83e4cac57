import { describe, expect, test } from "vitest";
import { holdsRange, isKnownTag, parseByteRange } from "../../viewer/byte-range.ts";
import fc from "../property.ts";

describe("Range, of 100 bytes", () => {
  test.each([
    ["bytes=0-0", { first: 0, last: 0 }],
    ["bytes=10-19", { first: 10, last: 19 }],
    ["bytes=90-", { first: 90, last: 99 }],
    ["bytes=90-1000", { first: 90, last: 99 }],
    ["bytes=90-999999999999999999999999", "unsatisfiable"],
    ["bytes=-10", { first: 90, last: 99 }],
    ["bytes=-1000", { first: 0, last: 99 }],
    ["bytes=-999999999999999999999999", { first: 0, last: 99 }],
    ["Bytes = 1-2", { first: 1, last: 2 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=100-200", "unsatisfiable"],
    ["bytes=999999999999999999999999-", "unsatisfiable"],
    ["bytes=20-10", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=0-1,5-6", undefined],
    ["bytes=-", undefined],
    ["bytes=", undefined],
    ["bytes", undefined],
    ["bytes=a-b", undefined],
    ["bytes=1-2-3", undefined],
    ["bytes=-1-2", undefined],
    ["lines=1-2", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s", (header, range) => {
    expect(parseByteRange(header, 100)).toEqual(range);
  });

  test("of nothing there is nothing", () => {
    expect([parseByteRange("bytes=0-", 0), parseByteRange("bytes=-1", 0)]).toEqual(["unsatisfiable", "unsatisfiable"]);
  });

  test("whatever is asked, what is given lies within", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (text, size) => {
        const range = parseByteRange(`bytes=${text}`, size);
        if (range === undefined || range === "unsatisfiable") return true;
        return range.first >= 0 && range.first <= range.last && range.last < size;
      }),
    );
  });
});

test.each([
  [`"a"`, true],
  [`W/"a"`, true],
  [`"b", "a"`, true],
  [`"b" ,W/"a"`, true],
  ["*", true],
  [`"b"`, false],
  ["a", false],
  [undefined, false],
])("If-None-Match %s", (header, isKnown) => {
  expect(isKnownTag(header, `"a"`)).toBe(isKnown);
});

test.each([
  [undefined, true],
  [`"a"`, true],
  [`W/"a"`, false],
  [`"b"`, false],
  ["Thu, 30 Jul 2026 10:00:00 GMT", false],
])("If-Range %s", (header, holds) => {
  expect(holdsRange(header, `"a"`)).toBe(holds);
});
