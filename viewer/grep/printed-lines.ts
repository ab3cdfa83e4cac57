import type { Part } from "./searches.ts";

const LF = 0x0a;

/** Of lines around hits that are kept: where lines are very long there are fewer of them. */
const KEPT_BYTES = 4 * 1024 * 1024;

export type PrintedLine = {
  number: number;
  /** As it is stored, without its newline. */
  text: Buffer;
  isHit: boolean;
  /** It does not follow the one that was printed before. */
  isApart: boolean;
};

/** The lines with hits and those around them, as `grep -C` prints them. Holds the lines of context, at most 4 MiB. */
export class PrintedLines {
  readonly #context: number;
  #before: { number: number; text: Buffer }[] = [];
  #kept = 0;
  /** Lines still to be printed after a hit. */
  #after = 0;
  #last = 0;

  constructor(context: number) {
    this.#context = context;
  }

  /** Of a part with its text; where there is no context, one without hits needs none. */
  add(part: Extract<Part, { lines: number[] }>): PrintedLine[] {
    const printed: PrintedLine[] = [];
    const { text, lines } = part;
    if (!text || (lines.length === 0 && this.#context === 0)) return printed;
    let next = 0;
    let number = part.from;
    for (let at = 0; at < text.byteLength; number++) {
      const newline = text.indexOf(LF, at);
      const end = newline === -1 ? text.byteLength : newline;
      const isHit = lines[next] === number;
      const isRest = at === 0 && part.isInside && !isHit;
      if (isHit) next++;
      if (!isRest) this.#line({ number, text: text.subarray(at, end) }, isHit, printed);
      at = end + 1;
      if (next === lines.length && this.#context === 0) break;
    }
    return printed;
  }

  #line(line: { number: number; text: Buffer }, isHit: boolean, printed: PrintedLine[]): void {
    const print = (one: typeof line, isHit: boolean) => {
      printed.push({ ...one, isHit, isApart: one.number > this.#last + 1 && this.#last > 0 });
      this.#last = one.number;
    };
    if (isHit) {
      for (const earlier of this.#before.splice(0)) print(earlier, false);
      this.#kept = 0;
      print(line, true);
      this.#after = this.#context;
    } else if (this.#after > 0) {
      print(line, false);
      this.#after--;
    } else if (this.#context > 0) {
      // A copy: its frame is not to be kept for it.
      this.#before.push({ number: line.number, text: Buffer.from(line.text) });
      this.#kept += line.text.byteLength;
      while (this.#before.length > this.#context || this.#kept > KEPT_BYTES)
        this.#kept -= this.#before.shift()?.text.byteLength ?? 0;
    }
  }
}
