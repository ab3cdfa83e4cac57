import { timeNs } from "../archive/line.ts";
import type { LogReader } from "../archive/log-reader.ts";
import { isFinished } from "../archive/record.ts";
import { reversed, timeOf } from "./moment.ts";
import { Problem } from "./problem.ts";
import type { RunQuery } from "./run-query.ts";
import type { LineRange } from "./window.ts";

/**
 * The lines of a log that a text is to hold; none where `from` is behind `to`. Durations count back from the last
 * line of a log that has ended, else from now. `since` begins with the first line that is not older, `until` ends
 * before the first line after that which is later: what lies between is given whatever its time, since clocks are
 * set back.
 * @throws Problem 404, if the log ends before the lines that were asked for; 400, if since turns out later than until
 */
export async function linesAsked(
  reader: LogReader,
  { lines, tail, since, until }: Pick<RunQuery, "lines" | "tail" | "since" | "until">,
  now: Date,
): Promise<LineRange> {
  const { log, lines: total } = reader;
  if (lines) {
    if (lines.from <= total) return { from: lines.from, to: Math.min(lines.to, total) };
    const has = total === 0 ? "no lines" : total === 1 ? "one line" : `only ${total} lines`;
    throw new Problem(404, "There are no such lines", `The log has ${has}${isFinished(log) ? "" : " so far"}.`);
  }
  const end = (isFinished(log) ? log.lastTime : undefined) ?? now.toISOString();
  const [first, last] = [since && timeOf(since, end), until && timeOf(until, end)];
  if (first && last && timeNs(first) > timeNs(last)) throw reversed();
  const from = first ? await reader.lineAt(first) : 1;
  const to = last ? (await reader.lineAfter(last, from)) - 1 : total;
  return { from: tail === undefined ? from : Math.max(from, to - tail + 1), to };
}
