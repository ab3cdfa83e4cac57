import type { Severity } from "../../archive/findings.ts";
import type { Line } from "../../archive/log-reader.ts";
import type { Gap } from "../../archive/record.ts";
import { query } from "../address.ts";
import type { Highlighter } from "../grep/highlighter.ts";
import { linked, type SourceLink } from "../terminal/links.ts";
import { markup } from "../terminal/markup.ts";
import type { ScreenLine } from "../terminal/screen.ts";
import { between, count, date, preciseDuration } from "../time.ts";
import { type TimeMode, timeCell } from "../time-column.ts";
import type { LineRange } from "../window.ts";
import { type Html, html } from "./html.ts";
import { icon } from "./icons.ts";

/** A line without its bytes: the terminal has what is shown of them. */
export type ShownLine = Omit<Line, "text"> & {
  shown: ScreenLine;
  /** The terminal got all of it. */
  isReadWhole: boolean;
  /** What the line names itself. */
  severity: Severity | undefined;
};

/** A longer pause between two lines is worth a row. */
const PAUSE_MS = 10_000;

export type RowOptions = {
  /** Address of the log's text, for what a row does not show. */
  textPath: string;
  /** Its query. */
  choice: Record<string, string | number | undefined>;
  /** Where the lines of source files are that a row names. */
  source?: SourceLink | undefined;
  /** What the time column shows. */
  time?: TimeMode | undefined;
  /** Time of the log's first line. */
  firstTime?: string | undefined;
  /** Marks what a search found. */
  highlighter?: Highlighter | undefined;
};

const FOUND = html`<i title="finding">✗</i>`;
const ERROR = html`<i title="error">✗</i>`;
const WARNING = html`<i title="warning">!</i>`;
const NOTHING = html`<i></i>`;

/**
 * One line; `limit` is the most characters of it to show, `isFound` that the page points to it as a finding, `isStart`
 * that the page opens at it, `before` the time of the line before.
 */
export function row(
  line: ShownLine,
  {
    isMarked,
    isFound,
    isStart,
    limit,
    before,
    ...options
  }: RowOptions & {
    isMarked: boolean;
    isFound: boolean;
    isStart?: boolean;
    limit: number;
    before?: string | undefined;
  },
): Html {
  const { number, time, shown } = line;
  const runs = linked(shown.runs, options.source);
  const drawn = markup(options.highlighter?.marked(runs, number) ?? runs, limit);
  const isCut = drawn.isCut || shown.isCut || !line.isReadWhole;
  const more = isCut ? line.bytes - Buffer.byteLength(drawn.text) : 0;
  const rest = more > 0 && html` <a class="cut" href="${textOf(number, options)}">… ${count(more)} more bytes</a>`;
  const at = timeOf(time, before, options);
  return html`<div class="r${classesOf(line, { isMarked, isFound })}" id="L${number}"><a href="#L${number}"${isStart && html` autofocus`}>${count(number)}</a>${signOf(line, isFound)}${at}<span>${drawn.html}${rest}</span></div>
`;
}

/** Each with a blank before it. */
export function classesOf(
  { shown, severity }: ShownLine,
  { isMarked, isFound }: { isMarked: boolean; isFound: boolean },
): string {
  const level = severity === "error" ? " e" : severity === "warning" ? " w" : "";
  return `${shown.isDrawnOver ? " o" : ""}${level}${isMarked ? " s" : ""}${isFound ? " f" : ""}`;
}

function signOf({ severity }: ShownLine, isFound: boolean): Html {
  if (isFound) return FOUND;
  if (severity === "error") return ERROR;
  return severity === "warning" ? WARNING : NOTHING;
}

/** A row's cell in the time column. */
export function timeOf(
  time: string | undefined,
  before: string | undefined,
  { time: mode = "clock", firstTime }: Pick<RowOptions, "time" | "firstTime">,
): Html {
  if (time === undefined) return html`<time></time>`;
  const { text, isLag } = timeCell(mode, time, firstTime, before);
  return html`<time datetime="${time}"${isLag && html` class="lag"`}>${text}</time>`;
}

const textOf = (lines: string | number, { textPath, choice }: RowOptions): string =>
  `${textPath}${query({ ...choice, lines })}`;

/** Says which lines a terminal no longer shows. Their rows are there, to be seen when a link leads to them. */
export function drawnOverNote({ from, to }: LineRange, options: RowOptions): Html {
  const words = from === to ? `line ${count(from)} was` : `lines ${count(from)}–${count(to)} were`;
  return html`<div class="slow day" role="note"><a href="${textOf(`${from}-${to}`, options)}">${words} written over</a></div>
`;
}

/** What the clock says between two lines: a pause, a new day. Times are in UTC, as the archive has them. */
export function timeNotes(last: string | undefined, time: string | undefined): Html[] {
  if (last === undefined || time === undefined || isSoonAfter(last, time)) return [];
  const pause = between(last, time);
  const notes: Html[] = [];
  if (pause !== undefined && pause >= PAUSE_MS) {
    notes.push(html`<div class="slow" role="note">+${preciseDuration(pause)} without output</div>
`);
  }
  if (dayOf(last) !== dayOf(time)) {
    notes.push(html`<div class="slow day" role="note">${date(time)}</div>
`);
  }
  return notes;
}

/** Of most lines it is known without a calendar: they differ in less than ten seconds. */
const isSoonAfter = (last: string, time: string): boolean =>
  last.length === time.length && last.endsWith("Z") && time.endsWith("Z") && last.startsWith(time.slice(0, 18));

const dayOf = (time: string): string => time.slice(0, 10);

/** What is missing after a line, in words. */
export function gapNotes(gaps: readonly Gap[], afterLine: number): Html[] {
  return gaps.flatMap((gap, i) => {
    if (gap.afterLine !== afterLine) return [];
    const length = between(gap.from, gap.to);
    const title = length === undefined ? "Gap" : `Gap of ${preciseDuration(length)}`;
    return html`<div class="note" id="gap-${i + 1}" role="note"><span>${icon({ icon: "gap", tone: "warn" })} <b>${title}</b></span><span>${gap.words}</span></div>
`;
  });
}
