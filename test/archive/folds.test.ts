import { describe, expect, test } from "vitest";
import { type Fold, foldsOf } from "../../archive/folds.ts";
import type { MarkerOptions } from "../../archive/markers.ts";
import fc from "../property.ts";
import { expectLinear } from "../viewer/terminal/growth.ts";

const ESC = "\x1b";
const START = Date.parse("2026-07-30T10:00:00Z");
const log = (texts: readonly string[]) =>
  texts.map((text, i) => ({ number: i + 1, text, time: new Date(START + i * 1_000).toISOString() }));
/** A fold as `depth start-end title seconds`, with `?` when nobody closed it. */
const told = ({ start, end, depth, title, seconds, closed, isCollapsed }: Fold) =>
  `${depth} ${start}-${end} ${title} ${seconds}${closed ? "" : " ?"}${isCollapsed === undefined ? "" : isCollapsed ? " shut" : " open"}`;
const folds = (texts: readonly string[], options?: MarkerOptions) => foldsOf(log(texts), options).map(told);

const gitlab = {
  start: (name: string, unix: number, options = "") => `${ESC}[0Ksection_start:${unix}:${name}${options}\r${ESC}[0K`,
  end: (name: string, unix: number) => `${ESC}[0Ksection_end:${unix}:${name}\r${ESC}[0K`,
};

describe("folds", () => {
  test.each<[string, string[], string[]]>([
    ["none", ["a", "b"], []],
    ["GitHub's", ["a", "::group::Install", "b", "::endgroup::", "c"], ["0 2-4 Install 2"]],
    [
      "as GitHub stores them",
      ["2026-07-30T10:00:00.1234567Z ##[group]Run x", "b", "2026-07-30T10:00:00.2Z ##[endgroup]"],
      ["0 1-3 Run x 2"],
    ],
    ["with colours", [`${ESC}[36m::group::${ESC}[1mBuild${ESC}[0m it`, "::endgroup::"], ["0 1-2 Build it 1"]],
    [
      "nested, when both are closed",
      ["::group::a", "::group::b", "x", "::endgroup::", "::endgroup::"],
      ["0 1-5 a 4", "1 2-4 b 2"],
    ],
    [
      "one after the other, when not",
      ["::group::a", "x", "::group::b", "x", "::endgroup::", "y"],
      ["0 1-2 a 2 ?", "0 3-5 b 2"],
    ],
    [
      "three that nobody closed",
      ["::group::a", "::group::b", "::group::c", "x"],
      ["0 1-1 a 1 ?", "0 2-2 b 1 ?", "0 3-4 c 1 ?"],
    ],
    [
      "a group that nobody closed around closed ones",
      ["::group::a", "::group::b", "::endgroup::", "::group::c", "::endgroup::", "x"],
      ["0 1-1 a 1 ?", "0 2-3 b 1", "0 4-5 c 1"],
    ],
    [
      "ends without a start",
      ["::endgroup::", "##[endgroup]", gitlab.end("x", 1), "::group::a", "::endgroup::", "::endgroup::"],
      ["0 4-5 a 1"],
    ],
    ["markers within a line", ["echo ::group::a", "x ##[group]b", "::groups::c", "##[groups]d"], []],
    [
      "GitLab's, with its own durations",
      [
        `${gitlab.start("build", 1_000)}Build it`,
        gitlab.start("a.b-c", 1_010),
        "x",
        gitlab.end("a.b-c", 1_015),
        gitlab.end("build", 1_100),
      ],
      ["0 1-5 Build it 100 open", "1 2-4 a.b-c 5 open"],
    ],
    [
      "GitLab's end and start on one line",
      [
        `${gitlab.start("a", 1)}A`,
        "x",
        `${gitlab.end("a", 3) + gitlab.start("b", 3, "[hide_duration=true,collapsed=true]")}B`,
        gitlab.end("b", 9),
      ],
      ["0 1-2 A 2 open", "0 3-4 B 6 shut"],
    ],
    [
      "as GitLab stores them",
      [
        `2026-07-30T10:00:00.123456Z 00O ${gitlab.start("a", 1)}A`,
        `2026-07-30T10:00:00.123456Z 00O+${gitlab.end("a", 3)}`,
      ],
      ["0 1-2 A 2 open"],
    ],
    [
      "an inner section ends with the outer",
      [gitlab.start("a", 1), gitlab.start("b", 2), "x", gitlab.end("a", 9), "y"],
      ["0 1-4 a 8 open", "1 2-4 b 2 ? open"],
    ],
    ["a section that ends at once", [gitlab.start("a", 1) + gitlab.end("a", 1)], ["0 1-1 a 0 open"]],
    [
      "groups in sections and sections in groups",
      [
        gitlab.start("a", 1),
        "::group::g",
        gitlab.start("b", 2),
        "::group::h",
        "::endgroup::",
        gitlab.end("b", 3),
        "::endgroup::",
        gitlab.end("a", 9),
      ],
      ["0 1-8 a 8 open", "1 2-7 g 5", "2 3-6 b 1 open", "3 4-5 h 1"],
    ],
    [
      "Travis's",
      [
        `travis_fold:start:install.1\r${ESC}[0Ktravis_time:start:0a1b\r${ESC}[0K$ npm ci`,
        "x",
        `travis_time:end:0a1b:start=1,finish=2500000001,duration=2500000000\r${ESC}[0Ktravis_fold:end:install.1\r${ESC}[0K`,
      ],
      ["0 1-3 $ npm ci 2.5"],
    ],
    [
      "commands that were stopped",
      ["::stop-commands::t0k", "::group::a", "::endgroup::", "::t0k::", "::group::b", "::endgroup::"],
      ["0 5-6 b 1"],
    ],
    ["headers that nobody asked for", ["--- a/x.go", "+++ b/x.go", "~~~ x"], []],
  ])("%s", (_, lines, expected) => {
    expect(folds(lines)).toEqual(expected);
  });

  test("Buildkite's headers when asked for", () => {
    const lines = ["~~~ Setup", "a", "--- :go: Build", "b", "^^^ +++", "+++ Test", "---", "--- ", "c"];
    expect(folds(lines, { buildkite: true })).toEqual([
      "0 1-2 Setup 2 shut",
      "0 3-5 :go: Build 3 open",
      "0 6-7 Test 2 open",
      "0 8-9  1 ? shut",
    ]);
  });

  test("times that are missing give no duration, those that go backwards none at all", () => {
    const lines = log(["::group::a", "::endgroup::", "::group::b", "::endgroup::"]);
    const [a, , b, last] = lines as [object, object, object, object];
    Object.assign(a, { time: undefined });
    Object.assign(b, { time: "2026-07-30T11:00:00Z" });
    Object.assign(last, { time: "2026-07-30T10:59:00Z" });
    expect(foldsOf(lines).map(({ seconds }) => seconds)).toEqual([undefined, 0]);
  });
});

