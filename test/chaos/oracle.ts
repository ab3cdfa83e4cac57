import type { Log } from "../../archive/record.ts";

/** One container run: what it wrote, what the archive has of it, and what the record says about that. */
export type Evidence = { where: string; truth: Buffer; archived: Buffer; log: Log };

export type Verdict = {
  /** Broken promises, one sentence each; empty when archived lines ∪ declared gaps = written lines. */
  problems: string[];
  lines: number;
  /** Written lines that are not in the archive. */
  missing: number;
  /** Of these, those that lie in no declared gap. */
  undeclared: number;
  /** Gaps in which nothing is missing. */
  feared: number;
  /** Archived lines that were not written, or not there, or more than once. */
  foreign: number;
};

const linesOf = (bytes: Buffer): string[] => {
  const lines = bytes.toString("latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
};

/**
 * Compares what a container wrote with what is archived: every archived line was written, in this order and not more
 * often, and every written line is archived or lies where the record declares a gap.
 */
export function judge({ where, truth, archived, log }: Evidence): Verdict {
  const written = linesOf(truth);
  const kept = linesOf(archived);
  const gaps = new Map(log.gaps.map((gap) => [gap.afterLine, 0]));
  const verdict: Verdict = { problems: [], lines: written.length, missing: 0, undeclared: 0, feared: 0, foreign: 0 };
  const problem = (text: string) => verdict.problems.push(`${where}: ${text}`);
  let next = 0;
  const skip = (count: number, afterLine: number, declared: boolean) => {
    next += count;
    verdict.missing += count;
    if (gaps.has(afterLine)) gaps.set(afterLine, (gaps.get(afterLine) ?? 0) + count);
    else if (!declared) {
      verdict.undeclared += count;
      if (count > 0) problem(`${count} lines missing after line ${afterLine}, first ${show(written[next - count])}`);
    }
  };
  for (const [i, line] of kept.entries()) {
    const at = written.indexOf(line, next);
    const cut =
      at === -1 && gaps.has(i) ? indexOfCut(written, next, line, gaps.has(i + 1) ? undefined : kept[i + 1]) : -1;
    if (at !== -1) {
      if (at > next) skip(at - next, i, false);
      next++;
    } else if (gaps.has(i + 1) && written[next]?.startsWith(line)) {
      // The gap begins inside this line.
      gaps.set(i + 1, (gaps.get(i + 1) ?? 0) + 1);
    } else if (cut !== -1) {
      // The gap ended inside this line: a new file begins with its rest, which kubelet gives a time of its own.
      skip(cut - next, i, false);
      next++;
    } else {
      verdict.foreign++;
      problem(`line ${i + 1} was never written, or not here, or more than once: ${show(line)}`);
    }
  }
  const givenUp = ["none", "cut"].includes(log.state) && log.words !== undefined;
  if (next < written.length) skip(written.length - next, kept.length, givenUp);
  verdict.feared = [...gaps.values()].filter((count) => count === 0).length;
  checkRecord(log, kept, archived, problem);
  return verdict;
}

/** The first line from `next` on whose end this is, if it has one: directly before `following`. */
function indexOfCut(written: string[], next: number, line: string, following: string | undefined): number {
  const text = line.slice(line.indexOf(" ") + 1);
  const isCut = (whole: string) => whole.slice(whole.indexOf(" ") + 1).length > text.length && whole.endsWith(text);
  return written.findIndex(
    (whole, i) => i >= next && text !== "" && isCut(whole) && (following === undefined || written[i + 1] === following),
  );
}

/** What the record counts must be what is there, and a log with gaps is not whole. */
function checkRecord(log: Log, kept: string[], archived: Buffer, problem: (text: string) => void): void {
  if (log.lines !== kept.length) problem(`the record counts ${log.lines} lines, there are ${kept.length}`);
  if (log.bytes !== archived.byteLength)
    problem(`the record counts ${log.bytes} bytes, there are ${archived.byteLength}`);
  if (log.state === "whole" && log.gaps.length > 0) problem("it is said to be whole and has gaps");
  if (log.state !== "whole" && !log.words) problem(`it is ${log.state} and nothing says why`);
  if (log.state === "incomplete" && log.gaps.length === 0) problem("it is said to be incomplete and has no gap");
}

const show = (line: string | undefined): string => JSON.stringify((line ?? "").slice(0, 100));
