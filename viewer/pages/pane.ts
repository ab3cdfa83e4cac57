import type { Finding } from "../../archive/findings.ts";
import { type Container, isFinished, type Log, type RunRecord } from "../../archive/record.ts";
import { query } from "../address.ts";
import type { Selection } from "../selection.ts";
import { between, count, dateTime, duration, size } from "../time.ts";
import { TIME_MODES, type TimeMode } from "../time-column.ts";
import { type LineRange, type Placed, WINDOW_LINES } from "../window.ts";
import { findingStrip } from "./finding-strip.ts";
import { type Html, html } from "./html.ts";
import { badge, capital, icon, lookOf, spokenIcon } from "./icons.ts";
import { logName, taskName } from "./names.ts";
import { waitsForTurn } from "./progress.ts";
import type { DrawnRows } from "./rows.ts";
import { type SearchState, searchField, searchNotes } from "./search-field.ts";

export type LogSelection = Extract<Selection, { type: "log" }>;
type Values = Record<string, string | number | undefined>;

export type PaneOptions = {
  record: RunRecord;
  selection: LogSelection;
  /** Up to date, where the record is behind. */
  log: Log;
  placed: Placed;
  rows: readonly Html[];
  lastWords?: DrawnRows["lastWords"];
  /** The finding that the page points to. */
  focus?: Finding | undefined;
  /** What leads to this log and no other, its run's UID included. */
  choice: Values;
  /** The same as the reader's address has it. */
  shownChoice: Values;
  textPath: string;
  /** What the time column shows, and whether long lines wrap. */
  time: TimeMode;
  wraps: boolean;
  /** All lines are on the page, for the browser's own search. */
  isPlain: boolean;
  /** Ways to the lines of a severity. */
  severities: readonly Html[];
  /** The rows are some of the log's, and say so themselves. */
  isFiltered: boolean;
  /** What was looked for and what is known of it. */
  search?: SearchState | undefined;
  /** What could not be done as asked. */
  complaint?: string | undefined;
};

/** One log: its controls, and the rows of a window of it. */
export function pane(options: PaneOptions): Html {
  const { record, selection, log, placed, rows, choice, textPath, complaint, time, wraps, isFiltered } = options;
  const { task, container } = selection;
  const name = logName(record, task, container);
  const text = `${textPath}${query(choice)}`;
  const live = !isFinished(log) && !isFiltered;
  // The gutter must not change its width while a log grows.
  const gutter = isFinished(log) && log.lines < 10_000 ? " d4" : log.lines >= 10_000_000 ? " d8" : "";
  const changes = (live || !record.final) && html` data-run="${record.updatedAt}"`;
  const follows = live && html` data-live=""`;
  const hidden = hiddenValues(options.shownChoice);
  const hasRows = log.lines > 0 || !isFinished(log);
  return html`<section class="pane" id="pane" aria-label="Log of ${name}" data-step="${container.title}"${windowData(options)}${changes}${follows}>
<div class="tools">
<form method="get" aria-label="This log">
${hidden}${paneTitle(record, selection)}
${
  hasRows &&
  html`${searchField(options.search, `${query({ ...options.shownChoice, ...options.search?.grep.values, view: "steps" })}`)}
<noscript><input type="hidden" name="wrapping" value="chosen"></noscript><label class="tog"><input type="checkbox" name="wrap"${wraps && html` checked`}> Wrap</label>
<label class="hide-s"><span class="vh">Time column</span><select name="time">${TIME_MODES.map((mode) => html`<option value="${mode}"${mode === time && html` selected`}>${MODE_NAMES[mode]}</option>`)}</select></label>
<noscript><button name="lines" value="${placed.from}-${placed.to}">Apply</button></noscript>
<span class="acts">${options.severities}${jump(options)}<a class="btn" href="${text}">Raw</a><a class="btn" href="${text}" download="${fileName(record, selection)}">Download<span class="mut hide-s">${size(log.bytes)}</span></a></span>
`
}</form>
${strip(options)}${live && html`${liveStrip(log)}`}<p class="vh" id="say" role="status"></p>${placed.mark && pick(options, placed.mark)}</div>
${
  !hasRows
    ? nothingWritten(name, container, log)
    : html`<div class="log${gutter}" tabindex="0" role="region" aria-label="Lines ${count(placed.from)} to ${count(placed.to)}"><div class="rows">
${complaint && html`<p class="note">${complaint}</p>\n`}${searchNotes(options.search)}${isFiltered ? rows : [before(options), rows, end(options), after(options)]}</div></div>`
}
</section>`;
}

const MODE_NAMES: Record<TimeMode, string> = { off: "No time", clock: "Clock", elapsed: "Elapsed", delta: "Delta" };

