import { describe, expect, test } from "vitest";
import { Problem } from "../../viewer/problem.ts";
import { clockAfter, parseLines, parseTime, parseWindow, place } from "../../viewer/window.ts";

const request = (query: string) => parseWindow(new URLSearchParams(query));

describe("what an address asks to see", () => {
  test.each([
    ["", { type: "default" }],
    ["line=", { type: "default" }],
    ["line=812340", { type: "mark", lines: { from: 812340, to: 812340 } }],
    ["line=812%2C340", { type: "mark", lines: { from: 812340, to: 812340 } }],
    ["line=10-20", { type: "mark", lines: { from: 10, to: 20 } }],
    ["line=20-10", { type: "mark", lines: { from: 10, to: 20 } }],
    ["line=L10-L20", { type: "mark", lines: { from: 10, to: 20 } }],
    ["lineNumber=10-20", { type: "mark", lines: { from: 10, to: 20 } }],
    ["line=10:03", { type: "clock", clock: "10:03" }],
    ["line=10:03:31.936", { type: "clock", clock: "10:03:31.936" }],
    ["line=2026-07-30T10:03Z", { type: "time", time: "2026-07-30T10:03:00Z" }],
    ["line=2026-07-30T10:03:31Z", { type: "time", time: "2026-07-30T10:03:31Z" }],
    ["t=2026-07-30T10:03:31.936986000Z", { type: "time", time: "2026-07-30T10:03:31.936986000Z" }],
    ["t=2026-07-30T12:03:31+02:00", { type: "time", time: "2026-07-30T12:03:31+02:00" }],
    ["lines=501-1000", { type: "lines", lines: { from: 501, to: 1000 } }],
    ["tail=500", { type: "tail" }],
  ])("%s", (query, expected) => {
    expect(request(query)).toEqual(expected);
  });

  test.each([
    "line=99999999999999999999-1",
    "line=0",
    "line=-5",
    "line=1e9",
    "line=abc",
    "line=1-2-3",
    "line=24:30",
    "line=99:99:99",
    "lines=x",
    "tail=-1",
    "tail=1.5",
    "t=yesterday",
    "t=2026-13-45T99:00:00Z",
    "t=2026-07-30T10:03:31",
  ])("%s is refused in words", (query) => {
    expect(() => request(query)).toThrow(Problem);
    expect(() => request(query)).toThrow(/for example/);
  });

  test("the words name the parameter", () => {
    expect(() => parseLines("lines", "?")).toThrow(/^lines is/);
    expect(() => parseTime("t", "?")).toThrow(/^t is/);
  });
});

describe("where the window lies", () => {
  const at = (query: string, total: number, atEnd = false) => {
    const wanted = request(query);
    if (wanted.type === "time" || wanted.type === "clock") throw new Error("not placed by number");
    return place(wanted, total, { atEnd });
  };

  test.each([
    ["", 300_000, false, { from: 1, to: 500 }],
    ["", 300_000, true, { from: 299_501, to: 300_000 }],
    ["", 20, true, { from: 1, to: 20 }],
    ["", 0, true, { from: 1, to: 0 }],
    ["tail=500", 1_000, false, { from: 501, to: 1_000 }],
    ["line=5000", 300_000, false, { from: 4751, to: 5250, mark: { from: 5000, to: 5000 } }],
    ["line=3", 300_000, false, { from: 1, to: 500, mark: { from: 3, to: 3 } }],
    ["line=299999", 300_000, false, { from: 299_501, to: 300_000, mark: { from: 299_999, to: 299_999 } }],
    ["line=1000-9000", 300_000, false, { from: 1000, to: 1499, mark: { from: 1000, to: 9000 } }],
    ["line=400000", 300_000, false, { from: 299_501, to: 300_000, mark: { from: 400_000, to: 400_000 } }],
    ["lines=501-1000", 300_000, false, { from: 501, to: 1000 }],
    ["lines=501-999999", 300_000, false, { from: 501, to: 1000 }],
    ["lines=10-20", 300_000, false, { from: 10, to: 20 }],
    ["lines=400000-400500", 300_000, false, { from: 299_501, to: 300_000 }],
  ])("%j of %i lines, at the end: %j", (query, total, atEnd, expected) => {
    expect(at(query, total, atEnd)).toEqual(expected);
  });

  test.each([
    [1_000, { from: 751, to: 1_250 }],
    [3, { from: 1, to: 500 }],
    [300_000, { from: 299_501, to: 300_000 }],
    [300_001, { from: 299_501, to: 300_000 }],
  ])("around line %i, which explains the failure", (leading, expected) => {
    expect(place({ type: "default" }, 300_000, { atEnd: true, leading })).toEqual(expected);
    expect(place({ type: "tail" }, 300_000, { atEnd: true, leading })).toEqual({ from: 299_501, to: 300_000 });
  });
});

describe("a time of day", () => {
  const start = "2026-07-30T22:15:30.500Z";
  test.each([
    ["22:15:30", "2026-07-30T22:15:30.000Z"],
    ["22:15:31", "2026-07-30T22:15:31.000Z"],
    ["23:59", "2026-07-30T23:59:00.000Z"],
    ["01:00", "2026-07-31T01:00:00.000Z"],
  ])("%s is the first such moment of the log", (clock, expected) => {
    expect(clockAfter(start, clock)).toBe(expected);
  });

  test("a log without times has none", () => {
    expect(clockAfter("", "10:00")).toBeUndefined();
  });
});
