import { lineStart, timeAt, timeNs } from "../../archive/line.ts";

const LF = 0x0a;
/** stdout and stderr stamp before they write: a line so much newer may still stand before the wanted one. */
const SLACK_NS = 5_000_000_000n;
/** How much newer text is held while the wanted line is looked for. */
const HELD_BYTES = 4 * 1024 * 1024;
/** So much of the wanted line is compared. */
const COMPARED_BYTES = 4 * 1024;

export type Joined =
  /** The line was found: `text` stands before it, and nothing is missing between the two streams. */
  | { type: "met"; text: Buffer }
  /** The stream has gone past it. What was held is left out: whoever begins with the line has it too. */
  | { type: "passed" }
  /** Not yet; `text` certainly stands before it. */
  | { type: "before"; text: Buffer };

/**
 * Looks in one stream for the line with which another one begins, so that the first can be given up exactly there. The
 * other one began later: with the file that the node writes now, while the first has still an older one to read.
 */
export class Junction {
  readonly #time: Buffer;
  readonly #timeNs: bigint;
  readonly #line: Buffer;
  #held: Buffer = Buffer.alloc(0);
  #holding = false;

  /** @param first the beginning of the other stream: a line that begins with its time, perhaps cut */
  constructor(first: Buffer) {
    const time = timeAt(first, 0);
    if (!time) throw new Error("a stream begins with a line that has no time");
    const newline = first.indexOf(LF);
    this.#line = first.subarray(0, Math.min(newline === -1 ? first.byteLength : newline + 1, COMPARED_BYTES));
    this.#time = Buffer.from(`${time} `);
    this.#timeNs = timeNs(time);
  }

  /** The time of the line that is looked for, in nanoseconds since 1970. */
  get timeNs(): bigint {
    return this.#timeNs;
  }

  /** Takes the first stream's text, cut anywhere but inside a time. */
  push(text: Buffer): Joined {
    const all = this.#holding ? Buffer.concat([this.#held, text]) : text;
    const at = this.#find(all);
    if (at !== -1) return { type: "met", text: all.subarray(0, at) };
    const newer = this.#holding ? 0 : this.#firstNewer(all);
    if (newer === all.byteLength) return { type: "before", text: all };
    this.#holding = true;
    this.#held = Buffer.from(all.subarray(newer));
    if (this.#held.byteLength > HELD_BYTES || this.#isPast()) return { type: "passed" };
    return { type: "before", text: all.subarray(0, newer) };
  }

  /** Where the wanted line begins; -1 if it is not in this text. */
  #find(text: Buffer): number {
    for (let at = text.indexOf(this.#time); at !== -1; at = text.indexOf(this.#time, at + 1)) {
      if (at > 0 && text[at - 1] !== LF) continue;
      const length = Math.min(this.#line.byteLength, text.byteLength - at);
      if (text.compare(this.#line, 0, length, at, at + length) === 0) return at;
    }
    return -1;
  }

  /** Where the first line begins that is newer than the wanted one; the text's end if none is. */
  #firstNewer(text: Buffer): number {
    const last = timeAt(text, lineStart(text, text.byteLength - 1));
    if (last && timeNs(last) <= this.#timeNs) return text.byteLength;
    for (let start = 0; start < text.byteLength; ) {
      const time = timeAt(text, start);
      if (time && timeNs(time) > this.#timeNs) return start;
      const newline = text.indexOf(LF, start);
      start = newline === -1 ? text.byteLength : newline + 1;
    }
    return text.byteLength;
  }

  #isPast(): boolean {
    for (let start = 0; start < this.#held.byteLength; ) {
      const time = timeAt(this.#held, start);
      if (time && timeNs(time) - this.#timeNs > SLACK_NS) return true;
      const newline = this.#held.indexOf(LF, start);
      start = newline === -1 ? this.#held.byteLength : newline + 1;
    }
    return false;
  }
}
