import { crc32 } from "node:zlib";
import type { Mark } from "./chunk.ts";
import { isLater, later, timeAt, timeNs } from "./line.ts";
import { TailSearch } from "./line-tail.ts";

const LF = 0x0a;
/** How much newer text is kept while the last committed line is looked for. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** And of a file that begins inside it: 10 MiB, unless kubelet is told otherwise or is late. What is more is not kept. */
const KEPT_INSIDE_BYTES = 16 * 1024 * 1024;
/** stdout and stderr stamp before they write: neighbours may be this far out of order (kubernetes-logs.md §3). */
const SLACK_NS = 5_000_000_000n;

export type Aligned =
  /** The last committed line was seen again: nothing is missing; `text` is what follows it. */
  | { type: "continuous"; text: Buffer }
  /** It was not: something may be missing between it and `text`. */
  | { type: "broken"; text: Buffer };

/** A place in a log: the time of the line before it, and the beginning of the line that it lies in. */
export type Place = { time?: string | undefined; begun?: Mark | undefined };

export type AlignmentOptions = {
  /** The place, committed before the marks were, behind which the replay goes on. */
  behind?: Place;
  /** The last bytes of the last committed line, where the replay may begin inside it. */
  tail?: Buffer | undefined;
};

/** The time from which a log is to be read again so that the marks are seen. undefined: from its start. */
export function replayFrom(marks: readonly Mark[]): string | undefined {
  const [oldest] = timesOf(marks);
  return marks.find((mark) => mark.time !== "" && timeNs(mark.time) === oldest)?.time;
}

/** In nanoseconds, oldest first. */
const timesOf = (marks: readonly Mark[]): bigint[] =>
  marks
    .filter((mark) => mark.time !== "")
    .map((mark) => timeNs(mark.time))
    .sort((a, b) => (a < b ? -1 : 1));

/**
 * Finds in a replay the place behind the lines that are committed. Lines are compared as an ordered sequence of time,
 * length and CRC, never by time alone and never as a set: equal times, identical lines and times that step back are
 * all normal.
 */
export class Alignment {
  readonly #marks: readonly Mark[];
  readonly #last: Mark;
  readonly #newest: string;
  readonly #times: ReadonlySet<string>;
  /** The last line is like another one of the marks: only all of them together tell the place. */
  readonly #ambiguous: boolean;
  #seen: Mark[] = [];
  /** Of a replay that begins with a file, perhaps only the end of the line in which the node began that file. */
  #first: Mark | undefined;
  #open: Mark | undefined;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** The replay began behind the oldest marks, and `kept` follows the last of so many marks in it. */
  #candidate = 0;
  /** Lines that are not newer than the marks: new all the same if none of the marks comes back, after a clock's step. */
  #older: Buffer[] = [];
  #olderBytes = 0;
  #anyMark = false;
  /** In the rest of a line whose beginning the replay does not hold. */
  #inRest: boolean;
  /** What is older than the marks is committed, or lies in a gap: no clock has stepped back as far as is known. */
  #olderIsKnown: boolean;
  /** Of the line before. */
  #time: string;
  /** While the replay's first line may be the last committed one, from somewhere inside it on. */
  #inside: TailSearch | undefined;
  /** More of the replay's first line has come than is kept: if it turns out to be new, it lies in the gap. */
  #leftOut = false;

  /**
   * @param marks at least one committed line, oldest first
   * @param newest the newest time of all committed lines: only what is later is certainly new
   */
  constructor(marks: readonly Mark[], newest?: string, { behind, tail }: AlignmentOptions = {}) {
    const last = marks.at(-1);
    if (!last) throw new Error("nothing to align with");
    this.#marks = marks;
    this.#last = last;
    this.#newest = marks.reduce((latest, { time }) => later(latest, time) ?? latest, newest ?? "");
    this.#times = new Set(marks.map((mark) => mark.time));
    this.#ambiguous = marks.filter((mark) => same(mark, last)).length > 1;
    this.#open = behind?.begun;
    this.#inRest = behind?.begun !== undefined;
    this.#olderIsKnown = behind !== undefined;
    this.#time = behind?.time ?? "";
    this.#inside = tail && new TailSearch(tail, !last.partial);
  }

