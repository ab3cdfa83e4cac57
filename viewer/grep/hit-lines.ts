import { lineStart, timeLength } from "../../archive/line.ts";
import type { Matcher } from "./matcher.ts";

const LF = 0x0a;
const CR = 0x0d;

/** `lines` count from 0, ascending; there are none where only their count is wanted. */
export type Hits = { count: number; lines: number[] };

/**
 * Which lines of a text have a hit. What is matched of a line is what the container printed: its time, its line end, and
 * a carriage return before that are no part of it. `isInside`: the text begins within a line. `isNumbered`: whether the
 * lines are wanted, too, since to number them takes as long as to find them.
 */
export function hitLines(text: Buffer, matcher: Matcher, { isInside = false, isNumbered = true } = {}): Hits {
  const finder = matcher.on(text);
  const hits: Hits = { count: 0, lines: [] };
  let counted = 0;
  let line = 0;
  for (let from = 0; from < text.byteLength; ) {
    const at = finder.find(from);
    if (at === -1) break;
    const start = lineStart(text, at);
    const begin = start === 0 && isInside ? 0 : printed(text, start);
    if (at < begin && !finder.isEveryLine) {
      // Within the time: what comes after it is still to be looked at.
      from = begin;
      continue;
    }
    const newline = text.indexOf(LF, at);
    const end = newline === -1 ? text.byteLength : newline;
    if (finder.test(begin, text[end - 1] === CR && end > begin ? end - 1 : end)) {
      hits.count++;
      for (; isNumbered && counted < start; line++) counted = text.indexOf(LF, counted) + 1;
      if (isNumbered) hits.lines.push(line);
    }
    from = end + 1;
  }
  return hits;
}

/** Where what the container printed begins. */
function printed(text: Buffer, start: number): number {
  const length = timeLength(text, start);
  return length === 0 ? start : start + length + 1;
}
