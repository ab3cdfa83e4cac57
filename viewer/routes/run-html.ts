import type { Context } from "hono";
import type { LogReader } from "../../archive/log-reader.ts";
import { isFinished, type Log } from "../../archive/record.ts";
import { choiceOf, query, runPath } from "../address.ts";
import { sourceLink } from "../forge.ts";
import { pageAnswer } from "../page-answer.ts";
import { focusOf } from "../pages/finding-strip.ts";
import { type Html, html } from "../pages/html.ts";
import { emptyPane, end, type LogSelection, liveStrip, pane, paneTitle } from "../pages/pane.ts";
import { rows } from "../pages/rows.ts";
import { headOf, type RunPartOptions, runPage, treeOf } from "../pages/run.ts";
import type { Selection } from "../selection.ts";
import { clockAfter, type Placed, place, WINDOW_LINES, type WindowRequest } from "../window.ts";
import type { RunRequest } from "./run.ts";

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
      return pageAnswer(c, selection.type === "log" ? await rowsFragment(request, selection) : html``);
    case "pane":
      return pageAnswer(c, (await paneOf(request, selection, shown)).pane);
    default: {
      const { pane, isLogFinished } = await paneOf(request, selection, shown);
      return pageAnswer(c, runPage({ ...options, pane, isSettled: record.final && isLogFinished }));
    }
  }
}

type Shown = { uid?: string };

async function paneOf(
  { c, site, found, asked, signal }: RunRequest,
  selection: Selection,
  shown: Shown,
): Promise<{ pane: Html; isLogFinished: boolean }> {
  const { record } = found;
  if (selection.type !== "log") {
    return { pane: emptyPane(record, selection, site.now()), isLogFinished: record.final };
  }
  const { task, attempt, container } = selection;
  const reader = await site.archive.logOf(record, selection, signal);
  tellOfLog(c, reader.log);
  const { placed, complaint } = await window(reader, selection, asked.window);
  const choice = { ...choiceOf(record, task, attempt, container), uid: record.run.uid };
  const textPath = `${runPath(record.run)}.txt`;
  const focus = focusOf(reader.log.findings, placed.mark);
  const drawn =
    reader.lines > 0
      ? await rows(reader, { ...placed, found: focus?.line, textPath, choice, source: sourceLink(record.place) })
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
      shownChoice: { ...choiceOf(record, task, attempt, container), ...shown },
      textPath,
      complaint,
    }),
    isLogFinished: isFinished(reader.log),
  };
}

function tellOfLog(c: Context, log: Log): void {
  c.header("X-Log-Lines", String(log.lines));
  c.header("X-Log-Ended", String(isFinished(log)));
}

/** Where the window lies: where the address says, else where the reader most likely wants to look. */
async function window(
  reader: LogReader,
  { container }: LogSelection,
  request: WindowRequest,
): Promise<{ placed: Placed; complaint?: string }> {
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
  const placed = place(request, lines, { atEnd, leading: log.findings?.leading?.line });
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
  const choice = { ...choiceOf(record, selection.task, selection.attempt, selection.container), uid: record.run.uid };
  const drawn = await rows(reader, {
    ...placed,
    textPath: `${runPath(record.run)}.txt`,
    choice,
    source: sourceLink(record.place),
    isContinued: true,
  });
  return html`${drawn.rows}${liveStrip(reader.log)}${end({ log: reader.log, placed, selection })}`;
}
