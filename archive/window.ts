import { crc32 } from "node:zlib";
import type { Mark } from "./chunk.ts";
import { timeAt, timeNs } from "./line.ts";
import { isLong, isWhole, tailOf } from "./line-tail.ts";

const LF = 0x0a;
/** Text that is kept so that marks can be made of it when they are needed, and not for every line that passes. */
const KEPT_BYTES = 64 * 1024;
/** Marks in a chunk's header, unless the last of them all bear one time. */
const MARKS = 16;
const MAX_MARKS = 1024;

/** The line that has begun and not ended: its marks grow piece by piece, so that its length costs no memory. */
type OpenLine = { time: string; bytes: number; crc: number };

export const markOf = (line: Buffer): Mark => ({
  time: timeAt(line, 0) ?? "",
  bytes: line.byteLength,
  crc: crc32(line),
});

/**
 * The newest committed lines of a log, in the order of the log. Costs nothing per line: the text is kept for a
 * while and marked only when a chunk is written or a stream is opened again.
 */
export class Window {
  #earlier: Mark[];
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #open: OpenLine | undefined;
  /** Of the newest line, where it came in pieces. */
  #tail: Buffer = Buffer.alloc(0);

  constructor(marks: readonly Mark[] = []) {
    const last = marks.at(-1);
    this.#open = last?.partial ? { time: last.time, bytes: last.bytes, crc: last.crc } : undefined;
    this.#earlier = marks.filter((mark) => !mark.partial);
  }

  push(text: Buffer): void {
    let rest = text;
    if (this.#open) {
      const newline = rest.indexOf(LF);
      const piece = newline === -1 ? rest : rest.subarray(0, newline);
      const open = { ...this.#open, bytes: this.#open.bytes + piece.byteLength, crc: crc32(piece, this.#open.crc) };
      this.#open = newline === -1 ? open : undefined;
      this.#tail = tailOf(this.#tail, piece);
      if (newline === -1) return;
      this.#settle();
      this.#earlier = [...this.#earlier, open].slice(-MAX_MARKS);
      rest = rest.subarray(newline + 1);
    }
    const end = rest.lastIndexOf(LF) + 1;
    this.#keep(rest.subarray(0, end));
    const tail = rest.subarray(end);
    if (tail.byteLength > 0) {
      this.#open = markOf(tail);
      this.#tail = tailOf(Buffer.alloc(0), tail);
    }
  }

  #keep(lines: Buffer): void {
    if (lines.byteLength === 0) return;
    this.#tail = Buffer.alloc(0);
    if (lines.byteLength >= KEPT_BYTES) {
      // A copy, so that a few lines do not hold on to a large buffer.
      const from = lines.byteLength - KEPT_BYTES;
      const cut = from === 0 ? 0 : lines.indexOf(LF, from - 1) + 1;
      this.#earlier = cut === lines.byteLength ? [markOf(lastLine(lines))] : [];
      this.#kept = cut === lines.byteLength ? [] : [Buffer.from(lines.subarray(cut))];
      this.#keptBytes = lines.byteLength - cut;
      return;
    }
    this.#kept.push(lines);
    this.#keptBytes += lines.byteLength;
    while (this.#keptBytes - (this.#kept[0]?.byteLength ?? 0) >= KEPT_BYTES) {
      this.#keptBytes -= this.#kept.shift()?.byteLength ?? 0;
      this.#earlier = [];
    }
  }

  /** Turns the kept text into marks. */
  #settle(): void {
    if (this.#kept.length === 0) return;
    const text = Buffer.concat(this.#kept);
    for (let start = 0, end = text.indexOf(LF); end !== -1; start = end + 1, end = text.indexOf(LF, start)) {
      this.#earlier.push(markOf(text.subarray(start, end)));
    }
    this.#earlier = this.#earlier.slice(-MAX_MARKS);
    this.#kept = [];
    this.#keptBytes = 0;
  }

  /** All marks there are, oldest first; the last may be partial: the beginning of a line that has not ended. */
  marks(): Mark[] {
    this.#settle();
    return [...this.#earlier, ...(this.begun ? [this.begun] : [])];
  }

  /** The last bytes of the newest line, where that is so long that a file may begin inside it. */
  get tail(): Buffer | undefined {
    const newest = this.#open ?? this.#earlier.at(-1);
    return newest && isLong(newest) && isWhole(this.#tail) ? this.#tail : undefined;
  }

  /** The beginning of a line that has not ended. */
  get begun(): Mark | undefined {
    return this.#open && { ...this.#open, partial: true };
  }

  /** The text so far does not end with a newline. */
  get inLine(): boolean {
    return this.#open !== undefined;
  }

  /** The time of the newest line that has one. */
  get lastTime(): string | undefined {
    return this.marks().findLast((mark) => mark.time)?.time;
  }

  /** A line of this time is among those that are kept, or is older than all of them. Makes no marks: it is asked often. */
  mayHave(time: string): boolean {
    const first = this.#kept[0];
    const oldest = this.#earlier[0]?.time ?? (first && timeAt(first, 0)) ?? this.#open?.time;
    if (!oldest || !time) return false;
    if (timeNs(time) < timeNs(oldest) || this.#open?.time === time) return true;
    return this.#earlier.some((mark) => mark.time === time) || this.#kept.some((text) => text.includes(time));
  }

  /** As many of the newest marks as make the place unmistakable. */
  recent(): Mark[] {
    const marks = this.marks();
    const last = marks.at(-1);
    let from = Math.max(0, marks.length - MARKS);
    while (from > 0 && marks[from]?.time === last?.time) from--;
    return marks.slice(from);
  }
}

const lastLine = (lines: Buffer): Buffer => {
  const start = lines.lastIndexOf(LF, lines.byteLength - 2) + 1;
  return lines.subarray(start, lines.byteLength - 1);
};
