import type { Context } from "hono";
import type { LogReader } from "../../archive/log-reader.ts";
import { isFinished, type Log } from "../../archive/record.ts";
import { choiceOf, query, runPath } from "../address.ts";
import { sourceLink } from "../forge.ts";
import { Highlighter } from "../grep/highlighter.ts";
import { packedAnswer, packPage, pageAnswer, takesPacked } from "../page-answer.ts";
import { focusOf } from "../pages/finding-strip.ts";
import { type Html, html } from "../pages/html.ts";
import { moreRows } from "../pages/more-rows.ts";
import { emptyPane, type LogSelection, pane, paneTitle } from "../pages/pane.ts";
import { type DrawnRows, rows } from "../pages/rows.ts";
import { headOf, type RunPartOptions, runPage, treeOf } from "../pages/run.ts";
import type { SearchState } from "../pages/search-field.ts";
import { severityLinks, severityRows } from "../pages/severity.ts";
import { badRequest } from "../problem.ts";
import type { Selection } from "../selection.ts";
import { severityCounts } from "../severity-filter.ts";
import { clockAfter, type LineRange, type Placed, place, WINDOW_LINES, type WindowRequest } from "../window.ts";
import { hitsFragment, tallied } from "./hits.ts";
import type { RunRequest } from "./run.ts";
import { stepHits } from "./step-hits.ts";

/** What the script may ask for at a time. */
const RANGE_LINES = 1_000;
/**
 * What a plain view holds: the server writes so many rows, and Chromium lays them out wrapped at a phone's width, within
 * about three seconds on two slow cores, and searches them in less than one. What is longer is given as text, in which
 * every browser searches too.
 */
const PLAIN_LINES = 10_000;
const PLAIN_BYTES = 2_500_000;

/** The page of a run, or the part of it that the script asks for. */
export async function runHtml(request: RunRequest, selection: Selection): Promise<Response> {
  const { c, site, found, asked } = request;
  const { record, isNewest } = found;
  const path = runPath(record.run);
  const shown = isNewest && !asked.choice.uid ? {} : { uid: record.run.uid };
  const options: RunPartOptions = {
    site,
    found,
    selection,
    linkTo: (choice) => `${path}${query({ ...choice, ...shown })}`,
  };
  // For the script, which asks for parts of the page while it can still change.
  c.header("X-Run-Updated", record.updatedAt);
  c.header("X-Run-Final", String(record.final));
  c.header("Cache-Control", record.final ? "no-cache" : "no-store");
  switch (asked.fragment) {
    case "head":
      return pageAnswer(c, html`${headOf(options)}${selection.type === "log" && paneTitle(record, selection)}`);
    case "tree":
      return pageAnswer(c, treeOf(options));
    case "rows":
      if (selection.type !== "log") return pageAnswer(c, html``);
      return pageAnswer(c, await (asked.lines ? rangeFragment : rowsFragment)(request, selection));
    case "hits":
      if (!asked.grep) throw badRequest("fragment=hits needs grep.");
      return selection.type === "log" ? hitsFragment(request, selection, asked.grep) : c.body("");
    case "pane":
      return pageAnswer(c, (await paneOf(request, selection, shown)).pane);
    default: {
      if (asked.grep?.inAllSteps) {
        const pane = await stepHits(request, asked.grep, options.linkTo);
        return pageAnswer(c, runPage({ ...options, pane, isSettled: true }));
      }
      const text = asked.isPlain && (await insteadOfPlain(request, selection));
      if (text) return c.redirect(text, 303);
      return wholePage(request, selection, shown, options);
    }
  }
}

type Shown = { uid?: string };

