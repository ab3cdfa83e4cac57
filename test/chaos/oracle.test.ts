import { describe, expect, test } from "vitest";
import type { Gap, Log } from "../../archive/record.ts";
import { judge } from "./oracle.ts";

const line = (n: number, text = "same") => `2026-07-30T10:00:00.${String(n).padStart(9, "0")}Z ${text}\n`;
const lines = (...numbers: number[]) => numbers.map((n) => line(n)).join("");
const gap = (afterLine: number): Gap => ({ afterLine, cause: "rotated", words: "missing" });

function verdict(truth: string, archived: string, more: Partial<Log> = {}) {
  const log: Log = {
    state: more.gaps ? "incomplete" : "whole",
    ...(more.gaps && { words: "missing" }),
    lines: archived.split("\n").length - (archived.endsWith("\n") || archived === "" ? 1 : 0),
    bytes: archived.length,
    gaps: [],
    segments: [],
    ...more,
  };
  return judge({ where: "step", truth: Buffer.from(truth), archived: Buffer.from(archived), log });
}

describe("the oracle accepts", () => {
  test.each([
    ["all lines", lines(1, 2, 3), lines(1, 2, 3), {}, { missing: 0, feared: 0 }],
    ["a gap in the middle", lines(1, 2, 3, 4), lines(1, 4), { gaps: [gap(1)] }, { missing: 2, feared: 0 }],
    ["a gap at the start", lines(1, 2), lines(2), { gaps: [gap(0)] }, { missing: 1, feared: 0 }],
    ["a gap at the end", lines(1, 2), lines(1), { gaps: [gap(1)] }, { missing: 1, feared: 0 }],
    ["a gap in which nothing is missing", lines(1, 2), lines(1, 2), { gaps: [gap(1)] }, { missing: 0, feared: 1 }],
    ["a gap inside a line", lines(1, 2), `${lines(1).slice(0, -3)}\n`, { gaps: [gap(1)] }, { missing: 2 }],
    [
      "a line that was rotated in its middle",
      line(1, "one long line") + line(3),
      `${line(1, "one lo")}${line(2, "ng line")}${line(3)}`,
      { gaps: [gap(1)] },
      { missing: 0, feared: 0 },
    ],
    ["a log that could not be read, with the reason", lines(1), "", { state: "none", words: "why" }, { missing: 1 }],
  ] as const)("%s", (_, truth, archived, more, expected) => {
    const found = verdict(truth, archived, more as Partial<Log>);
    expect(found).toMatchObject({ problems: [], undeclared: 0, ...expected });
  });
});

describe("the oracle refuses", () => {
  test.each([
    ["a missing line", lines(1, 2, 3), lines(1, 3), {}],
    ["a missing end", lines(1, 2, 3), lines(1, 2), {}],
    ["a line twice", lines(1, 2), lines(1, 1, 2), {}],
    ["lines in another order", lines(1, 2), lines(2, 1), {}],
    ["lines in another order, whatever the gaps", lines(1, 2), lines(2, 1), { gaps: [gap(0), gap(1)] }],
    ["a line that nobody wrote", lines(1), `${lines(1)}failed to watch directory\n`, {}],
    ["a gap in another place", lines(1, 2, 3, 4), lines(1, 2, 4), { gaps: [gap(1)] }],
    ["a whole log with gaps", lines(1), lines(1), { gaps: [gap(1)], state: "whole" }],
    ["a log that does not say why it is not whole", lines(1), "", { state: "none" }],
    ["wrong counts", lines(1), lines(1), { lines: 2 }],
  ] as const)("%s", (_, truth, archived, more) => {
    expect(verdict(truth, archived, more as Partial<Log>).problems).not.toEqual([]);
  });
});
