import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MAX_FINDINGS } from "../../../archive/findings.ts";
import { createDetector } from "../../../collector/findings/detector.ts";
import type { Ending } from "../../../collector/findings/ending.ts";
import { LAST_WORDS } from "../../../collector/findings/rules/generic.ts";
import fc from "../../property.ts";
import { growth } from "./growth.ts";
import { detect, withTimes } from "./known-failures.ts";

const CASES = join(import.meta.dirname, "cases");
const allCases = Buffer.concat(readdirSync(CASES).map((file) => readFileSync(join(CASES, file))));

const log = (...lines: string[]) => Buffer.from(`${lines.join("\n")}\n`);

function detectPieces(pieces: Iterable<Buffer>, ending: Ending = {}) {
  const detector = createDetector();
  for (const piece of pieces) detector.push(piece);
  return detector.end(ending);
}

function* cut(text: Buffer, lengths: number[]): Generator<Buffer> {
  let start = 0;
  for (let i = 0; start < text.byteLength; i++) {
    const length = lengths[i % lengths.length] as number;
    yield text.subarray(start, start + length);
    start += length;
  }
}

describe("the text", () => {
  test("may be cut anywhere", () => {
    const whole = detect(withTimes(allCases));
    expect(whole.findings.length).toBe(MAX_FINDINGS);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }), (lengths) => {
        expect(detectPieces(cut(withTimes(allCases), lengths))).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test("keeps its lines' numbers and times", () => {
    const text = log(
      "2026-07-30T10:00:00.000000001Z compiling",
      '2026-07-30T10:00:00.000000002Z main.go:3:8: "os" imported and not used',
    );
    expect(detect(text).leading).toEqual({
      line: 2,
      time: "2026-07-30T10:00:00.000000002Z",
      rule: "go",
      severity: "error",
      excerpt: 'main.go:3:8: "os" imported and not used',
    });
  });

  test("of a command is an error by it only while commands are obeyed", () => {
    const told = "::error::the release notes say so";
    const stopped = ["::stop-commands::a1b2", told, "building"];
    expect(detect(log(...stopped))).toMatchObject({ leading: { line: 3, rule: "last-words" }, total: 1 });
    expect(detect(log(...stopped, "::a1b2::", "::error::no such tag"))).toMatchObject({
      leading: { line: 5, rule: "error-command" },
      total: 1,
    });
    // What it says may be an error all the same.
    const compiled = "::error file=main.go,line=3::main.go:3:8: undefined: x";
    expect(detect(log("::stop-commands::a1b2", compiled)).leading).toMatchObject({ line: 2, rule: "go" });
  });

  test("may end without a newline, and be empty", () => {
    expect(detect(Buffer.from("x\nfatal: not a git repository")).leading).toMatchObject({ line: 2, rule: "git" });
    expect(detect(Buffer.alloc(0))).toMatchObject({ findings: [], total: 0 });
  });

  test("may have a line of any length: its beginning counts, and lines after it have their numbers", () => {
    const piece = Buffer.alloc(4096, "a");
    const pieces = function* () {
      yield Buffer.from("main.c:1:1: error: too long");
      for (let i = 0; i < 2560; i++) yield piece;
      yield log("", "fatal: not a git repository");
    };
    const { findings } = detectPieces(pieces());
    expect(findings).toMatchObject([
      { line: 1, rule: "compiler" },
      { line: 2, rule: "git" },
    ]);
    expect(findings[0]?.excerpt.length).toBe(300);
  });

  test("is looked at up to maxLineBytes", () => {
    const detector = createDetector({ maxLineBytes: 100 });
    detector.push(log(`${"a".repeat(200)} fatal: Segmentation fault (core dumped)`));
    expect(detector.end({}).leading?.rule).toBe("last-words");
  });
});

describe("findings", () => {
  test("are bounded, with their true number, and keep the leading one", () => {
    const many = Array.from({ length: 1000 }, (_, i) => `src/a.c:${i + 1}:1: error: no ${i}`);
    const { findings, total, leading } = detect(log(...many, "make: *** [Makefile:3: all] Error 1"));
    expect(total).toBe(1001);
    expect(findings.map((finding) => finding.line)).toEqual(Array.from({ length: MAX_FINDINGS }, (_, i) => i + 1));
    expect(leading?.line).toBe(1);
  });

  test.each([
    "DEBUG failure threshold is 3",
    "[DEBUG] cannot reuse the connection",
    'level=debug msg="failed to lock"',
  ])("are not what is said to those who debug: %j", (line) => {
    expect(detect(log(line, "the end")).leading).toMatchObject({ line: 2, rule: "last-words" });
  });

  test("drop consecutive duplicates, but not what comes again later", () => {
    const refused = "curl: (7) Failed to connect to db port 5432";
    const { findings, total } = detect(log(refused, refused, "waiting", refused));
    expect(findings.map((finding) => finding.line)).toEqual([1, 4]);
    expect(total).toBe(2);
  });

  test("the cause leads, before and after its consequences", () => {
    const text = log(
      "ERROR: something odd",
      "a.c:1:1: error: first",
      "b.c:1:1: error: second",
      "make: *** [Makefile:3: all] Error 1",
      "##[error]Process completed with exit code 2.",
    );
    expect(detect(text).leading?.line).toBe(2);
  });

  test("the exit code and the reason tell which one it was", () => {
    const text = log("line 3:    31 Killed   node build.js", "sh: 1: foo: not found", "a.c:1:1: error: first");
    const leading = (ending: Ending) => detect(text, ending).leading?.line;
    expect(leading({ exitCode: 1 })).toBe(1);
    expect(leading({ exitCode: 127 })).toBe(2);
    expect(leading({ exitCode: 137 })).toBe(1);
    expect(leading({ exitCode: 127, reason: "OOMKilled" })).toBe(1);
  });

  test("one that the exit code confirms is among them, however many there are", () => {
    const many = Array.from({ length: 100 }, (_, i) => `src/a.c:${i + 1}:1: error: no ${i}`);
    const { findings, leading } = detect(log("sh: 1: foo: not found", ...many), { exitCode: 127 });
    expect(leading?.line).toBe(1);
    expect(findings).toContain(leading);
    expect(findings.length).toBe(MAX_FINDINGS);
  });
});

test("a line that calls itself a warning is one, and explains less than any error", () => {
  const text = log(
    "ERROR: something odd",
    'level=warning msg="reading manifest 1 in registry: manifest unknown"',
    "WARNING: DATA RACE",
    "Read at 0x1 by goroutine 7:",
  );
  const { findings, leading } = detect(text);
  expect(findings.map(({ severity }) => severity)).toEqual(["error", "warning", "error"]);
  expect(leading?.line).toBe(3);
});

describe("groups", () => {
  test("a traceback is its last line, whatever the prefix and the class", () => {
    const lines = [
      "Traceback (most recent call last):",
      '  File "a.py", line 1, in <module>',
      "    main()",
      "",
      "shop.Sold_out: none left",
    ];
    for (const prefix of ["", "      ", "[task 2026-07-30T10:00:00.100Z] 10:00:00  WARNING - "]) {
      const { findings } = detect(log("start", ...lines.map((line) => prefix + line), "end"));
      expect(findings).toMatchObject([
        { line: 6, rule: "python-traceback", lines: 5, excerpt: "shop.Sold_out: none left" },
      ]);
    }
  });

  test("a traceback without an end is worth little", () => {
    const text = log(
      "Traceback (most recent call last):",
      "  File",
      "- something else",
      "cp: cannot stat 'a': No such file or directory",
    );
    expect(detect(text).leading?.line).toBe(4);
  });

  test("a chain of causes is its last cause", () => {
    const text = log(
      "java.lang.RuntimeException: cannot start",
      "\tat A.b(A.java:1)",
      "Caused by: java.io.IOException: gone",
      "\t... 1 more",
      "end",
    );
    expect(detect(text).findings).toMatchObject([
      { line: 3, lines: 4, excerpt: "Caused by: java.io.IOException: gone" },
    ]);
  });

  test("a caret points to the line before, across a cut too", () => {
    const pieces = ["checking\n", "  let x = = 3\n", "          ^\n", "done\n"].map((line) => Buffer.from(line));
    const wanted = [{ line: 2, rule: "caret", excerpt: "let x = = 3" }];
    expect(detectPieces(pieces).findings).toMatchObject(wanted);
    expect(detectPieces([Buffer.concat(pieces)]).findings).toMatchObject(wanted);
  });

  test("end with the log", () => {
    expect(detect(Buffer.from("error[E0308]: mismatched\n --> a.rs:1:1")).findings).toMatchObject([
      { line: 1, lines: 2 },
    ]);
  });

  test("do not swallow a log", () => {
    const text = log("panic: gone", ...Array.from({ length: 5000 }, () => "\tframe"), "a.c:1:1: error: x");
    expect(detect(text).findings).toMatchObject([{ line: 1, lines: 500 }, { line: 5002 }]);
  });
});

describe("lines that only talk about errors are none", () => {
  test.each([
    "0 errors, 0 warnings",
    "no error found",
    "Found 0 errors",
    "Tests: 0 failed, 12 passed",
    "test_error_handling ... ok",
    "=== RUN   TestFatalError",
    "--- PASS: TestFatalError (0.00s)",
    "tests/test_x.py::test_failed_login PASSED [ 33%]",
    "TEST-PASS | dom/test_error.html | no error",
    "gcc -Wall -Werror -Wno-error=unused -c error.c -o error.o",
    "cc1: some warnings, -Werror is off",
    "+ echo 'error: could not reach it'",
    "  12 | raise ValueError('failed')",
    "error_handler.go compiled",
    "Running with --fail-fast",
    "non-fatal error while closing",
    "WARNING: failed to read the cache, retrying",
    "##[warning]Docker pull failed with exit code 1, back off 7.078 seconds before retry.",
    "##[group]Run echo error: failed",
    "ok  \texample.com/shop/errors\t0.002s",
    "Skipping step because a previous step failed",
    "import { ValidationError } from './errors'",
    "downloading errors-1.2.0.tgz",
    '{"level":"info","msg":"error rate 0"}',
    "failed: 0",
  ])("%s", (line) => {
    expect(detect(log(line)).findings.filter(({ rule }) => rule !== LAST_WORDS.name)).toEqual([]);
  });
});

describe("a failed log in which no rule finds anything", () => {
  test("leads with the last line that says something", () => {
    const text = log("checking", "dist/app.js was not built", "", "+ exit 1", "-----", "");
    const wanted = { line: 2, rule: "last-words", severity: "unknown", excerpt: "dist/app.js was not built" };
    expect(detect(text)).toMatchObject({ leading: wanted, findings: [wanted], total: 1 });
    expect(detectPieces(cut(text, [1]))).toEqual(detect(text));
  });

  test("has no finding if nothing was said", () => {
    expect(detect(log("", "", "+ exit 1"))).toMatchObject({ findings: [], total: 0 });
  });
});

describe("hostile text", () => {
  test("an excerpt has no escapes, controls, bidi or invisible characters, and is valid Unicode", () => {
    const hostile = Buffer.concat([
      Buffer.from(
        "\x1b[31merror: \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07 \u202etxt.exe\u202c\u200b \x00\x08<b>\x9b31m",
      ),
      Buffer.from([0xff, 0xfe, 0xe2, 0x82, 0x0a]),
    ]);
    const { leading } = detect(hostile);
    expect(leading?.excerpt).toMatch(/^error: link txt\.exe <b>/);
    expect(leading?.excerpt).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/);
    expect(leading?.excerpt.isWellFormed()).toBe(true);
  });

  test("an excerpt cuts no pair", () => {
    const { leading } = detect(Buffer.from(`error: ${"x".repeat(291)}😀😀😀\n`));
    expect(leading?.excerpt.length).toBeLessThanOrEqual(300);
    expect(leading?.excerpt.isWellFormed()).toBe(true);
  });

  test("a progress line is what stands after its last return", () => {
    expect(detect(Buffer.from("10 %\r50 %\rfatal: early end\r\n")).leading?.excerpt).toBe("fatal: early end");
  });

  test.each([
    ["SGR changes", "\x1b[31m\x1b[0m".repeat(200)],
    ["unended OSC", `\x1b]8;;${"a".repeat(2000)}`.repeat(2)],
    ["escapes alone", "\x1b".repeat(3000)],
    ["brackets", "[".repeat(3000)],
    ["times", "2026-07-30T10:00:00 ".repeat(150)],
    ["returns", "error\r".repeat(500)],
    ["levels", "ERROR WARN ".repeat(300)],
    ["invalid UTF-8", "\xff\xfe".repeat(1000)],
  ])("%s: twice as much takes about twice the time", (_, line) => {
    const once = Buffer.from(`error: ${line}\n`.repeat(300), "latin1");
    const twice = Buffer.concat([once, once]);
    expect(
      growth(
        () => detect(once),
        () => detect(twice),
      ),
    ).toBeLessThan(3.5);
  });
});
