import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RuleSet, takes } from "../../../collector/findings/rule-set.ts";
import { LOGGED_ERROR } from "../../../collector/findings/rules/generic.ts";
import { RULES } from "../../../collector/findings/rules/index.ts";
import { readLine } from "../../../collector/findings/text.ts";
import { detect } from "./known-failures.ts";

const FOLDER = join(import.meta.dirname, "cases");
const MARK = ">>> ";

/** One failing step each: what the tool printed; the line behind the mark is the one that should lead. */
const cases = readdirSync(FOLDER).map((file) => {
  const lines = readFileSync(join(FOLDER, file), "utf8").split("\n");
  const marked = lines.findIndex((line) => line.startsWith(MARK));
  lines[marked] = lines[marked]?.slice(MARK.length) ?? "";
  return { file, lines, wanted: marked + 1 };
});

test("the cases are marked", () => {
  expect(cases.length).toBeGreaterThan(100);
  expect(cases.filter(({ wanted }) => wanted === 0)).toEqual([]);
});

test.each(cases)("$file leads with the line that explains it", ({ lines, wanted }) => {
  const { leading } = detect(Buffer.from(lines.join("\n")));
  expect({ ...leading, says: lines[(leading?.line ?? 0) - 1] }).toMatchObject({
    line: wanted,
    says: lines[wanted - 1],
  });
});

describe("the rules", () => {
  const rules = new RuleSet(RULES);
  const seen = cases.flatMap(({ lines }) => lines.map((line) => readLine(Buffer.from(line).toString("latin1"))));

  test("take the same lines with their keywords as without them", () => {
    const differing = seen.filter((line) => {
      const bytes = Buffer.from(line.text);
      const behind = rules.candidates(bytes, 0, bytes.byteLength);
      return behind.find((rule) => takes(rule, line)) !== RULES.find((rule) => takes(rule, line));
    });
    expect(differing).toEqual([]);
  });

  test("each take a line of a case", () => {
    const taking = new Set(seen.map((line) => RULES.find((rule) => takes(rule, line))));
    expect(RULES.filter((rule) => !taking.has(rule)).map((rule) => rule.name)).toEqual([]);
  });

  test("a line that names the severity error is a finding without a keyword", () => {
    const { leading } = detect(Buffer.from("INFO start\n2026-07-30 10:00:00 ERROR the price is gone\n"));
    expect(leading).toMatchObject({ line: 2, rule: LOGGED_ERROR.name });
  });
});
