import type { Findings, Severity } from "../../archive/findings.ts";
import { lineStart, timeLength } from "../../archive/line.ts";
import { MarkerReader } from "../../archive/markers.ts";
import { SeverityReader } from "../../archive/severity-reader.ts";
import type { Ending } from "./ending.ts";
import { OpenGroup, type Place } from "./group.ts";
import type { Rule } from "./rule.ts";
import { firstToTake, RuleSet } from "./rule-set.ts";
import { LAST_WORDS, LOGGED_ERROR } from "./rules/generic.ts";
import { RULES } from "./rules/index.ts";
import { Shortlist } from "./shortlist.ts";
import { cleanLine, type ReadLine, readLine } from "./text.ts";

const LF = 0x0a;
const ESC = 0x1b;
/** What is looked at as one string. */
const BLOCK_BYTES = 256 * 1024;
const DEFAULT_LINE_BYTES = 4096;

const rules = new RuleSet(RULES);

export interface Detector {
  /** Text of the log in its order, cut anywhere; each line has its RFC 3339 time in front, or none. */
  push(text: Buffer): void;
  /** Closes the log. Call it once. */
  end(ending: Ending): Found;
}

export type Found = Omit<Findings, "severities">;

/**
 * Looks for the line that explains a failure while the log passes. Linear in the log's length; its memory does not
 * depend on it: one line of at most `maxLineBytes` (4096 unless told), and the findings that are kept.
 * @param options.maxLineBytes what is looked at of a line, its time included
 */
export function createDetector(options: { maxLineBytes?: number } = {}): Detector {
  return new LineDetector(options.maxLineBytes ?? DEFAULT_LINE_BYTES);
}

/** A line as it passes: latin1 without its time, the time, and the severity that it names. */
interface Seen {
  raw: string;
  time: string;
  severity: Severity | undefined;
}

