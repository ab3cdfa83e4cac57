import { timeLength } from "../../archive/line.ts";
import { note } from "../text.ts";
import { count } from "../time.ts";
import { type PrintedLine, PrintedLines } from "./printed-lines.ts";
import type { Part } from "./searches.ts";

export type GrepTextOptions = {
  context: number;
  timestamps: boolean;
  /** `12:` before a hit, `11-` before a line around it. */
  numbers: boolean;
  /** Before each line. */
  prefix: string;
};

const NEWLINE = Buffer.from("\n");
const APART = Buffer.from("--\n");

/**
 * What a search found as text, as `grep` prints it: the lines as they are stored, `--` between groups that are apart
 * where there is context. What could not be searched is said in a line of its own.
 */
export async function* grepText(parts: AsyncIterable<Part>, options: GrepTextOptions): AsyncGenerator<Buffer> {
  const { context, prefix } = options;
  const printed = new PrintedLines(context);
  for await (const part of parts) {
    if ("unreadable" in part) {
      yield Buffer.from(note(prefix, unreadableWords(part)));
      continue;
    }
    const pieces = printed
      .add(part)
      .flatMap((line) => [...(line.isApart && context > 0 ? [APART] : []), ...lineText(line, options)]);
    // Also where there is nothing: the answer begins with the search, not with its first hit.
    yield Buffer.concat(pieces);
  }
}

export const unreadableWords = ({ from, to, unreadable }: Extract<Part, { unreadable: string }>): string =>
  `${from === to ? `line ${count(from)}` : `lines ${count(from)} to ${count(to)}`} cannot be searched: ${unreadable}`;

function lineText({ number, text, isHit }: PrintedLine, { timestamps, numbers, prefix }: GrepTextOptions): Buffer[] {
  const head = `${prefix}${numbers ? `${number}${isHit ? ":" : "-"}` : ""}`;
  const time = timestamps ? 0 : timeLength(text, 0);
  return [...(head ? [Buffer.from(head)] : []), time === 0 ? text : text.subarray(time + 1), NEWLINE];
}
