import { createHash } from "node:crypto";
import type { LogReader } from "../../archive/log-reader.ts";
import {
  type Attempt,
  type ContainerRow,
  containersOf,
  isFinished,
  type Log,
  type Task,
} from "../../archive/record.ts";
import { ending, streamed } from "../body.ts";
import { chooseEncoding, packed } from "../encoding.ts";
import { linesAsked } from "../lines-asked.ts";
import { followedText } from "../live/follow-text.ts";
import { aboutLog, answerFound, answerLog, TEXT, unchanged, varyByEncoding } from "../log-answer.ts";
import { inReadingOrder } from "../pages/names.ts";
import { badRequest, Problem } from "../problem.ts";
import type { RunQuery } from "../run-query.ts";
import type { Selection } from "../selection.ts";
import { filteredText, type SeverityFilter } from "../severity-filter.ts";
import { runText, withTimes } from "../text.ts";
import type { LineRange } from "../window.ts";
import { oneLogHits, runHits } from "./hits-text.ts";
import type { RunRequest } from "./run.ts";

export type LogSelection = Extract<Selection, { type: "log" }>;

/** Who follows a text may have put it into a pager, and reads: he may stand still for longer than a page's script. */
const PATIENCE = 10;

/** One log plainly where one is chosen or there is only one, else all of the run as tkn prints them. */
export function runTextAnswer(request: RunRequest, selection: Selection): Promise<Response> {
  const { asked } = request;
  const { record } = request.found;
  const { pipelineTask, taskRunName, retry, step } = asked.choice;
  if (selection.type === "skipped")
    throw new Problem(404, "There is no such log", `${selection.name} did not run: ${selection.reason}.`);
  if (request.asked.follow) return followed(request, selection);
  const isNarrowed = pipelineTask !== undefined || taskRunName !== undefined || retry !== undefined;
  const tasks = isNarrowed && "task" in selection ? [selection.task] : record.tasks;
  const tries = inReadingOrder(tasks).flatMap((task) => triesOf(task, retry));
  if (selection.type === "log" && (step !== undefined || isOnlyLog(request, selection, tries)))
    return asked.grep ? oneLogHits(request, selection, asked.grep) : oneLog(request, selection);
  return asked.grep ? runHits(request, tries, asked.grep) : wholeRun(request, tries);
}

export type Try = { task: Task; attempt?: Attempt };

/** A task that has not begun is one without an attempt. */
function triesOf(task: Task, retry: number | undefined): Try[] {
  const attempts = task.attempts.filter(({ number }) => retry === undefined || number === retry);
  return attempts.length > 0 ? attempts.map((attempt) => ({ task, attempt })) : [{ task }];
}

/** The only step that has a log to be shown; a step without one is told of in the text of the run. */
function isOnlyLog({ found }: RunRequest, { container }: LogSelection, tries: readonly Try[]): boolean {
  const steps = [...containersOf(found.record)].filter(
    ({ attempt, container: { kind } }) => kind === "step" && tries.some((shown) => shown.attempt === attempt),
  );
  return steps.length === 1 && container.log.state !== "none";
}

async function oneLog(request: RunRequest, selection: LogSelection): Promise<Response> {
  const { c, site, found, asked, signal } = request;
  if (asked.severity) return onlySevere(request, selection, asked.severity);
  const isPinned = asked.choice.uid !== undefined && found.record.final;
  const { tag, ...caching } = cachingOf(selection.container.log, asked, isPinned);
  const known = unchanged(c, selection.container.log, tag, caching);
  if (known) return known;
  const open = (signal: AbortSignal) => site.archive.logOf(found.record, selection, signal);
  const reader = await open(signal);
  const lines = await linesAsked(reader, asked, site.now());
  const headers = { ...caching, ...(await aboutTimes(reader, asked, lines)) };
  return answerLog(c, site, { reader, lines, timestamps: asked.timestamps ?? true, headers, tag, open });
}