class LineDetector implements Detector {
  readonly #maxLineBytes: number;
  readonly #shortlist = new Shortlist();
  readonly #markers = new MarkerReader();
  /** The beginning of a line that has not ended. */
  readonly #held: Buffer;
  #heldBytes = 0;
  #inLine = false;
  #line = 0;
  #group: OpenGroup | undefined;
  #lastWords: { line: ReadLine; place: Place } | undefined;
  /** The line before the block, for a caret that points to it. */
  #before: Seen = { raw: "", time: "", severity: undefined };

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
    this.#held = Buffer.alloc(maxLineBytes);
  }

  push(text: Buffer): void {
    let start = 0;
    if (this.#inLine) {
      const newline = text.indexOf(LF);
      this.#hold(newline === -1 ? text : text.subarray(0, newline));
      if (newline === -1) return;
      this.#releaseLine();
      start = newline + 1;
    }
    const last = text.lastIndexOf(LF);
    while (start <= last) {
      const near = text.lastIndexOf(LF, start + BLOCK_BYTES);
      const end = near >= start ? near : text.indexOf(LF, start);
      this.#scan(text.subarray(start, end + 1));
      start = end + 1;
    }
    if (start < text.byteLength) this.#hold(text.subarray(start));
  }

  end(ending: Ending): Found {
    if (this.#inLine) this.#releaseLine();
    this.#closeGroup();
    if (this.#lastWords && this.#shortlist.isEmpty) this.#open(LAST_WORDS, this.#lastWords.line, this.#lastWords.place);
    return this.#shortlist.close(ending);
  }

  #hold(piece: Buffer): void {
    this.#inLine = true;
    this.#heldBytes += piece.copy(this.#held, this.#heldBytes);
  }

  #releaseLine(): void {
    const line = this.#held.subarray(0, this.#heldBytes);
    this.#inLine = false;
    this.#heldBytes = 0;
    this.#scan(line);
  }

  /** Looks at whole lines; the last one's newline may be missing. */
  #scan(bytes: Buffer): void {
    const severities = new SeverityReader(bytes);
    let nextEscape = bytes.indexOf(ESC);
    let start = 0;
    do {
      const newline = bytes.indexOf(LF, start);
      const end = newline === -1 ? bytes.byteLength : newline;
      const seen = Math.min(end, start + this.#maxLineBytes);
      const length = timeLength(bytes, start);
      const from = length === 0 ? start : start + length + 1;
      if (nextEscape !== -1 && nextEscape < start) nextEscape = bytes.indexOf(ESC, start);
      const escapes = nextEscape !== -1 && nextEscape < seen;
      this.#line++;
      severities.isStopped = this.#markers.stopToken !== undefined;
      const severity = severities.named(from, seen);
      const named = escapes ? candidatesIn(bytes, from, seen) : rules.candidates(bytes, from, seen);
      const behind = severities.isStopped ? named.filter(({ command }) => !command) : named;
      const candidates = severity === "error" ? [...behind, LOGGED_ERROR] : behind;
      if (this.#markers.mayRead(bytes, from, seen)) this.#markers.read(bytes.toString("utf8", from, seen));
      if (this.#group !== undefined || candidates.length > 0) {
        const line = {
          raw: bytes.toString("latin1", from, seen),
          time: bytes.toString("latin1", start, start + length),
        };
        this.#look({ ...line, severity }, candidates, () => this.#lineBefore(bytes, start));
      }
      start = end + 1;
    } while (start < bytes.byteLength);
    this.#before = this.#lineBefore(bytes, start);
    this.#hearLastWords(bytes, start);
  }

  #look({ raw, time, severity }: Seen, candidates: readonly Rule[], before: () => Seen): void {
    const line = readLine(raw);
    const place = { line: this.#line, time, severity };
    const group = this.#group;
    if (group?.takes(line, place)) return;
    this.#group = undefined;
    const leads = group?.leadsTo(line) ?? false;
    if (group && !leads) this.#shortlist.add(group.candidate(), group.last);
    const rule = firstToTake(candidates, line);
    if (group && leads) this.#open(rule ?? { ...group.rule, group: undefined }, line, place, group.first);
    else if (rule?.points === "before") this.#openBefore(rule, before());
    else if (rule) this.#open(rule, line, place);
  }

  #openBefore(rule: Rule, { raw, time, severity }: Seen): void {
    this.#open(rule, readLine(raw), { line: this.#line - 1, time, severity });
  }

  /** Remembers the last line of whole lines that says something. */
  #hearLastWords(bytes: Buffer, end: number): void {
    for (let [start, number] = [end, this.#line]; start > 0; number--) {
      const { raw, time, severity } = this.#lineBefore(bytes, start);
      const line = readLine(raw);
      if (firstToTake([LAST_WORDS], line)) {
        this.#lastWords = { line, place: { line: number, time, severity } };
        return;
      }
      start = lineStart(bytes, Math.min(start - 1, bytes.byteLength));
    }
  }

  /** The line that ends before `start`, a copy that does not keep the block. */
  #lineBefore(bytes: Buffer, start: number): Seen {
    if (start === 0) return this.#before;
    const end = Math.min(start - 1, bytes.byteLength);
    const first = lineStart(bytes, end);
    const length = timeLength(bytes, first);
    const from = length === 0 ? first : first + length + 1;
    const raw = bytes.toString("latin1", from, Math.min(end, first + this.#maxLineBytes));
    return { raw, time: bytes.toString("latin1", first, first + length), severity: undefined };
  }

  #open(rule: Rule, line: ReadLine, place: Place, first = place.line): void {
    const group = new OpenGroup(rule, line, place, first);
    if (rule.group) this.#group = group;
    else this.#shortlist.add(group.candidate(), group.last);
  }

  #closeGroup(): void {
    if (this.#group) this.#shortlist.add(this.#group.candidate(), this.#group.last);
    this.#group = undefined;
  }
}

/** Escapes may stand inside a keyword. */
function candidatesIn(bytes: Buffer, from: number, to: number): readonly Rule[] {
  const clean = Buffer.from(cleanLine(bytes.toString("latin1", from, to)), "utf8");
  return rules.candidates(clean, 0, clean.byteLength);
}
