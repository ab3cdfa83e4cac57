import { lineStart, timeAt, timeNs } from "../../archive/line.ts";
import type { Target } from "./file-end.ts";

const LF = 0x0a;
const SPACE = 0x20;
/** stdout and stderr stamp before they write: a line so much newer may still stand before the wanted one. */
const SLACK_NS = 5_000_000_000n;
/** How much newer text is held while the wanted line is looked for. */
const HELD_BYTES = 4 * 1024 * 1024;
/** So much of the wanted line is compared. */
const COMPARED_BYTES = 4 * 1024;

export type Joined =
  /**
   * The line was found: `text` stands before it, and nothing is missing between the two streams. So many bytes at the
   * other one's beginning are the end of a line that `text` has as a whole, and are to be left out.
   */
  | { type: "met"; text: Buffer; leaveOut: number }
  /** Not yet, or the stream has gone past it; `text` certainly stands before it. */
  | { type: "before" | "passed"; text: Buffer };

/**
 * Looks in one stream for the line with which another one begins, so that the first can be given up exactly there. The
 * other one began later: with the file that the node writes now, while the first has still an older one to read.
 *
 * That file may begin inside a line: containerd closes the older one with the line's beginning as a `P` entry and goes
 * on in the new one with an `F` entry, seen with Kubernetes 1.34 and containerd 1.6 when a step prints without a pause.
 * The first stream has the line as one, with its own time; the other one begins with its end under a later time.
 */
export class Junction {
  readonly #timeNs: bigint;
  readonly #orderNs: bigint;
  readonly #line: Buffer;
  /** The other stream begins with a line, or inside one, that came in pieces: nothing tells where its end will be. */
  readonly isLong: boolean;
  /** The first line without its time, with its newline, and the line after it, if it has come. */
  readonly #end: { text: Buffer; bytes: number; next: Buffer } | undefined;
  /** From the line on before what is newer; where nothing is, the last line. */
  #held: Buffer = Buffer.alloc(0);
  #isNewer = false;
  /** The end of what was taken. */
  #taken: Buffer = Buffer.alloc(0);

  /**
   * @param first the beginning of the other stream: a line that begins with its time, perhaps cut
   * @param orderMs by how much two writers of one file may stamp out of order; a file is written for longer
   */
  constructor(first: Buffer, orderMs = 1_000) {
    this.#orderNs = BigInt(orderMs) * 1_000_000n;
    const time = timeAt(first, 0);
    if (!time) throw new Error("a stream begins with a line that has no time");
    const bytes = first.indexOf(LF) + 1;
    this.isLong = bytes === 0;
    this.#line = first.subarray(0, Math.min(bytes || first.byteLength, COMPARED_BYTES));
    this.#timeNs = timeNs(time);
    const next = bytes > 0 && bytes <= COMPARED_BYTES ? lineAt(first, bytes) : undefined;
    this.#end = next && { text: first.subarray(time.length + 1, bytes), bytes, next };
  }

  /** The time of the line that is looked for, in nanoseconds since 1970. */
  get timeNs(): bigint {
    return this.#timeNs;
  }

  /** Takes the first stream's text, cut anywhere but inside a time. */
  push(text: Buffer): Joined {
    const all = this.#held.byteLength > 0 ? Buffer.concat([this.#held, text]) : text;
    const at = placeOf(this.#line, all);
    if (at !== -1) return { type: "met", text: all.subarray(0, at), leaveOut: 0 };
    const behind = this.#placeBehindEnd(all);
    if (behind) return { type: "met", ...behind };
    const sure = this.#isNewer ? 0 : this.#sure(all);
    this.#held = Buffer.from(all.subarray(sure));
    const before = all.subarray(0, sure);
    this.#taken = Buffer.concat([this.#taken, before.subarray(-COMPARED_BYTES)]).subarray(-COMPARED_BYTES);
    const type = this.#held.byteLength > HELD_BYTES || this.#isPast() ? "passed" : "before";
    return { type, text: before };
  }

  /** What is held: `before` belongs before the other stream, `newer` behind its beginning. */
  parts(): { before: Buffer; newer: Buffer } {
    const newer = this.#firstNewer(this.#held, this.#orderNs);
    return { before: this.#held.subarray(0, newer), newer: this.#held.subarray(newer) };
  }

  /** Which of the other stream's first two lines this text begins with, and the first one without its time. */
  beginning(text: Buffer): Target | undefined {
    const first = this.#end?.text ?? Buffer.alloc(0);
    if (startsWith(text, this.#line)) return { line: 1, first };
    return this.#end && startsWith(text, this.#end.next) ? { line: 2, first } : undefined;
  }

  /** What is held and certainly stands before the other stream: nothing more need be held together with it. */
  release(): Buffer {
    if (this.#isNewer) return Buffer.alloc(0);
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  /** How much of the text is certainly before the wanted line, but for the last line of that. */
  #sure(all: Buffer): number {
    const newer = this.#firstNewer(all, 0n);
    this.#isNewer = newer < all.byteLength;
    const last = newer === 0 ? 0 : lineStart(all, newer - 1);
    return newer - last > HELD_BYTES ? newer : last;
  }

  /** The other stream's second line, if what stands before it ends as the first one does. */
  #placeBehindEnd(all: Buffer): { text: Buffer; leaveOut: number } | undefined {
    if (!this.#end) return undefined;
    const at = placeOf(this.#end.next, all);
    if (at === -1) return undefined;
    const before = Buffer.concat([this.#taken, all.subarray(Math.max(0, at - COMPARED_BYTES), at)]);
    const end = before.subarray(-this.#end.text.byteLength);
    return end.equals(this.#end.text) ? { text: all.subarray(0, at), leaveOut: this.#end.bytes } : undefined;
  }

  /** Where the first line begins that is so much newer than the wanted one; the text's end if none is. */
  #firstNewer(text: Buffer, slackNs: bigint): number {
    const limit = this.#timeNs + slackNs;
    const last = timeAt(text, lineStart(text, text.byteLength - 1));
    if (last && timeNs(last) <= limit) return text.byteLength;
    for (let start = 0; start < text.byteLength; ) {
      const time = timeAt(text, start);
      if (time && timeNs(time) > limit) return start;
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

/** The line that begins at `at`, as far as it is compared; undefined if none with a time does. */
function lineAt(text: Buffer, at: number): Buffer | undefined {
  if (!timeAt(text, at)) return undefined;
  const newline = text.indexOf(LF, at);
  const end = newline === -1 ? text.byteLength : newline + 1;
  return text.subarray(at, Math.min(end, at + COMPARED_BYTES));
}

/** Where a line begins in `text` that is like this one as far as both go; -1 if none does. */
function placeOf(line: Buffer, text: Buffer): number {
  const time = line.subarray(0, line.indexOf(SPACE) + 1);
  for (let at = text.indexOf(time); at !== -1; at = text.indexOf(time, at + 1)) {
    if (at > 0 && text[at - 1] !== LF) continue;
    const length = Math.min(line.byteLength, text.byteLength - at);
    if (text.compare(line, 0, length, at, at + length) === 0) return at;
  }
  return -1;
}

const startsWith = (text: Buffer, line: Buffer): boolean => text.subarray(0, line.byteLength).equals(line);