/** What the script must know of the log, and of the window that it has. */
const windowData = ({ choice, log, placed, isPlain, isFiltered, textPath }: PaneOptions): Html =>
  html` data-log="${query(choice)}" data-text="${textPath}" data-lines="${log.lines}" data-from="${placed.from}" data-to="${placed.to}"${log.firstTime && html` data-first="${log.firstTime}"`}${(isPlain || isFiltered) && html` data-plain=""`}`;

/** What can be done with the lines that the address marks; the script makes the same for those it selects. */
function pick(options: PaneOptions, { from, to }: LineRange): Html {
  const lines = from === to ? `${from}` : `${from}-${to}`;
  const words = from === to ? `Line ${count(from)}` : `Lines ${count(from)}–${count(to)}`;
  return html`<div class="pick" id="pick"><span>${words}</span><a href="${link(options, { line: lines })}">Link</a><a href="${options.textPath}${query({ ...options.choice, lines })}">Text</a></div>`;
}

/** Which log, and how its container stands; the script replaces it when that changes. */
export function paneTitle(record: RunRecord, { task, attempt, container }: LogSelection): Html {
  const look = waitsForTurn(attempt, container) ? lookOf("waiting") : lookOf(container.status, container.ignored);
  const isEnded = container.exitCode !== undefined && container.status !== "skipped";
  return html`<h2 id="what">${spokenIcon(look)}<b>${logName(record, task, container)}</b> <span>${isEnded ? `exit ${container.exitCode}` : look.word}</span></h2>`;
}

/** The way to the end of the log, within the page if it is there. */
function jump(options: PaneOptions): Html | undefined {
  const { placed, log } = options;
  if (log.lines === 0) return undefined;
  const href = placed.to >= log.lines && !options.isFiltered ? "#end" : `${link(options, { tail: WINDOW_LINES })}#end`;
  return html`<a class="btn" href="${href}">Last line<span class="mut" aria-hidden="true">↓</span></a>`;
}

const fileName = ({ run }: RunRecord, { task, attempt, container }: LogSelection): string =>
  [run.name, task.name, attempt.number > 0 && `retry${attempt.number}`, container.name].filter(Boolean).join("__") +
  ".log";

/** What explains a failure: a finding, else the last words. */
function strip(options: PaneOptions): Html | undefined {
  const { log, focus } = options;
  const linkTo = ({ line }: Finding) => `${link(options, { line })}#L${line}`;
  return log.findings && focus ? findingStrip(log.findings, focus, linkTo) : lastStrip(options);
}

/** What a failed container said last, with the way there: the window may be longer than the screen. */
function lastStrip({ selection, log, placed, lastWords }: PaneOptions): Html | undefined {
  const { status, exitCode } = selection.container;
  const hasFailed = status === "failed" || status === "timed-out";
  if (!hasFailed || !lastWords || placed.to < log.lines) return undefined;
  const why = status === "failed" && exitCode ? `Exit ${exitCode}` : lookOf(status).word;
  return html`<nav class="finds" aria-label="Last line"><b class="bad">${capital(why)}</b><a class="fx" href="#L${lastWords.number}"><code>${lastWords.text}</code></a><span class="nw mut hide-s">line ${count(lastWords.number)}</span></nav>
`;
}

/** Says what goes on; the script replaces it by what the next rows bring. */
export const liveStrip = (log: Log): Html =>
  isFinished(log)
    ? html`<div class="finds live" id="live"><b class="st">Ended</b><span>${count(log.lines)} lines. ${log.state === "whole" ? "The log is whole." : (log.words ?? "The log is not whole.")}</span></div>
`
    : html`<div class="finds live" id="live"><b class="st run"><svg class="ic run" aria-hidden="true"><use href="#i-run"/></svg>Live</b><span>${count(log.lines)} lines so far${log.lastTime && html`, the last at <time datetime="${log.lastTime}">${log.lastTime.slice(11, 19)}</time>`}.</span></div>
`;

/** Stays with what is looked for. */
const link = ({ shownChoice, search }: PaneOptions, values: Values): string =>
  query({ ...shownChoice, ...search?.grep.values, ...values });

function before(options: PaneOptions): Html | undefined {
  const { placed, log } = options;
  const { mark } = placed;
  if (placed.from <= 1 && placed.to >= log.lines && isFinished(log) && !mark) return undefined;
  const earlier =
    placed.from > 1 &&
    html`<a href="${link(options, { lines: `${Math.max(1, placed.from - WINDOW_LINES)}-${placed.from - 1}` })}">↑ ${count(Math.min(WINDOW_LINES, placed.from - 1))} lines before</a><a href="${link(options, { lines: `1-${WINDOW_LINES}` })}">First line</a>`;
  const hidden = hiddenValues({ ...options.shownChoice, ...options.search?.grep.values });
  if (options.isPlain) return undefined;
  const marked = mark && mark.from <= placed.to && html`<a href="#L${mark.from}">Line ${count(mark.from)}</a>`;
  return html`<div class="more">${earlier}${marked}<span class="mut">lines ${count(placed.from)}–${count(placed.to)} of ${count(log.lines)}</span><form method="get">${hidden}<label for="goto">Line or time</label><input id="goto" type="text" name="line" maxlength="40" placeholder="${placed.from}"><button>Go</button></form></div>
`;
}