describe("bounds", () => {
  test("a bomb of groups is as many groups, none inside another", () => {
    const found = foldsOf(log(Array.from({ length: 2_000 }, (_, i) => `::group::${i}`)));
    expect(found).toHaveLength(2_000);
    expect(found.every(({ start, end, depth }) => depth === 0 && start === end)).toBe(true);
  });

  test("a bomb of sections goes no deeper than 16, and its ends fit", () => {
    const names = Array.from({ length: 500 }, (_, i) => `s${i}`);
    const found = foldsOf(
      log([...names.map((name) => gitlab.start(name, 1)), ...names.toReversed().map((name) => gitlab.end(name, 2))]),
    );
    expect(found.map(({ depth, start, end }) => [depth, start, end])).toEqual(
      Array.from({ length: 16 }, (_, i) => [i, i + 1, 1_000 - i]),
    );
  });

  test("titles of 200 characters", () => {
    expect(foldsOf(log([`::group::${"x".repeat(300)}`]))[0]?.title).toHaveLength(200);
  });

  test("folds lie side by side or inside one another, and their depth says so", () => {
    const line = fc.constantFrom(
      "x",
      "::group::g",
      "::endgroup::",
      "--- h",
      "+++ h",
      ...["a", "b"].flatMap((name) => [
        gitlab.start(name, 1),
        gitlab.end(name, 2),
        gitlab.end(name, 2) + gitlab.start(name, 2),
        `travis_fold:start:${name}\r`,
        `travis_fold:end:${name}\r`,
      ]),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        const found = foldsOf(log(lines), { buildkite: true });
        const around: Fold[] = [];
        for (const fold of found) {
          expect(fold.end).toBeGreaterThanOrEqual(fold.start);
          expect(fold.end).toBeLessThanOrEqual(lines.length);
          while (around.length > fold.depth) around.pop();
          expect(around).toHaveLength(fold.depth);
          expect(fold.end).toBeLessThanOrEqual(around.at(-1)?.end ?? lines.length);
          around.push(fold);
        }
        for (const depth of new Set(found.map((fold) => fold.depth))) {
          const row = found.filter((fold) => fold.depth === depth);
          for (const [i, fold] of row.entries())
            expect(row[i + 1]?.start ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(fold.end);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["groups", (length: number) => ["::group::".repeat(length / 9)]],
    ["many groups", (length: number) => Array.from({ length: length / 9 }, () => "::group::")],
    [
      "a group around many",
      (length: number) => [
        "::group::",
        ...Array.from({ length: length / 21 }, (_, i) => (i % 2 ? "::endgroup::" : "::group::")),
      ],
    ],
    ["escape sequences", (length: number) => [`${ESC}[`.repeat(length / 2), `${ESC}[m `.repeat(length / 4)]],
    [
      "sections without an end",
      (length: number) => [`section_start:1:${"a".repeat(length)}`, "section_start:1:a[".repeat(length / 18)],
    ],
    [
      "parameters",
      (length: number) => [`::error ${"a=b,".repeat(length / 4)}`, `::error ${"a: :".repeat(length / 4)}::`],
    ],
  ])("the time grows with the bytes, not with their square: %s", (_, bait) => {
    expectLinear((length) => foldsOf(log(bait(length))), 20_000);
  });
});
