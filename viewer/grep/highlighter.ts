import type { RE2JS } from "re2js";
import type { Run } from "../terminal/markup.ts";
import { compile, type Pattern } from "./pattern.ts";

/** What marking may cost a page in ms; the lines after it are shown without marks. */
const BUDGET_MS = 200;
/** Characters of a row in which marks are looked for: finding them is slower than telling that there are some. */
const MAX_CHARACTERS = 4_096;
const MAX_MARKS = 100;

type Range = { start: number; end: number };

/** Marks in a page's rows what a search found. In a row that a terminal drew over, what it shows is what counts. */
export class Highlighter {
  readonly #matcher: RE2JS;
  readonly #focus: number | undefined;
  #spent = 0;

  /** `focus`: the line that the reader is at. */
  constructor(pattern: Pattern, focus?: number) {
    this.#matcher = compile(pattern);
    this.#focus = focus;
  }

  /** The same text, with marks. They may go over changes of style and links. */
  marked(runs: readonly Run[], line: number): readonly Run[] {
    if (this.#spent > BUDGET_MS) return runs;
    const begun = performance.now();
    const ranges = this.#find(runs.map(({ text }) => text).join(""));
    this.#spent += performance.now() - begun;
    return ranges.length === 0 ? runs : split(runs, ranges, line === this.#focus);
  }

  #find(text: string): Range[] {
    const shown = text.slice(0, MAX_CHARACTERS);
    // Telling that there is none is quick.
    if (!this.#matcher.test(shown)) return [];
    const found: Range[] = [];
    const matcher = this.#matcher.matcher(shown);
    while (found.length < MAX_MARKS && matcher.find()) {
      // An empty match shows nothing.
      if (matcher.end() > matcher.start()) found.push({ start: matcher.start(), end: matcher.end() });
    }
    return found;
  }
}

/** `ranges` are in order and do not overlap; the first of them is the one that the reader is at, if `isFocus`. */
function split(runs: readonly Run[], ranges: readonly Range[], isFocus: boolean): Run[] {
  const parts: Run[] = [];
  let at = 0;
  let next = 0;
  for (const run of runs) {
    const end = at + run.text.length;
    for (let start = at; start < end; ) {
      while ((ranges[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next++;
      const range = ranges[next];
      const isIn = range !== undefined && range.start <= start;
      const stop = Math.min(end, range === undefined ? end : isIn ? range.end : range.start);
      const text = run.text.slice(start - at, stop - at);
      parts.push(isIn ? { ...run, text, mark: isFocus && next === 0 ? "now" : "hit" } : { ...run, text });
      start = stop;
    }
    at = end;
  }
  return parts;
}
