import { streamed } from "../body.ts";
import { grepText } from "../grep/text.ts";
import { answerFound, TEXT } from "../log-answer.ts";
import { badRequest } from "../problem.ts";
import type { GrepQuery, RunQuery } from "../run-query.ts";
import { textName } from "../text.ts";
import type { RunRequest } from "./run.ts";
import type { LogSelection, Try } from "./run-text.ts";

/** The lines of one log that have a hit, as they are stored. */
export async function oneLogHits(
  { c, site, found, asked, signal }: RunRequest,
  selection: LogSelection,
  grep: GrepQuery,
): Promise<Response> {
  refuseStretch(asked);
  const { record } = found;
  const { log } = await site.archive.logOf(record, selection, signal);
  return answerFound(c, site, log, async function* (gone) {
    const reader = await site.archive.logOf(record, selection, gone);
    const { context, numbers } = grep;
    const parts = site.searches.search(reader.frames(), grep.pattern, { signal: gone, text: textFor(context) });
    yield* grepText(parts, { context, numbers, timestamps: asked.timestamps ?? true, prefix: "" });
  });
}

/** The same of all logs of a run, each line with `[task : step] ` in front, one log after the other. */
export function runHits(
  { c, site, found, asked }: RunRequest,
  tries: readonly Try[],
  grep: GrepQuery,
): Promise<Response> {
  refuseStretch(asked);
  const { record } = found;
  const { context, numbers, pattern } = grep;
  return streamed(c, site, { "Content-Type": TEXT, "Cache-Control": "no-store" }, async function* (signal) {
    for (const { task, attempt } of tries) {
      for (const container of attempt?.containers ?? []) {
        if (!attempt || (container.kind !== "step" && !asked.all)) continue;
        const reader = await site.archive.logOf(record, { task, attempt, container }, signal);
        const parts = site.searches.search(reader.frames(), pattern, { signal, text: textFor(context) });
        const prefix = `[${textName(record, task, container)}] `;
        yield* grepText(parts, { context, numbers, timestamps: asked.timestamps ?? false, prefix });
      }
    }
  });
}

const textFor = (context: number) => (context > 0 ? "all" : "hits");

/** @throws Problem */
function refuseStretch({ lines, tail }: RunQuery): void {
  if (lines || tail !== undefined) throw badRequest("grep looks through a whole log: leave out lines and tail.");
}