  /** Takes replayed text, cut anywhere but inside a time; undefined while the place is not clear. */
  push(text: Buffer): Aligned | undefined {
    for (let start = 0; start < text.byteLength; ) {
      const newline = text.indexOf(LF, start);
      const end = newline === -1 ? text.byteLength : newline;
      const piece = text.subarray(start, end);
      const open = this.#open ?? { time: timeAt(text, start) ?? "", bytes: 0, crc: 0 };
      this.#note(open.time);
      const inside = this.#insideMatch(open, piece, newline !== -1) ?? this.#partialMatch(open, piece);
      if (inside !== undefined) return { type: "continuous", text: text.subarray(start + inside) };
      // Of a line that no mark has the time of nothing more need be known.
      const crc = this.#times.has(open.time) ? crc32(piece, open.crc) : 0;
      const mark = { time: open.time, bytes: open.bytes + piece.byteLength, crc };
      const next = newline === -1 ? end : newline + 1;
      this.#open = newline === -1 ? mark : undefined;
      const matched = newline === -1 || this.#last.partial ? 0 : this.#matched(mark);
      if (matched === this.#marks.length || (matched > 0 && !this.#ambiguous)) {
        return { type: "continuous", text: text.subarray(next) };
      }
      if (newline !== -1) this.#remember(mark);
      this.#anyMark ||= this.#isMark(mark);
      if (matched > this.#candidate) {
        this.#candidate = matched;
        this.#kept = [];
        this.#keptBytes = 0;
      } else if (this.#inRest || (this.#leftOut && this.#inside)) {
        // Without its beginning it is no line: it is committed already, or lies in the gap.
      } else if (this.#candidate > 0 || this.#isNew(open)) this.#keep(text.subarray(start, next));
      else if (!this.#olderIsKnown) this.#keepOlder(text.subarray(start, next));
      if (newline !== -1) this.#inside = undefined;
      if (this.#isBehind(open)) return this.#give(text.subarray(next));
      this.#inRest &&= newline === -1;
      start = next;
    }
    return undefined;
  }

  /**
   * No more is to come for now: what there is decides. undefined if the replay held nothing new. Only a replay that is
   * `complete` shows that lines which are not newer than the marks are new: else the marks may be still to come.
   */
  settle(complete: boolean): Aligned | undefined {
    if (this.#leftOut) return this.#give(Buffer.alloc(0));
    const older = complete && this.#olderBytes > 0 && !this.#anyMark;
    return this.#keptBytes > 0 || this.#candidate > 0 || older ? this.#give(Buffer.alloc(0)) : undefined;
  }

  /** Enough newer text without the last committed line. */
  #isBehind(open: Mark): boolean {
    if (this.#inside) return false;
    return this.#keptBytes > KEPT_BYTES || (this.#isNew(open) && this.#isFarBehind(open));
  }

  /** How much of `piece` is committed, if the replay begins inside the last committed line; its newline included. */
  #insideMatch(open: Mark, piece: Buffer, ends: boolean): number | undefined {
    if (this.#times.has(open.time)) this.#inside = undefined;
    // What is as long as the whole is another line that is like it.
    if (ends && !this.#last.partial && open.bytes + piece.byteLength >= this.#last.bytes) return undefined;
    const place = this.#inside?.push(piece, ends);
    return place === undefined || this.#last.partial ? place : place + 1;
  }

  /** How much of `piece` belongs to the committed beginning of a line; undefined if this is not that line. */
  #partialMatch(open: Mark, piece: Buffer): number | undefined {
    const last = this.#last;
    if (!last.partial || open.time !== last.time || open.bytes + piece.byteLength < last.bytes) return undefined;
    const wanted = last.bytes - open.bytes;
    if (wanted < 0 || crc32(piece.subarray(0, wanted), open.crc) !== last.crc) return undefined;
    return this.#before() === undefined ? undefined : wanted;
  }

  /** How many marks end with this line, all of them or back to the replay's start; 0 if it is not the last one. */
  #matched(mark: Mark): number {
    return same(mark, this.#last) ? 1 + (this.#before() ?? -1) : 0;
  }

  /** How many of the lines before are the marks before, as far back as both are known; undefined if one is not. */
  #before(): number | undefined {
    const known = Math.min(this.#seen.length, this.#marks.length - 1);
    for (let back = 1; back <= known; back++) {
      const [seen, mark] = [this.#seen.at(-back) as Mark, this.#marks.at(-1 - back) as Mark];
      if (seen === this.#first && mayBeEnd(seen, mark)) return back - 1;
      if (!same(seen, mark)) return undefined;
    }
    return known;
  }

  #remember(mark: Mark): void {
    this.#first ??= mark;
    this.#seen.push(mark);
    if (this.#seen.length > 2 * this.#marks.length) this.#seen = this.#seen.slice(-this.#marks.length);
  }

  #keep(text: Buffer): void {
    this.#kept.push(text);
    this.#keptBytes += text.byteLength;
    if (!this.#inside || this.#keptBytes <= KEPT_INSIDE_BYTES) return;
    this.#leftOut = true;
    this.#kept = [];
    this.#keptBytes = 0;
  }

  #isNew({ time }: Mark): boolean {
    return isLater(time, this.#newest);
  }

  #isFarBehind({ time }: Mark): boolean {
    return timeNs(time) - timeNs(this.#newest) > SLACK_NS;
  }

  #isMark(mark: Mark): boolean {
    return this.#times.has(mark.time) && this.#marks.some((known) => same(known, mark));
  }

  /** After a clock's step back nothing is known of older lines; neighbours may be a little out of order. */
  #note(time: string): void {
    if (!this.#olderIsKnown || time === "") return;
    if (isLater(this.#time, time) && timeNs(this.#time) - timeNs(time) > SLACK_NS) this.#olderIsKnown = false;
    this.#time = time;
  }

  /** Beyond the limit only newer lines are taken; what is left out lies in the gap. */
  #keepOlder(text: Buffer): void {
    this.#olderBytes += text.byteLength;
    if (this.#olderBytes > KEPT_BYTES) this.#older = [];
    else this.#older.push(text);
  }

  #give(rest: Buffer): Aligned {
    if (this.#candidate > 0) return { type: "continuous", text: Buffer.concat([...this.#kept, rest]) };
    const older = this.#anyMark ? [] : this.#older;
    // What comes of the line that was left out is to begin with its time, as every line.
    const time = this.#leftOut && this.#inside && this.#open ? [Buffer.from(`${this.#open.time} `)] : [];
    return { type: "broken", text: Buffer.concat([...older, ...time, ...this.#kept, rest]) };
  }
}

const same = (a: Mark, b: Mark): boolean => a.time === b.time && a.bytes === b.bytes && a.crc === b.crc;

/** The end of a line that was cut has a later time of its own. */
const mayBeEnd = (end: Mark, line: Mark): boolean => isLater(end.time, line.time) && end.bytes < line.bytes;
