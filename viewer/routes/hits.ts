import type { LogReader } from "../../archive/log-reader.ts";
import { streamed } from "../body.ts";
import type { Part } from "../grep/searches.ts";
import { type Tally, tally } from "../grep/tally.ts";
import { unreadableWords } from "../grep/text.ts";
import type { GrepQuery } from "../run-query.ts";
import type { RunRequest } from "./run.ts";
import type { LogSelection } from "./run-text.ts";

/** How long a page waits for a count. */
const PAGE_MS = 2_000;
/** Between two messages to the script. */
const TELL_MS = 100;
/** Numbers of lines that the script gets in all. */
const MAX_LINES = 10_000;

/** What a page says of a search; after two seconds, what is known by then. */
export async function tallied(
  { site, signal }: Pick<RunRequest, "site" | "signal">,
  reader: LogReader,
  grep: GrepQuery,
  { near = 1, limit = AbortSignal.timeout(PAGE_MS) }: { near?: number; limit?: AbortSignal } = {},
): Promise<Tally> {
  const parts = site.searches.search(reader.frames(), grep.pattern, { signal: AbortSignal.any([signal, limit]) });
  return tally(parts, { hit: grep.hit, near }, limit);
}

/** `fragment=hits`: a line of JSON now and then while the log is searched, and one at the end. */
export async function hitsFragment(
  { c, site, found, signal }: RunRequest,
  selection: LogSelection,
  grep: GrepQuery,
): Promise<Response> {
  const { lines } = await site.archive.logOf(found.record, selection, signal);
  // Not to be compressed: what is told early would wait in the compressor.
  const headers = { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store, no-transform" };
  return streamed(c, site, headers, async function* (gone) {
    const reader = await site.archive.logOf(found.record, selection, gone);
    yield* progress(
      site.searches.search(reader.frames(), grep.pattern, { signal: gone, maxNumbers: MAX_LINES }),
      Math.max(lines, reader.lines),
    );
  });
}

/** Of a search of `total` lines. `unreadable` says in words which lines could not be searched, and why. */
async function* progress(parts: AsyncIterable<Part>, total: number): AsyncGenerator<Buffer> {
  let [searched, count, sent] = [0, 0, 0];
  let lines: number[] = [];
  let unreadable: string[] = [];
  const message = (done?: true) => {
    const told = { searched, total, count, lines, ...(unreadable.length > 0 && { unreadable }), ...(done && { done }) };
    sent += lines.length;
    [lines, unreadable] = [[], []];
    return Buffer.from(`${JSON.stringify(told)}\n`);
  };
  let next = 0;
  for await (const part of parts) {
    searched = part.to;
    if ("unreadable" in part) unreadable.push(unreadableWords(part));
    else {
      count += part.count;
      lines.push(...part.lines.slice(0, MAX_LINES - sent - lines.length));
    }
    if (performance.now() < next) continue;
    next = performance.now() + TELL_MS;
    yield message();
  }
  yield message(true);
}
