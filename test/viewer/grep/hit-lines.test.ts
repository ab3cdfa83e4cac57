import { describe, expect, test } from "vitest";
import { withoutEscapes } from "../../../viewer/grep/escapes.ts";
import { hitLines } from "../../../viewer/grep/hit-lines.ts";
import { Matcher } from "../../../viewer/grep/matcher.ts";
import { necessary } from "../../../viewer/grep/necessary.ts";
import { parsePattern } from "../../../viewer/grep/pattern.ts";
import fc from "../../property.ts";
import { plainHits } from "./oracle.ts";

const T = "2026-07-30T10:03:31.936986000Z ";
const literal = (text: string, isCaseSensitive?: boolean) => parsePattern(text, false, isCaseSensitive);
const regex = (text: string, isCaseSensitive?: boolean) => parsePattern(text, true, isCaseSensitive);
const hits = (text: string | Buffer, pattern: ReturnType<typeof literal>, isInside = false) => {
  const bare = withoutEscapes(Buffer.from(text));
  const { count, lines } = hitLines(bare, new Matcher(pattern), { isInside });
  expect(hitLines(bare, new Matcher(pattern), { isInside, isNumbered: false })).toEqual({ count, lines: [] });
  expect(lines).toHaveLength(count);
  return lines.map((line) => line + 1);
};
const timed = (...lines: string[]) => lines.map((line) => `${T}${line}\n`).join("");

test.each([
  ["a literal", timed("one", "two", "one two"), literal("one"), [1, 3]],
  ["nothing", timed("one"), literal("three"), []],
  ["an empty text", "", literal("x"), []],
  ["small letters: in either case", timed("Error", "ERROR", "eror"), literal("error"), [1, 2]],
  ["a capital letter: as it is", timed("Error", "ERROR", "error"), literal("Error"), [1]],
  ["case=true", timed("Error", "error"), literal("error", true), [2]],
  ["case=false", timed("Error", "error"), literal("ERROR", false), [1, 2]],
  ["letters beyond ASCII in either case", timed("Älter", "älter", "alter"), literal("älter"), [1, 2]],
  ["letters beyond ASCII as they are", timed("✓ Ä", "ä"), literal("Ä"), [1]],
  ["what only times have", timed("a", "b"), literal("2026-07"), []],
  ["what times have too", timed("a", "at 10:03", "b"), literal("10:03"), [2]],
  ["signs that mean something in expressions", timed("a.b", "axb", "[x]*"), literal("[x]*"), [3]],
  ["a coloured word", timed("\x1b[31mer\x1b[0mror", "x"), literal("error"), [1]],
  ["what only an escape sequence has", timed("\x1b[31mx"), literal("31m"), []],
  ["a link's address is no text", timed("\x1b]8;;https://a.b/\x07here\x1b]8;;\x07"), literal("https"), []],
  ["what an endless sequence begins hides nothing", timed("\x1b]0;title", "next"), literal("title"), [1]],
  ["an expression", timed("exit 1", "exit 12", "exit"), regex("exit \\d+$"), [1, 2]],
  ["the beginning is after the time", timed("FAILED a", "a FAILED"), regex("^FAILED"), [1]],
  ["the end is before a carriage return", timed("done\r", "done x\r"), regex("done$"), [1]],
  ["a dot is a character, not a byte", timed("aéb", "aéxb"), regex("^a.b$"), [1]],
  ["no expression goes over a line's end", timed("a", "b"), regex("a[^x]*b|a\\sb"), []],
  ["an empty match is a hit and ends", timed("", "x"), regex("y*"), [1, 2]],
  ["empty lines", timed("", "x", ""), regex("^$"), [1, 3]],
  ["alternatives", timed("error", "panic", "fine"), regex("(error|panic|fatal)"), [1, 2]],
  ["escapes are no capitals", timed("AB 12"), regex("\\bab\\W\\d"), [1]],
  ["a kelvin sign where case is ignored", timed("\u212a", "x"), regex("k"), [1]],
  ["lines without times", "a\nb\n\na", literal("a"), [1, 4]],
  ["a last line without its end", `${timed("x")}${T}last`, literal("last"), [2]],
  ["several hits in a line count once", timed("a a a", "a"), literal("a"), [1, 2]],
])("%s", (_, text, pattern, expected) => {
  expect(hits(text, pattern)).toEqual(expected);
});

test("text that begins within a line has no time there", () => {
  expect(hits(`${T}x\ny`, literal("2026"), true)).toEqual([1]);
  expect(hits(`${T}x\ny`, literal("2026"), false)).toEqual([]);
});

