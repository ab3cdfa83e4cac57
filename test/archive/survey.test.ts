import { describe, expect, test } from "vitest";
import { HEAD_LENGTH, namedSeverity } from "../../archive/severity.ts";
import { severityOfLine } from "../../archive/severity-reader.ts";
import { type FoldState, Surveyor } from "../../archive/survey.ts";
import fc from "../property.ts";
import { expectLinear } from "../viewer/terminal/growth.ts";

const time = (i: number) => `2026-07-30T10:00:0${i % 10}.${String(i).padStart(9, "0")}Z `;
const text = (lines: readonly string[], from = 0) =>
  Buffer.from(lines.map((line, i) => `${time(from + i)}${line}\n`).join(""), "latin1");

describe("the severity of bytes", () => {
  const part = fc.constantFrom(
    ..."ERROR ERR WARN WARNING INFO DEBUG DBG TRACE NOTICE FATAL ERRO WARN[0001] error Error warn Warning fatal".split(
      " ",
    ),
    ...'level=info lvl=error severity=warn "level":"error" @l { [ ] : :: ## ##[error] ::warning:: ::error:: [info]'.split(
      " ",
    ),
    ..."I0730 W0730 E0730 GECKO(964) INFORMATION ERRORS INFO- -DEBUG std::move".split(" "),
    ..."[taskcluster:error] [taskcluster:warn] main.c:4:20: error[E0308]: TS2322 main.go:20] x".split(" "),
    "10:00:00 ",
    "2026-07-30T10:00:00.123Z ",
    "fatal: ",
    " ",
    " ",
    "  ",
    "\t",
    "\v",
    " - ",
    "progress of severance ",
  );

  test("is what a look at its words says", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.nat(3), (parts, shift) => {
        const line = parts.join("");
        // Wherever the line lies in memory.
        const bytes = Buffer.from(`${"-".repeat(shift)}${line}`, "latin1").subarray(shift);
        expect(severityOfLine(bytes)).toBe(namedSeverity(line.slice(0, HEAD_LENGTH)));
      }),
      {
        numRuns: 20_000,
        examples: [
          [["\t", "I0730", " ", "10:00:00 "], 0],
          [["\t", "I0730", " ", "10:00:00 "], 1],
          // Cut where "near the start" ends, the last would be a word of its own.
          [
            [
              "WARN",
              "progress of severance ",
              ...Array<string>(2).fill("2026-07-30T10:00:00.123Z "),
              "INFORMATION",
              "ERROR",
            ],
            0,
          ],
        ],
      },
    );
  });

  test("is told near the start only", () => {
    expect(severityOfLine(Buffer.from(`${"word ".repeat(20)}ERROR`))).toBe(undefined);
    expect(severityOfLine(Buffer.from(`${"word ".repeat(14)}ERROR`))).toBe("error");
  });

  test.each([
    ["\x1b[31mERROR\x1b[0m gone", "error"],
    ["\x1b[33mwarning:\x1b[0m old", "warning"],
    ["\x1b[1m\x1b[36mINFO\x1b[0m ready", "notice"],
    ["\x1b[32mcompiled\x1b[0m", undefined],
  ])("does not mind colours: %j", (line, severity) => {
    expect(severityOfLine(Buffer.from(line))).toBe(severity);
  });

  test.each([
    ["words", "ERROR WARN "],
    ["halves", "ERRO[0 error"],
    ["blanks", " ::"],
    ["escapes", "\x1b[31m"],
    ["lines", "INFO x\n"],
  ])("costs no more than its bytes: %s", (_, bait) => {
    expectLinear((length) => {
      new Surveyor().survey(Buffer.from(bait.repeat(length / bait.length)), { line: 1, offset: 0 });
    }, 50_000);
  });
});

describe("a frame", () => {
  const survey = (lines: readonly string[], state?: FoldState) =>
    new Surveyor(state).survey(text(lines), { line: 1, offset: 0 });

  test("counts the lines that begin in it, by severity", () => {
    const { severities, newlines } = survey(["ERROR a", "  at b", "WARN c", "d", "INFO ERROR e", "##[debug]f"]);
    expect([newlines, severities]).toEqual([6, { error: 2, warning: 1, debug: 1, unknown: 1 }]);
    expect(survey(["a", "b"])).toEqual({ newlines: 2 });
  });

  test.each([
    ["is indented", ["1Z ERROR a", "2Z   at b", "3Z \tat c", "4Z d", "5Z   e"], { error: 3 }],
    ["has its time", ["1Z WARN a", "1Z b", "2Z c"], { warning: 2 }],
    ["has no time", ["WARN a", "b"], { warning: 1 }],
  ])("counts a line that names none with the one before if it %s", (_, lines, severities) => {
    const timed = lines.map((line) => line.replace(/^\dZ/, (second) => `2026-07-30T10:00:0${second}`));
    const bytes = Buffer.from(`${timed.join("\n")}\n`);
    expect(new Surveyor().survey(bytes, { line: 1, offset: 0 }).severities).toEqual(severities);
  });

  test("leaves the rest of a line to the frame before", () => {
    const { severities } = new Surveyor().survey(text(["ERROR rest of a line", "WARN x"]), { line: 7, offset: 40 });
    expect(severities).toEqual({ warning: 1 });
  });

  test("tells what is open where it begins, and what ends in it", () => {
    const surveyor = new Surveyor();
    const first = surveyor.survey(text(["::group::a", "::group::b", "::endgroup::", "x"]), { line: 1, offset: 0 });
    expect(first.folds).toEqual({ open: [], ends: [] });
    const second = surveyor.survey(text(["::stop-commands::t", "::endgroup::", "::t::", "y"], 4), {
      line: 5,
      offset: 0,
    });
    expect(second.folds).toMatchObject({ open: [{ start: 1, title: "a", family: "github" }], ends: [] });
    const third = surveyor.survey(text(["::endgroup::", "::stop-commands::u"], 8), { line: 9, offset: 0 });
    expect(third.folds).toMatchObject({ open: [{ start: 1 }], ends: [{ start: 1, end: 9, closed: true }] });
    expect(surveyor.state).toEqual({ open: [], stopToken: "u" });
    expect(surveyor.survey(text(["::group::no"], 10), { line: 11, offset: 0 }).folds).toEqual({
      open: [],
      ends: [],
      stopToken: "u",
    });
  });

  test.each(["::group::x", "section_start:1:a\r", "::endgroup::"])("a bomb of %j keeps an index small", (bomb) => {
    const surveyor = new Surveyor();
    for (let i = 0; i < 3; i++) {
      const at = { line: 1 + i * 20_000, offset: 0 };
      const { folds } = surveyor.survey(text(Array.from({ length: 20_000 }, () => bomb)), at);
      expect(JSON.stringify(folds).length).toBeLessThan(20_000);
    }
  });

  test("opens without end take the time of their bytes", () => {
    const line = Buffer.from("::group::x\n");
    expectLinear((length) => {
      new Surveyor().survey(Buffer.alloc(length, line), { line: 1, offset: 0 });
    }, 60_000);
  });

  test("a million opens leave a few", () => {
    const surveyor = new Surveyor();
    const frame = Buffer.alloc(1024 * 1024, "::group::x\n");
    for (let line = 1; line < 1_000_000; line += 95_325) surveyor.survey(frame, { line, offset: 0 });
    expect(surveyor.state.open.length).toBeLessThanOrEqual(16);
  }, 20_000);
});
