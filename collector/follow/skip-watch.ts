import { timeAt } from "../../archive/line.ts";

const LF = 0x0a;

/**
 * Notices where kubelet may have skipped a whole file. A reader of kubelet's that comes late to two rotations goes on
 * with the newest file (kubernetes-logs.md §5b), and nothing in the stream says so. What shows is that lines come late
 * and then leap in time: a file takes as long to fill. A pause of the program looks the same while the reader is behind,
 * so this is a fear and no proof.
 */
export class SkipWatch {
  readonly #leapMs: number;
  #leastLag = Number.POSITIVE_INFINITY;
  #lastMs = Number.NaN;
  #lastLag = 0;

  /** @param leapMs how late lines must be, and how far apart: less than the time between two looks of kubelet */
  constructor(leapMs: number) {
    this.#leapMs = leapMs;
  }

  /**
   * Where in the text a leap ends; undefined if there is none. Looks at every line only where the text as a whole leaps.
   * @param back the text begins with a line that is older than the one before it
   * @param now in ms; clocks may differ by any amount as long as they go alike
   */
  look(text: Buffer, now: number, back: boolean): number | undefined {
    // After a clock's step back all that comes is late by as much.
    if (back) this.#leastLag = Number.POSITIVE_INFINITY;
    const last = msAt(text, text.lastIndexOf(LF, text.byteLength - 2) + 1);
    const first = Number.isNaN(this.#lastMs) ? msAt(text, 0) : this.#lastMs;
    const found = last - first >= this.#leapMs ? this.#find(text, now) : undefined;
    this.#note(last, now);
    return found;
  }

  #find(text: Buffer, now: number): number | undefined {
    for (let start = 0; start < text.byteLength; ) {
      const ms = msAt(text, start);
      const isLate = this.#lastLag - this.#leastLag >= this.#leapMs;
      if (isLate && ms - this.#lastMs >= this.#leapMs) return start;
      this.#note(ms, now);
      const newline = text.indexOf(LF, start);
      start = newline === -1 ? text.byteLength : newline + 1;
    }
    return undefined;
  }

  #note(ms: number, now: number): void {
    if (Number.isNaN(ms)) return;
    this.#lastMs = ms;
    this.#lastLag = now - ms;
    this.#leastLag = Math.min(this.#leastLag, this.#lastLag);
  }
}

const msAt = (text: Buffer, start: number): number => Date.parse(timeAt(text, start) ?? "");