/** One that can change no more is kept, but for what was searched: that a part could not be read may pass. */
async function wholePage(
  request: RunRequest,
  selection: Selection,
  shown: Shown,
  options: RunPartOptions,
): Promise<Response> {
  const { c, site, found, asked } = request;
  const { record, isNewest, others } = found;
  const mayKeep = record.final && !asked.grep && takesPacked(c);
  const address = mayKeep ? `${c.req.url} ${isNewest} ${JSON.stringify(others)}` : undefined;
  const kept = address && site.pages.get(record, address);
  if (kept) {
    if (kept.log) tellOfLog(c, kept.log);
    return packedAnswer(c, kept.packed);
  }
  const { pane, log, isLogFinished, markedText } = await paneOf(request, selection, shown);
  const isSettled = record.final && isLogFinished;
  const page = runPage({ ...options, pane, markedText, isSettled });
  if (!address || !isSettled) return pageAnswer(c, page);
  const packed = await packPage(page);
  site.pages.set(record, address, { packed, log });
  return packedAnswer(c, packed);
}

/** Where a log is to be read that is too long for one page. */
async function insteadOfPlain({ site, found, signal }: RunRequest, selection: Selection): Promise<string | undefined> {
  if (selection.type !== "log") return undefined;
  const { record } = found;
  const { log } = await site.archive.logOf(record, selection, signal);
  if (log.lines <= PLAIN_LINES && log.bytes <= PLAIN_BYTES) return undefined;
  const choice = choiceOf(record, selection.task, selection.attempt, selection.container);
  return `${runPath(record.run)}.txt${query({ ...choice, uid: record.run.uid })}`;
}

async function paneOf(
  request: RunRequest,
  selection: Selection,
  shown: Shown,
): Promise<{ pane: Html; log?: Log; isLogFinished: boolean; markedText?: string | undefined }> {
  const { c, site, found, asked, signal } = request;
  const { record } = found;
  if (selection.type !== "log") {
    return { pane: emptyPane(record, selection, site.now()), isLogFinished: record.final };
  }
  const { task, attempt, container } = selection;
  const reader = await site.archive.logOf(record, selection, signal);
  tellOfLog(c, reader.log);
  const { isPlain, time = "clock", wraps } = asked;
  const all: Placed = { from: 1, to: reader.lines };
  const { placed, complaint, search } = isPlain
    ? { placed: all, complaint: undefined, search: undefined }
    : await searchedWindow(request, reader, selection);
  const choice = { ...choiceOf(record, task, attempt, container), uid: record.run.uid };
  const textPath = `${runPath(record.run)}.txt`;
  const focus = focusOf(reader.log.findings, placed.mark);
  const shownChoice = {
    ...choiceOf(record, task, attempt, container),
    ...shown,
    ...(asked.markers.buildkite && { folds: "buildkite" }),
  };
  const hasPlace = asked.window.type === "lines" || asked.window.type === "tail";
  const start = placed.mark?.from ?? (hasPlace ? undefined : (search?.tally.focus?.line ?? focus?.line));
  const linkTo = (values: object) => query({ ...shownChoice, ...values });
  // A log of one segment has been counted with the index that its lines need anyway.
  const isCheap = isFinished(reader.log) && reader.log.segments.length <= 1;
  const counts = asked.severity || isCheap ? await severityCounts(reader) : undefined;
  const rowOptions = {
    textPath,
    choice,
    source: sourceLink(record.place),
    time,
    firstTime: reader.log.firstTime,
    highlighter: asked.grep && new Highlighter(asked.grep.pattern, search?.tally.focus?.line),
  };
  const drawn: DrawnRows = asked.severity
    ? { rows: await severityRows(reader, { ...rowOptions, filter: asked.severity, counts, linkTo }) }
    : reader.lines > 0
      ? await rows(reader, {
          ...placed,
          found: focus?.line,
          start: asked.fragment ? undefined : start,
          markers: asked.markers,
          ...rowOptions,
        })
      : { rows: [] };
  return {
    pane: pane({
      record,
      selection,
      log: reader.log,
      placed,
      ...drawn,
      focus,
      choice,
      shownChoice,
      severities: severityLinks(counts, linkTo),
      isFiltered: asked.severity !== undefined,
      textPath,
      time,
      wraps,
      isPlain,
      search,
      complaint,
    }),
    log: reader.log,
    isLogFinished: isFinished(reader.log),
    markedText: drawn.markedText,
  };
}

