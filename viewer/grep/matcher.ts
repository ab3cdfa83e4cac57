import { isAscii } from "node:buffer";
import type { RE2JS } from "re2js";
import { type Necessary, necessary } from "./necessary.ts";
import { compile, type Pattern } from "./pattern.ts";

const LF = 0x0a;
/** What is made a string at once. Larger ones V8 keeps apart, where only a collection of all its memory frees them. */
const PIECE_BYTES = 64 * 1024;

export type LineFinder = {
  /** Nothing is known of the lines that have one: each is to be tested. */
  isEveryLine: boolean;
  /** From an offset on, the next place where a line may have a hit; -1 = there is none. */
  find(from: number): number;
  /** Whether the text from `begin` to `end`, of a line in which a place was found, is a hit. */
  test(begin: number, end: number): boolean;
};

/** KELVIN SIGN and LATIN SMALL LETTER LONG S, which RE2 takes for a k and an s where case is ignored. */
const FOLDED = [Buffer.from("\u212a"), Buffer.from("\u017f")];

/** Matches nothing. V8 looks for an expression that is plain text as `indexOf` does, two to three times as slowly. */
const COMPILED = "(?:)";

/**
 * Looks for one pattern in text. Time is linear in the text: a quick look over all of it finds the lines that may have
 * a hit, by a native expression without repetitions; what those lines have, RE2 decides where the quick look does not.
 */
export class Matcher {
  /** What is looked for byte by byte, and nothing else is. */
  readonly #bytes: Buffer | undefined;
  readonly #quick: RegExp | undefined;
  readonly #isQuickExact: boolean;
  readonly #exact: RE2JS;
  readonly #ignoresCase: boolean;

  constructor(pattern: Pattern) {
    const { text, isRegex, ignoresCase } = pattern;
    this.#ignoresCase = ignoresCase;
    if (!isRegex && !ignoresCase) this.#bytes = Buffer.from(text);
    const quick = isRegex ? necessary(text, ignoresCase) : quoted(text, ignoresCase);
    if (quick) this.#quick = new RegExp(`${quick.source}${COMPILED}`, ignoresCase ? "gi" : "g");
    this.#isQuickExact = quick?.isExact ?? false;
    this.#exact = compile(pattern);
  }

  /** Looks at one text. What it finds in a line is a hit if `test` says so. */
  on(text: Buffer): LineFinder {
    const bytes = this.#bytes;
    if (bytes) return { isEveryLine: false, find: (from) => text.indexOf(bytes, from), test: () => true };
    const exact = (begin: number, end: number) => this.#exact.test(text.toString("utf8", begin, end));
    const quick = this.#quick;
    if (!quick || this.#mayFold(text)) return { isEveryLine: true, find: (from) => from, test: exact };
    return { isEveryLine: false, find: finderOf(quick, text), test: this.#isQuickExact ? () => true : exact };
  }

  #mayFold(text: Buffer): boolean {
    return this.#ignoresCase && !isAscii(text) && FOLDED.some((letter) => text.indexOf(letter) !== -1);
  }
}

/** The next match of an expression that matches no newline, from an offset on, for the text read as Latin-1; else -1. */
function finderOf(expression: RegExp, text: Buffer): (from: number) => number {
  let piece = { start: 0, end: 0, latin1: "" };
  return (offset) => {
    for (let from = offset; from < text.byteLength; from = piece.end) {
      if (from >= piece.end) {
        const end = pieceEnd(text, from);
        piece = { start: from, end, latin1: text.toString("latin1", from, end) };
      }
      expression.lastIndex = from - piece.start;
      const match = expression.exec(piece.latin1);
      if (match) return piece.start + match.index;
    }
    return -1;
  };
}

/** Behind the last line that ends in the piece, or else behind the line that goes over it. */
function pieceEnd(text: Buffer, start: number): number {
  if (text.byteLength - start <= PIECE_BYTES) return text.byteLength;
  const last = text.lastIndexOf(LF, start + PIECE_BYTES - 1);
  const newline = last >= start ? last : text.indexOf(LF, start);
  return newline === -1 ? text.byteLength : newline + 1;
}

/** Plain text as UTF-8 read as Latin-1. undefined for letters whose cases a look at bytes does not see. */
function quoted(text: string, ignoresCase: boolean): Necessary | undefined {
  if (ignoresCase && !/^[\0-\x7f]*$/.test(text)) return undefined;
  const source = Buffer.from(text)
    .toString("latin1")
    .replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return { source, isExact: true };
}
