import { describe, expect, test } from "vitest";
import type { Rule } from "../../../collector/findings/rule.ts";
import { takes } from "../../../collector/findings/rule-set.ts";
import { LAST_WORDS, LOGGED_ERROR } from "../../../collector/findings/rules/generic.ts";
import { RULES } from "../../../collector/findings/rules/index.ts";
import { type ReadLine, readLine } from "../../../collector/findings/text.ts";
import { growth } from "./growth.ts";
import { detect } from "./known-failures.ts";
import { patternFaults } from "./pattern-faults.ts";

const all = [...RULES, LOGGED_ERROR, LAST_WORDS];

const patternsOf = ({ match, not = [], group }: Rule): RegExp[] =>
  [...match, ...not, group?.more, group?.lead, group?.closing].filter((pattern) => pattern !== undefined);

test("names are unique", () => {
  expect(new Set(all.map((rule) => rule.name)).size).toBe(all.length);
});

describe("patterns", () => {
  const patterns = all.flatMap((rule) => patternsOf(rule).map((pattern) => [rule.name, pattern] as const));

  test.each(patterns)("%s: %s is linear", (_, pattern) => {
    expect(patternFaults(pattern)).toEqual([]);
  });

  test("none keeps a place of its own", () => {
    expect(patterns.filter(([, pattern]) => pattern.global || pattern.sticky)).toEqual([]);
  });

  test.each([
    ["(a+)+b", ["+ has no bound", "+ has no bound", "a repetition is repeated"]],
    ["a*", ["* has no bound"]],
    ["[a*]{2,}", ["{2,} has no bound"]],
    ["(?:a{1,5}b){0,9}", ["a repetition is repeated"]],
    ["(a|\\)b?){2}", ["a repetition is repeated"]],
    ["(a)\\1", ["a back reference"]],
    ["a{1,9000}", ["{1,9000} is more than 1000"]],
    ["(?:[.,]\\d{1,9})? (?<!\\+)\\*[*+]\\{", []],
  ])("the check of %s finds %j", (source, faults) => {
    expect(patternFaults(new RegExp(source))).toEqual(faults);
  });
});

const BAIT_BYTES = 2000;
const FILLERS = ["a", " ", "1", ":", "/", ".", "(", "x:1:", "error ", "failed "];

/** Lines that a rule nearly takes, over and over: its keyword, and what backtracking feeds on. */
function baits(keyword: string): string[] {
  const beside = (filler: string) => filler.repeat(BAIT_BYTES / filler.length);
  const fillers = FILLERS.flatMap((filler) => [keyword + beside(filler), beside(filler) + keyword]);
  return [keyword.repeat(BAIT_BYTES / keyword.length), ...fillers];
}

test("twice the bait for every rule takes about twice the time", () => {
  const bait = `${all.flatMap(({ keywords }) => keywords.slice(0, 1).flatMap(baits)).join("\n")}\n`;
  const once = Buffer.from(bait);
  const twice = Buffer.from(bait + bait);
  expect(
    growth(
      () => detect(once),
      () => detect(twice),
    ),
  ).toBeLessThan(3.5);
});

test("twice the length of a line of bait takes about twice the time", () => {
  const lines = RULES.flatMap(({ keywords }) => keywords.slice(0, 1).flatMap(baits)).map((bait) => readLine(bait));
  const halves = lines.map(({ text }) => readLine(text.slice(0, BAIT_BYTES / 2)));
  const tryAll = (some: ReadLine[]) => some.filter((line) => RULES.some((rule) => takes(rule, line)));
  expect(
    growth(
      () => tryAll(halves),
      () => tryAll(lines),
    ),
  ).toBeLessThan(3.5);
});
