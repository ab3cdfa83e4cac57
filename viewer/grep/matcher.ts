import { isAscii } from "node:buffer";
import type { RE2JS } from "re2js";
import { type Necessary, necessary } from "./necessary.ts";
import { compile, type Pattern } from "./pattern.ts";

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
    const latin1 = text.toString("latin1");
    const find = (from: number) => {
      quick.lastIndex = from;
      return quick.exec(latin1)?.index ?? -1;
    };
    return { isEveryLine: false, find, test: this.#isQuickExact ? () => true : exact };
  }

  #mayFold(text: Buffer): boolean {
    return this.#ignoresCase && !isAscii(text) && FOLDED.some((letter) => text.indexOf(letter) !== -1);
  }
}

/** Plain text as UTF-8 read as Latin-1. undefined for letters whose cases a look at bytes does not see. */
function quoted(text: string, ignoresCase: boolean): Necessary | undefined {
  if (ignoresCase && !/^[\0-\x7f]*$/.test(text)) return undefined;
  const source = Buffer.from(text)
    .toString("latin1")
    .replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return { source, isExact: true };
}
