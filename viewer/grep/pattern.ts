import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { badRequest } from "../problem.ts";

/** What is looked for in every line. */
export type Pattern = {
  text: string;
  /** In RE2's syntax (github.com/google/re2/wiki/Syntax); else the text itself. */
  isRegex: boolean;
  ignoresCase: boolean;
};

/**
 * Instructions of a compiled expression. Where no DFA can be used, each byte may cost all of them: this bounds a frame
 * to a second or two.
 */
const MAX_PROGRAM = 1_000;

/**
 * Smart case: what has no capital letter is looked for in either case, unless `isCaseSensitive` says otherwise.
 * @throws Problem 400, which names the place in an expression that cannot be understood
 */
export function parsePattern(text: string, isRegex: boolean, isCaseSensitive: boolean | undefined): Pattern {
  if (/[\0\r\n]/.test(text)) throw badRequest("grep looks for something within a line: it has no line break.");
  const pattern = { text, isRegex, ignoresCase: !(isCaseSensitive ?? hasCapital(text, isRegex)) };
  if (isRegex) compile(pattern);
  return pattern;
}

/** Escapes such as `\W` and `\pL` are no capital letters. */
const hasCapital = (text: string, isRegex: boolean): boolean =>
  /\p{Lu}/u.test(isRegex ? text.replace(/\\(?:[pP](?:\{[^}]*\}|.)|.)/gu, "") : text);

/** @throws Problem 400 */
export function compile({ text, isRegex, ignoresCase }: Pattern): RE2JS {
  try {
    const compiled = RE2JS.compile(isRegex ? text : RE2JS.quote(text), ignoresCase ? RE2JS.CASE_INSENSITIVE : 0);
    if (compiled.programSize() <= MAX_PROGRAM) return compiled;
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw badRequest(syntaxWords(text, error));
    if (error instanceof RE2JSException) throw badRequest(`The regular expression cannot be used: ${error.message}.`);
    throw error;
  }
  throw badRequest("The regular expression is too large once its repetitions are written out: use smaller ones.");
}

function syntaxWords(text: string, error: RE2JSSyntaxException): string {
  const part = error.getPattern() ?? "";
  // An expression that ends too early is given as a whole, with the flags that re2js has put in front.
  const at = part === "" || part === text ? -1 : text.lastIndexOf(part);
  const where = at === -1 ? "at its end" : `at character ${at + 1}, “${part}”`;
  return `The regular expression cannot be understood ${where}: ${error.getDescription()}. It is read as RE2 does, so without look-around and backreferences; without regex=true it is plain text.`;
}
