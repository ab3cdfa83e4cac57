import { describe, expect, test } from "vitest";
import type { Gap } from "../../../archive/record.ts";
import { violations } from "./oracle.ts";

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z`;
/** Ten lines of one text, a second apart. */
const PRINTED = Array.from({ length: 10 }, (_, second) => `${at(second)} same`);
const without = (from: number, to: number) => [...PRINTED.slice(0, from), ...PRINTED.slice(to)];
const gap = (afterLine: number, times: Pick<Gap, "from" | "to"> = {}): Gap => ({
  afterLine,
  ...times,
  cause: "rotated",
  words: "Lines may be missing.",
});

describe("the oracle accepts", () => {
  test.each<[string, string[], Gap[]]>([
    ["the same lines", PRINTED, []],
    ["missing lines in a gap between two lines", without(3, 6), [gap(3, { from: at(2), to: at(6) })]],
    ["a gap before the first line", PRINTED.slice(4), [gap(0, { to: at(4) })]],
    ["a gap with an open end", PRINTED.slice(0, 4), [gap(4, { from: at(3) })]],
    ["nothing but a gap", [], [gap(0)]],
    ["a gap in which nothing is missing", PRINTED, [gap(5, { from: at(4), to: at(5) })]],
    ["several gaps, two of them at one place", without(2, 8).slice(1), [gap(0), gap(1, { from: at(1) }), gap(1)]],
  ])("%s", (_, archived, gaps) => expect(violations(archived, gaps, PRINTED)).toEqual([]));

  test("the end of a line behind a gap that ended inside it, with a time of its own", () => {
    const printed = [`${at(0)} first`, `${at(1)} second line`, `${at(2)} third`];
    const archived = [printed[0], `${at(2)} line`, printed[2]] as string[];
    expect(violations(archived, [gap(1, { from: at(0), to: at(2) })], printed)).toEqual([]);
    expect(violations(archived, [], printed)).not.toEqual([]);
    expect(violations(archived, [gap(1, { to: at(0) })], printed)).not.toEqual([]);
  });

  test("an empty log", () => expect(violations([], [], [])).toEqual([]));
});

describe("the oracle finds", () => {
  const twice = [...PRINTED.slice(0, 5), ...PRINTED.slice(3)];
  test.each<[string, string[], Gap[], RegExp]>([
    ["a line that is missing", without(4, 5), [], /line 5 comes too early/],
    ["a first line that is missing", without(0, 1), [], /line 1 comes too early/],
    ["a last line that is missing", without(9, 10), [], /lines 10 to 10 are missing after archived line 9/],
    ["a log that is missing", [], [], /lines 1 to 10 are missing/],
    ["a line that is missing elsewhere than in the gap", without(4, 6), [gap(3)], /archived line 5 comes too early/],
    ["lines outside the gap's times", without(3, 6), [gap(3, { from: at(4) })], /lines 4 to 6 are missing/],
    ["lines behind the gap's end", PRINTED.slice(0, 4), [gap(4, { to: at(7) })], /lines 5 to 10 are missing/],
    ["a line that is there twice", twice, [], /line 6 is there twice or too late/],
    ["lines that are there twice behind a gap", twice, [gap(5)], /line 6 is there twice or too late/],
    [
      "two lines that changed places",
      [...PRINTED.slice(0, 8), PRINTED[9] as string, PRINTED[8] as string],
      [],
      /line 9/,
    ],
    ["a line that was never printed", [...PRINTED, "unable to retrieve container logs"], [], /was never printed/],
    ["a line that was cut", PRINTED.with(9, at(9)), [], /was never printed/],
    ["a gap behind the log's end", PRINTED, [gap(11)], /gaps after lines 11 of 10/],
  ])("%s", (_, archived, gaps, words) => expect(violations(archived, gaps, PRINTED).join("\n")).toMatch(words));
});
