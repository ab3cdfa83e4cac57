import type { Severity } from "./findings.ts";
import { isDigit } from "./line.ts";
import { HEAD_LENGTH, namedSeverity, WORDS } from "./severity.ts";

/** The severities of the lines of a text, as bytes: a log's every line passes here, so most are told by a look. */

/** As far into a line as plain looking goes; a level further on counts only in JSON. */
const REACH = 160;
/** Words that begin before here are near the start, whatever times stand there. */
const SURELY_NEAR = 64;
/** CSI sequences: colours stand around levels. */
const SEQUENCES = /\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]/g;

const [ESC, SPACE, TAB, BRACE, BRACKET] = [0x1b, 0x20, 0x09, 0x7b, 0x5b];

/** What two bytes in a row may be a part of; as a little-endian number they are the index. */
const NOTHING = 0;
const CAPITALS = 1;
const SMALL = 2;
const SIGN = 3;
const ESCAPE = 4;
const PAIRS = new Uint8Array(1 << 16);
const at = (first: number, second: number): number => first | (second << 8);
for (let a = 0x41; a <= 0x5a; a++) for (let b = 0x41; b <= 0x5a; b++) PAIRS[at(a, b)] = CAPITALS;
const setPairs = (kind: number, pairs: string) => {
  for (const pair of pairs.split(" ")) PAIRS[at(pair.charCodeAt(0), pair.charCodeAt(1))] = kind;
};
// One of these stands at every second place of `rror`, `arn`, `fata`, `evel`, `everity`, `lvl`, wherever the word begins.
setPairs(SMALL, "ro rr rn ar fa at Fa ve ev vl lv");
// Of `##[error]`, `::error`, `"@l"`, `[taskcluster:error]`.
setPairs(SIGN, '## #[ :: :e :w :n :i :d @l l"');
// klog's letter at a line's start, or behind what is white to an expression, or a bracket, and the digit after it.
for (const letter of "IWEF") {
  setPairs(SIGN, `]${letter}`);
  for (const white of Buffer.from("\t\v\f\r \xa0", "latin1")) PAIRS[at(white, letter.charCodeAt(0))] = SIGN;
  for (let digit = 0; digit < 10; digit++) setPairs(SIGN, `${letter}${digit}`);
}
// `[info]`, `[debug]`, `##[error]`.
for (let other = 0; other < 256; other++) PAIRS[at(BRACKET, other)] = PAIRS[at(other, BRACKET)] = SIGN;
for (let other = 0; other < 256; other++) PAIRS[at(ESC, other)] = PAIRS[at(other, ESC)] = ESCAPE;

/** Level words in capitals by a number of their first and last letters and length. */
type Word = { bytes: Buffer; severity: Severity | "look" };
const LEVELS = new Map<number, Word>();
const keyOf = (first = 0, second = 0, last = 0, length = 0): number =>
  (((first & 31) << 15) | ((second & 31) << 10) | ((last & 31) << 5) | length) >>> 0;
for (const [word, severity] of Object.entries(WORDS)) {
  const bytes = Buffer.from(word);
  // logrus alone writes these, and `[0008]` after them.
  const isCut = word === "ERRO" || word === "FATA" || word === "DEBU";
  LEVELS.set(keyOf(bytes[0], bytes[1], bytes.at(-1), bytes.byteLength), {
    bytes,
    severity: isCut ? "look" : severity,
  });
}
const LONGEST = 11;

/** The severity that one line names: its bytes without Kubernetes' time. */
export function severityOfLine(line: Buffer, isStopped = false): Severity | undefined {
  const reader = new SeverityReader(line);
  reader.isStopped = isStopped;
  return reader.named(0, line.byteLength);
}

/** The severity of each line that begins in a text; a line that names none may take that of the line before it. */
export class SeverityReader {
  /** `::stop-commands::` holds, as a MarkerReader of the same lines knows. */
  isStopped = false;
  readonly #text: Buffer;
  /** Its bytes two by two, from the first even place in memory on. */
  readonly #pairs: Uint16Array;
  readonly #odd: number;
  #last: Severity | undefined;
  #lastStart = 0;
  #lastFrom = 0;