/** The lines of one log that say they are so. */
async function onlySevere(request: RunRequest, selection: LogSelection, severity: SeverityFilter): Promise<Response> {
  const { c, site, found, asked, signal } = request;
  const open = (signal: AbortSignal) => site.archive.logOf(found.record, selection, signal);
  const { log } = await open(signal);
  return answerFound(c, site, log, async function* (s) {
    yield* filteredText(await open(s), severity, { timestamps: asked.timestamps ?? true });
  });
}

/** Where a node's clock was set back, since and until are of lines that stand in another order. */
async function aboutTimes(
  reader: LogReader,
  { since, until }: RunQuery,
  { from, to }: LineRange,
): Promise<Record<string, string>> {
  if ((!since && !until) || (await reader.timesRise([from, to]))) return {};
  return { "X-Log-Times": "not in order: the lines between the first and the last that were found" };
}

/**
 * What is finished never changes. Under an address with the UID of a run that has ended it may be kept without asking
 * again; under the run's name alone, or while there may be another attempt, another log may take its place.
 */
function cachingOf(
  log: Log,
  { lines, tail, since, until, timestamps }: RunQuery,
  isPinned: boolean,
): { tag?: string; "Cache-Control": string } {
  if (!isFinished(log)) return { "Cache-Control": "no-store" };
  const what = JSON.stringify({ lines, tail, since, until, timestamps });
  const content = [...log.segments.map(({ sha256 }) => sha256), log.state, what].join("\n");
  const tag = createHash("sha256").update(content).digest("base64url").slice(0, 32);
  return { tag, "Cache-Control": isPinned ? "public, max-age=86400, immutable" : "no-cache" };
}

/** The chosen log, for a run the one that its page shows, as it grows; what has ended ends at once. */
async function followed(request: RunRequest, selection: Selection): Promise<Response> {
  const { c, site, found, asked } = request;
  if (selection.type !== "log")
    throw new Problem(404, "There is no log to follow yet", "No container of it has begun: ask again in a moment.");
  if (isFinished(selection.container.log)) return oneLog(request, selection);
  const endings = [site.live.admit()];
  try {
    const { value, release } = await site.live.followLog(found.record, selection);
    endings.unshift(release);
    const reader = value.log.value;
    const { from } = asked.lines ?? (await linesAsked(reader, asked, site.now()));
    const text = async function* (signal: AbortSignal) {
      // The answer begins, though there may be nothing to send for long.
      yield Buffer.alloc(0);
      yield* withTimes(followedText(value, from, signal), asked.timestamps ?? true);
    };
    const headers = {
      "Content-Type": TEXT,
      ...aboutLog(reader.log, { from: 1, to: reader.lines }),
      "Cache-Control": "no-store, no-transform",
      "X-Accel-Buffering": "no",
    };
    // Packing would hold lines back.
    varyByEncoding(c);
    if (c.req.method === "HEAD") for (const end of endings) end();
    return await streamed(c, site, headers, (signal) => ending(text(signal), endings), {
      stallMs: PATIENCE * site.live.stallMs,
      stop: site.live.signal,
    });
  } catch (error) {
    for (const end of endings) end();
    throw error;
  }
}

function wholeRun({ c, site, found, asked }: RunRequest, tries: readonly Try[]): Promise<Response> {
  const { record } = found;
  if (asked.lines || asked.tail !== undefined || asked.since || asked.until)
    throw badRequest(
      "lines, tail, since and until are for one log: choose it with pipelineTask= and step=, for example ?pipelineTask=build&step=test&tail=50.",
    );
  if (asked.severity) throw badRequest("severity is for one log: choose it with pipelineTask= and step=.");
  const { timestamps = false, all } = asked;
  const encoding = chooseEncoding(c.req.header("Accept-Encoding"));
  const headers = {
    "Content-Type": TEXT,
    "Cache-Control": record.final ? "no-cache" : "no-store",
    ...(encoding !== "identity" && { "Content-Encoding": encoding }),
  };
  varyByEncoding(c);
  return streamed(c, site, headers, (signal) => {
    const open = (log: ContainerRow) => site.archive.logOf(record, log, signal);
    const text = runText(record, tries, { timestamps, all, open });
    return encoding === "identity" ? text : packed(text, encoding);
  });
}
