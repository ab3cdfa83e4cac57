import { createHash } from "node:crypto";
import type { Context } from "hono";
import { type Attempt, containersOf, isFinished, type Log, type Task } from "../../archive/record.ts";
import { streamed } from "../body.ts";
import { inReadingOrder } from "../pages/names.ts";
import { badRequest, Problem } from "../problem.ts";
import type { RunQuery } from "../run-query.ts";
import type { Selection } from "../selection.ts";
import { filteredText, type SeverityFilter } from "../severity-filter.ts";
import type { Site } from "../site.ts";
import { logText, runText } from "../text.ts";
import type { LineRange } from "../window.ts";
import { oneLogHits, runHits } from "./hits-text.ts";
import type { RunRequest } from "./run.ts";

export const TEXT = "text/plain; charset=utf-8";

export type LogSelection = Extract<Selection, { type: "log" }>;

/** One log plainly where one is chosen or there is only one, else all of the run as tkn prints them. */
export function runTextAnswer(request: RunRequest, selection: Selection): Promise<Response> {
  const { asked } = request;
  const { record } = request.found;
  const { pipelineTask, taskRunName, retry, step } = asked.choice;
  if (selection.type === "skipped")
    throw new Problem(404, "There is no such log", `${selection.name} did not run: ${selection.reason}.`);
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
  // Told before the storage is asked for more: a copy that the client has is still good.
  const isPinned = asked.choice.uid !== undefined && found.record.final;
  const caching = cachingOf(selection.container.log, asked, isPinned);
  if (caching.ETag && isKnown(c, caching.ETag)) return c.body(null, 304, caching);
  const { log } = await site.archive.logOf(found.record, selection, signal);
  const range = rangeOf(asked, log);
  const { timestamps = true } = asked;
  return answerLog(c, site, log, { ...caching, ...lengthOf(log, range, timestamps) }, async function* (s) {
    const reader = await site.archive.logOf(found.record, selection, s);
    yield* logText(reader, range, { timestamps });
  });
}

/** The lines of one log that say they are so. */
async function onlySevere(
  { c, site, found, asked }: RunRequest,
  selection: LogSelection,
  severity: SeverityFilter,
): Promise<Response> {
  const { log } = selection.container;
  const { timestamps = true } = asked;
  return answerLog(c, site, log, { "Cache-Control": isFinished(log) ? "no-cache" : "no-store" }, async function* (s) {
    yield* filteredText(await site.archive.logOf(found.record, selection, s), severity, { timestamps });
  });
}

type Pieces = (signal: AbortSignal) => AsyncGenerator<Uint8Array>;

/**
 * A log's text is never mixed with words about it: those are in the headers.
 * @throws Problem 404, if there is no log
 */
export function answerLog(
  c: Context,
  site: Site,
  log: Log,
  headers: Record<string, string>,
  pieces: Pieces,
): Promise<Response> {
  if (log.state === "none") throw new Problem(404, "There is no such log", log.words ?? "Nothing was ever written.");
  const about = { "Content-Type": TEXT, "X-Log-Complete": log.state, "X-Log-Lines": String(log.lines) };
  return streamed(c, site, { ...about, ...headers }, pieces);
}

/** Known beforehand only for what is stored as it is sent; then a client can tell when something was lost on the way. */
export function lengthOf(log: Log, { from, to }: LineRange, timestamps: boolean): Record<string, string> {
  if (from > to || log.lines === 0) return { "Content-Length": "0" };
  const isAll = from === 1 && to >= log.lines;
  return isAll && timestamps && isFinished(log) ? { "Content-Length": String(log.bytes) } : {};
}

/** @throws Problem 404, if the log ends before what is asked for begins */
function rangeOf({ lines, tail }: RunQuery, log: Log): LineRange {
  const total = log.lines;
  if (tail !== undefined) return { from: Math.max(1, total - tail + 1), to: total };
  if (!lines) return { from: 1, to: total };
  if (lines.from <= total) return { from: lines.from, to: Math.min(lines.to, total) };
  const has = total === 0 ? "no lines" : total === 1 ? "one line" : `only ${total} lines`;
  throw new Problem(404, "There are no such lines", `The log has ${has}${isFinished(log) ? "" : " so far"}.`);
}

/**
 * What is finished never changes. Under an address with the UID of a run that has ended it may be kept without asking
 * again; under the run's name alone, or while there may be another attempt, another log may take its place.
 */
function cachingOf(log: Log, { lines, tail, timestamps }: RunQuery, isPinned: boolean): Record<string, string> {
  if (!isFinished(log)) return { "Cache-Control": "no-store" };
  const what = JSON.stringify({ lines, tail, timestamps });
  const content = [...log.segments.map(({ sha256 }) => sha256), log.state, what].join("\n");
  const etag = createHash("sha256").update(content).digest("base64url").slice(0, 32);
  return { ETag: `"${etag}"`, "Cache-Control": isPinned ? "public, max-age=86400, immutable" : "no-cache" };
}

const isKnown = (c: Context, etag: string): boolean =>
  (c.req.header("If-None-Match") ?? "").split(",").some((known) => known.trim().replace(/^W\//, "") === etag);

function wholeRun({ c, site, found, asked }: RunRequest, tries: readonly Try[]): Promise<Response> {
  const { record } = found;
  if (asked.lines || asked.tail !== undefined)
    throw badRequest("lines and tail are for one log: choose it with pipelineTask= and step=.");
  if (asked.severity) throw badRequest("severity is for one log: choose it with pipelineTask= and step=.");
  const { timestamps = false, all } = asked;
  const headers = { "Content-Type": TEXT, "Cache-Control": record.final ? "no-cache" : "no-store" };
  return streamed(c, site, headers, (signal) =>
    runText(record, tries, { timestamps, all, open: (log) => site.archive.logOf(record, log, signal) }),
  );
}
