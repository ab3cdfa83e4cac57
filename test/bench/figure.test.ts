import { describe, expect, test } from "vitest";
import fc from "../property.ts";
import { type Figure, holds, median, percentile, ratioOf, table } from "./figure.ts";

describe("median and percentile", () => {
  test.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[10, 2], 6],
  ])("the median of %j is %d", (values, expected) => expect(median(values)).toBe(expected));

  test.each([
    [50, 50],
    [95, 95],
    [100, 100],
    [0, 1],
  ])("percentile %d of 1…100 is %d", (percent, expected) => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentile(values, percent)).toBe(expected);
  });

  test("the percentile is one of the values, and so many of them do not exceed it", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent);
        const below = values.filter((value) => value <= found).length;
        return values.includes(found) && below * 100 >= percent * values.length;
      }),
    );
  });

  test("of nothing there is none", () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => percentile([], 95)).toThrow(RangeError);
  });
});

const figure = (more: Partial<Figure>): Figure => ({ name: "speed", unit: "MB/s", ...more });

describe("a goal", () => {
  const cases: [string, Partial<Figure>, boolean | undefined][] = [
    ["at least, reached exactly", { ours: 5, rival: 5, goal: { of: "ratio", least: 1 } }, true],
    ["at least, missed", { ours: 4, rival: 5, goal: { of: "ratio", least: 1 } }, false],
    ["at most, kept", { ours: 2.5, goal: { of: "ours", most: 2.5 } }, true],
    ["at most, exceeded", { ours: 2.6, goal: { of: "ours", most: 2.5 } }, false],
    ["of a count that must be none", { ours: 0, goal: { of: "ours", most: 0 } }, true],
    ["of a ratio without its rival", { ours: 4, goal: { of: "ratio", least: 1 } }, undefined],
    ["that is not set", { ours: 4, rival: 5 }, undefined],
  ];
  test.each(cases)("%s", (_, more, expected) => expect(holds(figure(more))).toBe(expected));

  test("has no ratio to nothing", () => expect(ratioOf(figure({ ours: 1, rival: 0 }))).toBeUndefined());
});

test("the table has one line a figure, then the notes", () => {
  const text = table([
    figure({ ours: 123.456, rival: 100, goal: { of: "ratio", least: 1 } }),
    figure({ name: "delay, p95", unit: "s", ours: 2.71, goal: { of: "ours", most: 2.5 }, note: "two cores" }),
    figure({ name: "memory", unit: "MiB", ours: 90 }),
    figure({ name: "rival", ours: 7, goal: { of: "ratio", most: 1 } }),
  ]);
  expect(text.split("\n")).toEqual([
    "figure          ours  rival  ratio  goal       verdict",
    "speed [MB/s]     123    100   1.23  ratio ≥ 1  holds",
    "delay, p95 [s]  2.71      -      -  ≤ 2.5      does not hold",
    "memory [MiB]      90      -      -  -",
    "rival [MB/s]       7      -      -  ratio ≤ 1  not measured",
    "",
    "  delay, p95: two cores",
  ]);
});