/** What a form must say to stay with this log. */
const hiddenValues = (values: Values) =>
  Object.entries(values).map(
    ([name, value]) => value !== undefined && html`<input type="hidden" name="${name}" value="${value}">`,
  );

function after(options: PaneOptions): Html | undefined {
  const { placed, log } = options;
  if (placed.to >= log.lines) return undefined;
  const rest = Math.min(WINDOW_LINES, log.lines - placed.to);
  return html`<div class="more"><a href="${link(options, { lines: `${placed.to + 1}-${placed.to + WINDOW_LINES}` })}">↓ ${count(rest)} lines after</a><a href="${link(options, { tail: WINDOW_LINES })}">Last line</a><span class="mut">lines ${count(placed.from)}–${count(placed.to)} of ${count(log.lines)}</span></div>
`;
}

/** How the log ends; the script puts new rows before it. */
export function end({ log, placed, selection }: Pick<PaneOptions, "log" | "placed" | "selection">): Html | undefined {
  if (placed.to < log.lines) return undefined;
  if (!isFinished(log)) {
    const { container, attempt } = selection;
    const message = container.message ?? attempt.message;
    const notYet = `No line has been written yet${message ? `: ${message}` : "…"}`;
    const words = log.lines === 0 ? notYet : "Waiting for the next line…";
    return html`<p class="tail" id="end">${words}</p>
`;
  }
  if (log.state === "whole")
    return html`<p class="tail" id="end">The log ends here. It is whole: every line from the first to the exit.</p>
`;
  const title = log.state === "cut" ? "Cut here" : "Not whole";
  return html`<div class="note" id="end" role="note"><span>${icon({ icon: "gap", tone: "warn" })} <b>${title}</b></span><span>${log.words ?? "Lines are missing where a gap is marked."}</span></div>
`;
}

const nothingWritten = (name: string, { status }: Container, log: Log): Html =>
  status === "skipped"
    ? html`<div class="empty"><p>${badge(lookOf(status))}</p><p><b>${name}</b> did not run: a step before it had failed.</p></div>`
    : log.state === "none"
      ? html`<div class="empty"><h2>${name} has no log</h2><p>${log.words ?? "Its container never wrote anything that could be read."}</p></div>`
      : html`<div class="empty"><h2>${name} wrote nothing</h2><p class="mut">${log.state === "whole" ? "Its log is whole: the container ended without a line." : log.words}</p></div>`;

/** Where there is no log to show: what there is to say instead. */
export function emptyPane(record: RunRecord, selection: Exclude<Selection, LogSelection>, now: Date): Html {
  const live = !record.final && html` data-live="" data-run="${record.updatedAt}"`;
  return html`<section class="pane" id="pane" aria-label="Log"${live}><div class="empty">${emptyWords(record, selection, now)}</div></section>`;
}

function emptyWords(record: RunRecord, selection: Exclude<Selection, LogSelection>, now: Date): Html {
  const { run } = record;
  switch (selection.type) {
    case "skipped":
      return html`<p>${badge(lookOf("skipped"))}</p><p><b>${selection.name}</b> did not run: ${selection.reason}</p>`;
    case "unknown":
      return html`<h2>${selection.words} yet</h2><p class="mut">The run is going on. This address shows it as soon as it begins.</p>`;
    case "task": {
      const { task, attempt } = selection;
      const status = attempt?.status ?? task.status;
      const message = attempt?.message ?? task.message;
      const since = attempt?.startedAt ?? task.startedAt;
      const waited = status === "waiting" || status === "running" ? between(since, now.toISOString()) : undefined;
      return html`<p>${badge(lookOf(status, task.ignored))}</p><p><b>${taskName(record, task)}</b> has no container${message ? `: ${message}` : "."}</p>${waited !== undefined && html`<p class="mut">Since ${dateTime(since ?? "")}, ${duration(waited)}. The log appears here as soon as its first line is written.</p>`}`;
    }
    case "nothing":
      return html`<p>${badge(lookOf(run.status))}</p><p>${record.final ? "No task of this run ever began" : "No task of this run has begun yet"}${run.message ? `: ${run.message}` : "."}</p>`;
  }
}