function tellOfLog(c: Context, log: Log): void {
  c.header("X-Log-Lines", String(log.lines));
  c.header("X-Log-Ended", String(isFinished(log)));
}

type Window = { placed: Placed; complaint?: string };

/** The window at the hit that is asked for, or else the hit that is next from where the window is. */
async function searchedWindow(
  request: RunRequest,
  reader: LogReader,
  selection: LogSelection,
): Promise<Window & { search?: SearchState }> {
  const { grep, window: wanted } = request.asked;
  if (!grep || reader.lines === 0) return window(reader, selection, wanted);
  if (wanted.type === "default" || grep.hit !== undefined) {
    const tally = await tallied(request, reader, grep);
    return { ...(await window(reader, selection, { type: "default" }, tally.focus?.line)), search: { grep, tally } };
  }
  const found = await window(reader, selection, wanted);
  const near = found.placed.mark?.from ?? found.placed.from;
  return { ...found, search: { grep, tally: await tallied(request, reader, grep, { near }) } };
}

/** Where the window lies: where the address says, else where the reader most likely wants to look. */
async function window(
  reader: LogReader,
  { container }: LogSelection,
  request: WindowRequest,
  hit?: number,
): Promise<Window> {
  const { lines, log } = reader;
  const atEnd = !isFinished(log) || container.status === "failed" || container.status === "timed-out";
  if (request.type === "time" || request.type === "clock") {
    const time = request.type === "time" ? request.time : clockAfter(log.firstTime ?? "", request.clock);
    const line = time === undefined ? lines + 1 : await reader.lineAt(time);
    if (line <= lines) return { placed: place({ type: "mark", lines: { from: line, to: line } }, lines, { atEnd }) };
    return {
      placed: place({ type: "tail" }, lines, { atEnd }),
      complaint: `No line is as late as ${time ?? "that"}: this is the end.`,
    };
  }
  const placed = place(request, lines, { atEnd, leading: hit ?? log.findings?.leading?.line });
  const wanted = request.type === "mark" || request.type === "lines" ? request.lines.from : 1;
  const isBeyond = lines > 0 && wanted > lines;
  return isBeyond
    ? { placed, complaint: `The log has only ${lines} lines${isFinished(log) ? "" : " so far"}.` }
    : { placed };
}

/** The lines after the last one that the script has, at most a window of them, and what they change around them. */
async function rowsFragment({ c, site, found, asked, signal }: RunRequest, selection: LogSelection): Promise<Html> {
  const { record } = found;
  const reader = await site.archive.logOf(record, selection, signal);
  tellOfLog(c, reader.log);
  const after = Math.min(asked.after, reader.lines);
  const placed = { from: after + 1, to: Math.min(reader.lines, after + WINDOW_LINES) };
  return moreRows(record, selection, reader, placed, asked.markers, asked.grep && new Highlighter(asked.grep.pattern));
}

/** The rows of exactly the asked-for lines, as far as there are any. @throws Problem */
async function rangeFragment({ c, site, found, asked, signal }: RunRequest, selection: LogSelection): Promise<Html> {
  const { from, to } = asked.lines as LineRange;
  if (to - from >= RANGE_LINES)
    throw badRequest(`A fragment has at most ${RANGE_LINES} lines: ask for the others afterwards.`);
  const { record } = found;
  const reader = await site.archive.logOf(record, selection, signal);
  tellOfLog(c, reader.log);
  if (from > reader.lines) return html``;
  const focus = focusOf(reader.log.findings, undefined);
  const drawn = await rows(reader, {
    from,
    to: Math.min(to, reader.lines),
    found: focus?.line,
    textPath: `${runPath(record.run)}.txt`,
    choice: { ...choiceOf(record, selection.task, selection.attempt, selection.container), uid: record.run.uid },
    source: sourceLink(record.place),
    time: asked.time,
    firstTime: reader.log.firstTime,
    markers: asked.markers,
    highlighter: asked.grep && new Highlighter(asked.grep.pattern),
    isRange: true,
  });
  return html`${drawn.rows}`;
}