describe("the same as line by line", () => {
  const word = fc.constantFrom(
    "a",
    "b",
    "ab",
    "A",
    "k",
    "s",
    "\u212a",
    "\u017f",
    "é",
    "É",
    " ",
    "1",
    "-",
    ".",
    "\x1b[1m",
    "\r",
    "✓",
    "\xff",
  );
  const line = fc.tuple(fc.constantFrom(T, "", "x "), fc.array(word, { maxLength: 8 }));
  const texts = fc
    .tuple(fc.array(line, { maxLength: 8 }), fc.boolean())
    .map(([lines, ends]) => lines.map(([time, words]) => time + words.join("")).join("\n") + (ends ? "\n" : ""));
  const atom = fc.constantFrom(
    "a",
    "b",
    "k",
    "s",
    "é",
    ".",
    "[ab]",
    "[^a]",
    "\\d",
    "\\w",
    "\\s",
    "\\W",
    "(?:a|b1)",
    "(ab)",
    "(?:a?b)",
    "^",
    "$",
    "\\b",
    "-",
    "\\.",
    "[a-z]{2}",
    "A",
  );
  const piece = fc
    .tuple(atom, fc.constantFrom("", "", "", "?", "*", "+", "{2}", "{1,2}", "+?"))
    .map(([a, times]) => (/^(?:\^|\$|\\b)$/.test(a) ? a : `${a.endsWith("}") ? `(?:${a})` : a}${times}`));
  const expression = fc
    .array(fc.array(piece, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 2 })
    .map((alternatives) => alternatives.map((pieces) => pieces.join("")).join("|"));

  test("for expressions", () => {
    fc.assert(
      fc.property(texts, expression, fc.option(fc.boolean(), { nil: undefined }), (text, source, isCaseSensitive) => {
        const pattern = regex(source, isCaseSensitive);
        expect(hits(text, pattern)).toEqual(plainHits(Buffer.from(text), pattern));
      }),
      { numRuns: 2_000 },
    );
  });

  test("for plain text", () => {
    const plain = fc.array(fc.constantFrom("a", "b", "k", "é", " ", "1", "-", ".", "A"), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(texts, plain, fc.option(fc.boolean(), { nil: undefined }), (text, words, isCaseSensitive) => {
        const pattern = literal(words.join(""), isCaseSensitive);
        expect(hits(text, pattern)).toEqual(plainHits(Buffer.from(text), pattern));
      }),
      { numRuns: 1_000 },
    );
  });
});

test.each([
  ["error", "error", true],
  ["error(s)?: [a-z]+ [0-9]+", "error(?:s)?: [a-z]", false],
  ["(failed|error|panic)", "(?:failed|error|panic)", true],
  ["[0-9a-f]{4}", "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]", true],
  ["exit(ed)? (with )?(code|status) [1-9]", "exit(?:ed)? (?:with )?(?:code|status) [1-9]", true],
  ["^\\S+ WARNING", " WARNING", false],
  ["(a+)+$", "a", false],
])("what %s needs is %s", (expression, source, isExact) => {
  expect(necessary(expression, false)).toEqual({ source, isExact });
});

test.each([".*", "\\d", "a|.*", "(?i)abc", "\\Qabc\\E", "\\x41bc", "\\pLabc", "[[:alpha:]]x", "a*", ""])(
  "of %s nothing is sure",
  (expression) => {
    expect(necessary(expression, false)).toBeUndefined();
  },
);

describe("time is linear", () => {
  const HOSTILE = ["(a+)+$", "(a|aa)+$", "(x+x+)+y", "(a*)*b", ".*.*.*.*=.*", "(?:a?){30}a{30}", "([a-z]+)*[0-9]$"];

  test.each(HOSTILE)("%s takes no more than twice as long, with some air, for twice the text", (source) => {
    const matcher = new Matcher(regex(source));
    const seconds = (length: number) => {
      const text = Buffer.from(`${T}${"a".repeat(length)}!\n`);
      const tries = Array.from({ length: 3 }, () => {
        const begun = process.cpuUsage();
        hitLines(text, matcher);
        const { user, system } = process.cpuUsage(begun);
        return (user + system) / 1e6;
      });
      return Math.min(...tries);
    };
    seconds(50_000);
    // Quadratic would be 16 times as long, exponential for ever.
    expect(seconds(800_000)).toBeLessThan(8 * seconds(200_000) + 0.02);
  });
});