  constructor(text: Buffer) {
    this.#text = text;
    this.#odd = text.byteOffset & 1;
    const length = Math.max(0, text.byteLength - this.#odd) >> 1;
    this.#pairs = new Uint16Array(text.buffer, text.byteOffset + this.#odd, length);
  }

  /**
   * The lines in their order, none left out: `start` is where it begins, `from` where it goes on behind its time,
   * `end` where it ends.
   */
  read(start: number, from: number, end: number): Severity | undefined {
    const own = this.named(from, end);
    const takes = own === undefined && this.#last !== undefined && from < end && this.#continues(start, from);
    if (!takes) this.#last = own;
    this.#lastStart = start;
    this.#lastFrom = from;
    return this.#last;
  }

  /** Indented, or of the time of the line before. */
  #continues(start: number, from: number): boolean {
    const text = this.#text;
    if (text[from] === SPACE || text[from] === TAB) return true;
    const length = from - start;
    if (length === 0 || length !== this.#lastFrom - this.#lastStart) return false;
    // Times differ at their ends first.
    for (let i = length - 1; i >= 0; i--) if (text[start + i] !== text[this.#lastStart + i]) return false;
    return true;
  }

  /** What the line itself names: the same as namedSeverity() says, without making a string of most lines. */
  named(from: number, end: number): Severity | undefined {
    const text = this.#text;
    const pairs = this.#pairs;
    const odd = this.#odd;
    const last = (Math.min(end, from + REACH) - odd) >> 1;
    let found: Severity | undefined;
    if (text[from] === BRACE) return this.#closely(from, end);
    // From the byte before the line on, if that is where the pair begins.
    let hasEscape = false;
    for (let i = (from - odd) >> 1; i < last; i++) {
      const kind = PAIRS[pairs[i] as number];
      if (kind === NOTHING) continue;
      const place = 2 * i + odd;
      if (kind === ESCAPE) hasEscape = true;
      else if (kind === CAPITALS) {
        const level = this.#level(place, from, end, hasEscape);
        if (level === undefined) continue;
        const isClear = level !== "look" && (found ?? level) === level && place <= from + SURELY_NEAR;
        if (!isClear || hasEscape) return this.#closely(from, end);
        found = level;
      } else if (kind === SMALL ? isSmallWord(text, place, hasEscape) : isSign(text, place, from))
        return this.#closely(from, end);
    }
    return found;
  }

  #closely(from: number, end: number): Severity | undefined {
    const head = this.#text.toString("latin1", from, Math.min(end, from + HEAD_LENGTH));
    return namedSeverity(head.includes("\x1b") ? head.replace(SEQUENCES, "") : head, this.isStopped);
  }

  /** The level in capitals that stands alone at these two capitals; `look` where only a closer look can tell. */
  #level(place: number, from: number, end: number, hasEscape: boolean): Severity | "look" | undefined {
    const text = this.#text;
    let start = place;
    while (start > from && place - start < LONGEST && isCapital(text[start - 1])) start--;
    let stop = place + 2;
    while (stop < end && stop - start <= LONGEST && isCapital(text[stop])) stop++;
    const word = LEVELS.get(keyOf(text[start], text[start + 1], text[stop - 1], stop - start));
    if (!word) return undefined;
    for (let i = 2; i < word.bytes.byteLength; i++) if (text[start + i] !== word.bytes[i]) return undefined;
    // A colour ends in a letter.
    if (hasEscape) return "look";
    const isPart = (start > from && isWordPart(text[start - 1])) || (stop < end && isWordPart(text[stop]));
    return isPart ? undefined : word.severity;
  }
}

/** A letter and four digits. */
const isKlog = (text: Buffer, i: number): boolean => {
  const c = text[i] as number;
  return (c === 0x49 || c === 0x57 || c === 0x45 || c === 0x46) && isDigit(text[i + 1]) && isDigit(text[i + 4]);
};

const isCapital = (c: number | undefined) => c !== undefined && c >= 0x41 && c <= 0x5a;
const isWordPart = (c: number | undefined) =>
  c !== undefined && ((c >= 0x61 && c <= 0x7a) || isCapital(c) || isDigit(c) || c === 0x5f || c === 0x2d);

const [A, D, E, F, I, L, M, N, O, R, T, V, COLON, EQUALS] = Buffer.from("adefilmnortv:=") as unknown as number[];

/** Whether the small letters at `i` are of `error:`, `[error]`, `warning:`, `level=` and the like. */
function isSmallWord(text: Buffer, i: number, hasEscape: boolean): boolean {
  const [first, second] = [text[i], text[i + 1]];
  if (first === V || first === L || first === E) {
    const start = first === L || second === E ? i - (first === L ? 0 : 2) : i - 1;
    return text[start + 3] === EQUALS || text[start + 5] === EQUALS || text[start + 8] === EQUALS;
  }
  const isFatal = second === A && (first === F || first === 0x46);
  const start = isFatal ? i : second === R || second === T ? i - 1 : i - 2;
  const before = text[start - 1];
  if (before !== undefined && isWordPart(before) && !(hasEscape && before === M)) return false;
  if (text[start + 1] === A && text[start + 2] === R) return text[start + 3] === N && !isOther(text[start + 4], I);
  if (text[start + 1] === A) return text[start + 2] === T && text[start + 3] === A && text[start + 4] === L;
  const isError = text[start + 1] === R && text[start + 2] === R && text[start + 3] === O && text[start + 4] === R;
  return isError && !isOther(text[start + 5], COLON);
}

/** A letter or sign that cannot stand behind a level, but for `allowed`. */
const isOther = (c: number | undefined, allowed: number | undefined) =>
  c !== allowed && (isWordPart(c) || c === 0x2e || c === 0x2f);

/** `::error` or `##[error]` behind blanks at most, `"@l"`, or klog's letter and digits. */
function isSign(text: Buffer, i: number, from: number): boolean {
  if (isKlog(text, i) || isKlog(text, i + 1)) return true;
  if (isSmallLevel(text, i) || isSmallLevel(text, i + 1)) return true;
  const first = text[i] as number;
  if (first === 0x40 || text[i - 1] === 0x40) return true;
  if (first !== COLON && first !== HASH) return false;
  const start = text[i - 1] === first ? i - 1 : i;
  return start <= from || text[start - 1] === SPACE || text[start - 1] === TAB;
}
const HASH = 0x23;

/** `[info]` or `[debug]` from the bracket on, or what `##[error]` has before it. */
function isSmallLevel(text: Buffer, i: number): boolean {
  if (text[i] !== BRACKET) return false;
  if (text[i - 1] === HASH) return true;
  return (text[i + 1] === I && text[i + 5] === 0x5d) || (text[i + 1] === D && text[i + 6] === 0x5d);
}
