import { crc32 } from "node:zlib";
import type { Mark } from "../../archive/chunk.ts";
import { timeAt, timeNs } from "../../archive/line.ts";

const LF = 0x0a;
/** How much newer text is kept while the last committed line is looked for. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** stdout and stderr stamp before they write: neighbours may be this far out of order (kubernetes-logs.md §3). */
const SLACK_NS = 5_000_000_000n;

export type Aligned =
  /** The last committed line was seen again: nothing is missing; `text` is what follows it. */
  | { type: "continuous"; text: Buffer }
  /** It was not: something may be missing between it and `text`. */
  | { type: "broken"; text: Buffer };

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
  readonly #newest: bigint;
  #seen: Mark[] = [];
  #open: Mark | undefined;
  #kept: Buffer[] = [];
  #keptBytes = 0;

  /** @param marks at least one committed line, oldest first */
  constructor(marks: readonly Mark[]) {
    const last = marks.at(-1);
    if (!last) throw new Error("nothing to align with");
    this.#marks = marks;
    this.#last = last;
    this.#newest = timesOf(marks).at(-1) ?? 0n;
  }

  /** Takes replayed text, cut anywhere but inside a time; undefined while the place is not clear. */
  push(text: Buffer): Aligned | undefined {
    for (let start = 0; start < text.byteLength; ) {
      const newline = text.indexOf(LF, start);
      const end = newline === -1 ? text.byteLength : newline;
      const piece = text.subarray(start, end);
      const open = this.#open ?? { time: timeAt(text, start) ?? "", bytes: 0, crc: 0 };
      const inside = this.#partialMatch(open, piece);
      if (inside !== undefined) return { type: "continuous", text: text.subarray(start + inside) };
      const mark = { time: open.time, bytes: open.bytes + piece.byteLength, crc: crc32(piece, open.crc) };
      const next = newline === -1 ? end : newline + 1;
      this.#open = newline === -1 ? mark : undefined;
      if (newline !== -1) {
        if (!this.#last.partial && this.#matches(mark)) return { type: "continuous", text: text.subarray(next) };
        this.#remember(mark);
      }
      const age = timeNs(open.time) - this.#newest;
      if (age > 0n) this.#keep(text.subarray(start, next));
      if (age > SLACK_NS || this.#keptBytes > KEPT_BYTES) return this.#give(text.subarray(next));
      start = next;
    }
    return undefined;
  }

  /** No more is to come for now: what there is decides. undefined if the replay held nothing new. */
  settle(): Aligned | undefined {
    return this.#keptBytes > 0 ? this.#give(Buffer.alloc(0)) : undefined;
  }

  /** How much of `piece` belongs to the committed beginning of a line; undefined if this is not that line. */
  #partialMatch(open: Mark, piece: Buffer): number | undefined {
    const last = this.#last;
    if (!last.partial || open.time !== last.time || open.bytes + piece.byteLength < last.bytes) return undefined;
    const wanted = last.bytes - open.bytes;
    if (wanted < 0 || crc32(piece.subarray(0, wanted), open.crc) !== last.crc) return undefined;
    return this.#follows(this.#seen.length - 1, this.#marks.length - 2) ? wanted : undefined;
  }

  #matches(mark: Mark): boolean {
    return same(mark, this.#last) && this.#follows(this.#seen.length - 1, this.#marks.length - 2);
  }

  /** Whether the lines before are the committed ones, as far back as both are known. */
  #follows(seen: number, mark: number): boolean {
    for (let s = seen, m = mark; s >= 0 && m >= 0; s--, m--) {
      if (!same(this.#seen[s] as Mark, this.#marks[m] as Mark)) return false;
    }
    return true;
  }

  #remember(mark: Mark): void {
    this.#seen.push(mark);
    if (this.#seen.length > 2 * this.#marks.length) this.#seen = this.#seen.slice(-this.#marks.length);
  }

  #keep(text: Buffer): void {
    this.#kept.push(text);
    this.#keptBytes += text.byteLength;
  }

  #give(rest: Buffer): Aligned {
    return { type: "broken", text: Buffer.concat([...this.#kept, rest]) };
  }
}

const same = (a: Mark, b: Mark): boolean => a.time === b.time && a.bytes === b.bytes && a.crc === b.crc;
