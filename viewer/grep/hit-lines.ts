import { lineStart, timeLength } from "../../archive/line.ts";
import type { Matcher } from "./matcher.ts";

const LF = 0x0a;
const CR = 0x0d;

/**
 * Which lines of a text have a hit, counted from 0, ascending. What is matched of a line is what the container printed:
 * its time, its line end, and a carriage return before that are no part of it. `isInside`: the text begins within a line.
 */
export function hitLines(text: Buffer, matcher: Matcher, isInside: boolean): number[] {
  const finder = matcher.on(text);
  const lines: number[] = [];
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
      for (; counted < start; line++) counted = text.indexOf(LF, counted) + 1;
      lines.push(line);
    }
    from = end + 1;
  }
  return lines;
}

/** Where what the container printed begins. */
function printed(text: Buffer, start: number): number {
  const length = timeLength(text, start);
  return length === 0 ? start : start + length + 1;
}
