import { describe, expect, test } from "vitest";
import {
  around,
  lineAtShare,
  MAX_HEIGHT,
  nextLines,
  shareOfLine,
  shareOfView,
  virtualHeight,
} from "../../../viewer/browser/scale.ts";
import fc from "../../property.ts";

test("no log is taller than what every browser can lay out", () => {
  expect(virtualHeight(1_000, 20)).toBe(20_000);
  expect(virtualHeight(10_000_000, 20)).toBe(MAX_HEIGHT);
  expect(MAX_HEIGHT).toBeLessThan(17_895_697); // Firefox
});

describe("the scrollbar", () => {
  test("has the first line at its top and the last at its end", () => {
    expect(lineAtShare(0, 10_000_000)).toBe(1);
    expect(lineAtShare(0.5, 10_000_001)).toBe(5_000_001);
    expect(lineAtShare(1, 10_000_000)).toBe(10_000_000);
    expect(lineAtShare(-1, 5)).toBe(1);
    expect(lineAtShare(2, 5)).toBe(5);
  });

  test("comes back to the line that it left", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (total, share) => {
          const line = lineAtShare(share, total);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(total);
          expect(lineAtShare(shareOfLine(line, total), total)).toBe(line);
        },
      ),
    );
  });

  test.each([
    [100, 500, 100, 2_500, 0],
    [1_100, 500, 100, 2_500, 0.5],
    [2_100, 500, 100, 2_500, 1],
    [9_999, 500, 100, 2_500, 1],
    [0, 500, 100, 2_500, 0],
    [300, 500, 100, 400, 0],
  ])("at %i of a view of %i over content from %i, %i high", (top, height, contentTop, contentHeight, share) =>
    expect(shareOfView(top, height, contentTop, contentHeight)).toBe(share),
  );
});

test("lines around one stay in the log", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 5_000 }), (total, at) => {
      const line = Math.min(at, total);
      const { from, to } = around(line, total, 400);
      expect(from <= line && line <= to).toBe(true);
      expect(to - from + 1).toBe(Math.min(400, total));
      expect(from).toBeGreaterThanOrEqual(1);
      expect(to).toBeLessThanOrEqual(total);
    }),
  );
});

test.each([
  ["above", { from: 301, to: 800 }, { from: 101, to: 300 }],
  ["above", { from: 101, to: 800 }, { from: 1, to: 100 }],
  ["above", { from: 1, to: 800 }, undefined],
  ["below", { from: 1, to: 500 }, { from: 501, to: 700 }],
  ["below", { from: 1, to: 950 }, { from: 951, to: 1_000 }],
  ["below", { from: 1, to: 1_000 }, undefined],
] as const)("what comes next %s", (edge, lines, next) => expect(nextLines(edge, lines, 1_000, 200)).toEqual(next));
