import { type ContainerRow, containersOf } from "../../archive/record.ts";
import { choiceOf, query, runPath } from "../address.ts";
import { Highlighter } from "../grep/highlighter.ts";
import { type PrintedLine, PrintedLines } from "../grep/printed-lines.ts";
import type { Part } from "../grep/searches.ts";
import { tally } from "../grep/tally.ts";
import type { Html } from "../pages/html.ts";
import { inReadingOrder } from "../pages/names.ts";
import { type StepHits, stepHitsPane } from "../pages/step-hits.ts";
import type { GrepQuery } from "../run-query.ts";
import type { RunRequest } from "./run.ts";

/** For all logs of a run together. */
const PAGE_MS = 2_000;
const FIRST_HITS = 3;
const CONTEXT = 1;
/** Shown of a line. */
const EXCERPT_BYTES = 400;

/** What is found in all logs of a run: counts, and the first hits with a line around them. */
export async function stepHits(
  { c, site, found, signal }: RunRequest,
  grep: GrepQuery,
  linkTo: (choice: object) => string,
): Promise<Html> {
  const { record } = found;
  const limit = AbortSignal.timeout(PAGE_MS);
  const both = AbortSignal.any([signal, limit]);
  const steps: StepHits[] = [];
  c.header("Cache-Control", "no-store");
  const order = inReadingOrder(record.tasks);
  const rows = [...containersOf(record)].toSorted((a, b) => order.indexOf(a.task) - order.indexOf(b.task));
  for (const row of rows) {
    if (row.container.log.state === "none") continue;
    const first = new FirstHits();
    const open = async function* () {
      const reader = await site.archive.logOf(record, row, both);
      yield* first.seen(site.searches.search(reader.frames(), grep.pattern, { signal: both, text: "all" }));
    };
    steps.push({ row, tally: await tally(open(), { near: 1 }, limit), lines: first.lines });
  }
  const choice = ({ task, attempt, container }: ContainerRow) => choiceOf(record, task, attempt, container);
  return stepHitsPane({
    record,
    grep,
    steps,
    highlighter: new Highlighter(grep.pattern),
    linkTo: (row, line) =>
      linkTo({ ...choice(row), ...grep.values, ...(line !== undefined && { line }) }) +
      (line === undefined ? "" : `#L${line}`),
    textLink: `${runPath(record.run)}.txt${query({ uid: record.run.uid, ...grep.values })}`,
  });
}

/** Keeps the first hits of the parts that pass, with the lines around them. */
class FirstHits {
  readonly lines: PrintedLine[] = [];
  readonly #printed = new PrintedLines(CONTEXT);
  #hits = 0;

  async *seen(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
    for await (const part of parts) {
      if (this.#hits < FIRST_HITS && "lines" in part) this.#keep(this.#printed.add(part));
      yield part;
    }
  }

  #keep(lines: PrintedLine[]): void {
    for (const line of lines) {
      if (line.isHit && this.#hits++ === FIRST_HITS) return;
      // A copy, and short: its frame is not to be kept for it.
      this.lines.push({ ...line, text: Buffer.from(line.text.subarray(0, EXCERPT_BYTES)) });
    }
  }
}
