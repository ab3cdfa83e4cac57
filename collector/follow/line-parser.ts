import { dayNs, timeLength } from "../../archive/line.ts";

const LF = 0x0a;
/** A line that is longer is passed on in pieces, so that its length costs no memory. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * `text` begins every line of it with its time; a line may go on in the next text. `back`: its first line is older
 * than the one before it, which is either two streams in one log or kubelet reading a file for the second time.
 * `stray` is a line without a time.
 */
export type Parsed = { type: "text"; bytes: Buffer; back?: true } | { type: "stray"; bytes: Buffer };

/**
 * Splits what the log endpoint sends into the log's text and what is no part of it. Text without a time is never log:
 * at the start of an answer it is the rest of a line that was cut, at the end it is kubelet's own error under
 * HTTP 200 (kubernetes-logs.md §6, §14.1).
 */
export class LineParser {
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Inside a line whose beginning was passed on. */
  #inLine: "text" | "stray" | undefined;
  /** Of the line before, since midnight. */
  #lastNs = -1;

  push(bytes: Buffer): Parsed[] {
    const newline = bytes.lastIndexOf(LF);
    if (newline === -1) {
      this.#hold(bytes);
      return this.#heldBytes > MAX_HELD_BYTES ? this.#split(this.#release()) : [];
    }
    const parsed: Parsed[] = [];
    let start = 0;
    if (this.#heldBytes > 0) {
      // Only the line that was cut is copied together, not all that came with its end.
      start = bytes.indexOf(LF) + 1;
      this.#held.push(bytes.subarray(0, start));
      parsed.push(...this.#split(this.#release()));
    }
    if (start <= newline) parsed.push(...this.#split(bytes.subarray(start, newline + 1)));
    this.#hold(bytes.subarray(newline + 1));
    return parsed;
  }

  /** What there is of a line that has no newline so far, and whether its beginning was passed on. */
  end(): { tail: Buffer; begun: boolean } {
    const tail = this.#inLine === "stray" ? Buffer.alloc(0) : Buffer.concat(this.#held);
    return { tail, begun: this.#inLine === "text" };
  }

  #hold(bytes: Buffer): void {
    if (bytes.byteLength === 0) return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.byteLength;
  }

  #release(): Buffer {
    const held = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  /** Neighbouring lines of one type come as one buffer: the normal case costs no copy. */
  #split(bytes: Buffer): Parsed[] {
    const parsed: Parsed[] = [];
    let runStart = 0;
    let runType = this.#inLine;
    let runBack = false;
    const endRun = (end: number) => {
      if (runType === undefined || runStart === end) return;
      const run = bytes.subarray(runStart, end);
      parsed.push(
        runType === "text" && runBack ? { type: runType, bytes: run, back: true } : { type: runType, bytes: run },
      );
    };
    let start = 0;
    while (start < bytes.byteLength) {
      const ns = this.#inLine ? undefined : dayNs(bytes, start);
      const type = this.#inLine ?? (ns === -1 ? "stray" : "text");
      const back = ns !== undefined && ns !== -1 && ns < this.#lastNs;
      if (type !== runType || back) {
        endRun(start);
        runStart = start;
        runBack = back;
      }
      runType = type;
      if (ns !== undefined && ns !== -1) this.#lastNs = ns;
      const newline = bytes.indexOf(LF, start);
      this.#inLine = newline === -1 ? type : undefined;
      start = newline === -1 ? bytes.byteLength : newline + 1;
    }
    endRun(start);
    return parsed;
  }
}

/** A line that was cut at its file's end, and the next file's text, which begins with its end under a time of its own. */
export const continued = (cut: Buffer, text: Buffer): Buffer =>
  Buffer.concat([cut, text.subarray(timeLength(text, 0) + 1)]);
