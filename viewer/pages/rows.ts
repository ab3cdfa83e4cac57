import type { Fold } from "../../archive/folds.ts";
import type { LogReader } from "../../archive/log-reader.ts";
import type { MarkerOptions, MarkerReader } from "../../archive/markers.ts";
import { severityOfLine } from "../../archive/severity-reader.ts";
import { foldWindow } from "../fold-window.ts";
import { MAX_COLUMNS } from "../terminal/cells.ts";
import { markup } from "../terminal/markup.ts";
import { REACH, type ScreenLine } from "../terminal/screen.ts";
import { Terminal } from "../terminal/terminal.ts";
import type { LineRange, Placed } from "../window.ts";
import { foldEnd, foldPart, foldStart } from "./fold.ts";
import { type Html, html } from "./html.ts";
import { classesOf, drawnOverNote, gapNotes, type RowOptions, row, type ShownLine, timeNotes, timeOf } from "./row.ts";

/** What is read of one line: enough for the last state of a progress bar that was written over for minutes. */
const READ_BYTES = 64 * 1024;
/** The markup of one page's lines in all; beyond it every line is cut short, so that no log makes a page of many megabytes. */
const PAGE_CHARACTERS = 1024 * 1024;
const SHORT_CHARACTERS = 256;
/** Of a fold's title. */
const TITLE_CHARACTERS = 1_000;

export type RowsOptions = Placed &
  RowOptions & {
    /** The line of the finding that the page points to. */
    found?: number | undefined;
    /** The line at which the page opens: browsers scroll to what has the focus, before any script runs. */
    start?: number | undefined;
    /** Lines that must be seen: folds around them are open. */
    seen?: readonly number[] | undefined;
    markers?: MarkerOptions | undefined;
    /** The reader has the rows before `from`: those that later lines changed are drawn again. */
    isContinued?: boolean;
    /** The reader puts these rows between others: what stands before the first of them belongs to it. */
    isRange?: boolean;
    /** The markup of the lines in all, from which on they are cut short. */
    room?: number | undefined;
  };

export type DrawnRows = {
  rows: Html[];
  /** The last line that is not blank: what a container said before it ended. */
  lastWords?: { number: number; text: Html };
  /** What the marked lines say, as far as they are shown; bounded. */
  markedText?: string;
};

/** Of marked lines, for previews of the page. */
const MARKED_CHARACTERS = 300;

/**
 * The rows of a stretch of lines with gaps and pauses between them, as a terminal shows them after the last of them.
 * The lines before `from` that its cursor could reach are read too, so that colours and moves begin where they should.
 */
export async function rows(reader: LogReader, options: RowsOptions): Promise<DrawnRows> {
  const { from, mark, found, start, isContinued, isRange, room: limit = PAGE_CHARACTERS } = options;
  const { gaps } = reader.log;
  const first = Math.max(1, from - REACH);
  const { folds, markers } = await foldWindow(reader, { from: first, to: options.to }, options.markers);
  const { lines, earlier, timeBefore } = await shownLines(reader, { ...options, first }, markers);
  let room = limit;
  const stateOf = ({ number }: ShownLine) => ({
    isMarked: mark !== undefined && mark.from <= number && number <= mark.to,
    isFound: number === found,
    isStart: number === start,
  });
  const drawn = (draw: (limit: number) => Html): Html => {
    const html = draw(room > 0 ? MAX_COLUMNS : SHORT_CHARACTERS);
    room -= html.length;
    return html;
  };
  const drawLine = (line: ShownLine, before?: string) =>
    drawn((limit) => row(line, { ...options, ...stateOf(line), limit, before }));
  const isOpen = (fold: Fold): boolean => isSeen(fold, options);
  const around = new FoldStack(folds, isOpen);
  const startsFold = new Set(folds.map(({ start }) => start));
  const redrawn = earlier.filter(({ number }) => !startsFold.has(number)).map((line) => drawLine(line));
  const rows = [
    ...(isContinued ? redrawn : []),
    ...around.continued(from),
    ...(isRange && from > 1 ? [] : gapNotes(gaps, from - 1)),
  ];
  let last = isRange || isContinued ? timeBefore : undefined;
  let drawnOver: LineRange | undefined;
  for (const [i, line] of lines.entries()) {
    const { number, shown } = line;
    rows.push(...around.endsBefore(number), ...timeNotes(last, line.time));
    const [fold, ...others] = around.startsAt(number);
    if (fold) {
      const hasTitle = shown.runs.some(({ text }) => text.trim() !== "");
      const title = hasTitle
        ? drawn((limit) => unlinked(shown, Math.min(limit, TITLE_CHARACTERS)))
        : html`${fold.title}`;
      rows.push(
        foldStart(fold, title, timeOf(line.time, last, options), {
          isOpen: isOpen(fold),
          classes: classesOf(line, stateOf(line)),
        }),
      );
      rows.push(...others.map((other) => foldPart(other, { isOpen: isOpen(other) })));
    } else rows.push(drawLine(line, last ?? (i === 0 ? timeBefore : undefined)));
    drawnOver = shown.isDrawnOver ? { from: drawnOver?.from ?? number, to: number } : undefined;
    if (drawnOver && !lines[i + 1]?.shown.isDrawnOver) rows.push(drawnOverNote(drawnOver, options));
    rows.push(...gapNotes(gaps, number));
    last = line.time ?? last;
  }
  rows.push(...around.endsBefore(Number.POSITIVE_INFINITY));
  const words = lines.findLast(({ shown }) => !shown.isDrawnOver && shown.runs.some(({ text }) => text.trim() !== ""));
  const marked = mark && lines.filter(({ number }) => mark.from <= number && number <= mark.to);
  return {
    rows,
    ...(words && { lastWords: { number: words.number, text: unlinked(words.shown) } }),
    ...(marked && { markedText: plainText(marked) }),
  };
}

function plainText(lines: readonly ShownLine[]): string {
  let text = "";
  for (const { shown } of lines) {
    text += `${text && "\n"}${shown.runs
      .map((run) => run.text)
      .join("")
      .trimEnd()}`;
    if (text.length > MARKED_CHARACTERS) return `${text.slice(0, MARKED_CHARACTERS)}…`;
  }
  return text;
}

/** One that nobody closed is open: it may hold all of the log. */
function isSeen({ start, end, closed, isCollapsed }: Fold, { mark, found, seen = [] }: RowsOptions): boolean {
  const holds = (line: number) => start <= line && line <= end;
  const holdsMark = mark !== undefined && mark.from <= end && mark.to >= start;
  return !closed || isCollapsed === false || holdsMark || (found !== undefined && holds(found)) || seen.some(holds);
}

/** The folds around the row that is drawn. */
class FoldStack {
  readonly #isOpen: (fold: Fold) => boolean;
  /** Those of more than their title, in their order. */
  readonly #folds: readonly Fold[];
  #next = 0;
  readonly #around: Fold[] = [];

  constructor(folds: readonly Fold[], isOpen: (fold: Fold) => boolean) {
    this.#isOpen = isOpen;
    this.#folds = folds.filter(({ start, end, goesOn }) => end > start || goesOn);
  }

  /** Those that have begun before a line and hold it. */
  continued(line: number): Html[] {
    return this.#take(line - 1)
      .filter((fold) => fold.goesOn || fold.end >= line)
      .map((fold) => {
        this.#around.push(fold);
        return foldPart(fold, { isOpen: this.#isOpen(fold) });
      });
  }

  startsAt(line: number): Fold[] {
    const starting = this.#take(line);
    this.#around.push(...starting);
    return starting;
  }

  endsBefore(line: number): Html[] {
    const ends: Html[] = [];
    for (let fold = this.#around.at(-1); fold; fold = this.#around.at(-1)) {
      if (line !== Number.POSITIVE_INFINITY && (fold.goesOn || fold.end >= line)) break;
      this.#around.pop();
      ends.push(foldEnd);
    }
    return ends;
  }

  #take(upTo: number): Fold[] {
    const taken = this.#next;
    while ((this.#folds[this.#next]?.start ?? Number.POSITIVE_INFINITY) <= upTo) this.#next++;
    return this.#folds.slice(taken, this.#next);
  }
}

/** For the inside of another link. */
function unlinked({ runs }: ScreenLine, limit = MAX_COLUMNS): Html {
  const texts = runs.map(({ text, style: { href: _, ...style } }) => ({ text, style }));
  return markup(texts, limit).html;
}

/**
 * `earlier`: the lines before `from` that the lines since then have changed; `timeBefore`: of the line before `from`.
 * The lines after `to` that can still change what is shown are read too, so that rows do not depend on where a window ends.
 */
async function shownLines(
  reader: LogReader,
  { first, from, to, isContinued }: RowsOptions & { first: number },
  markers: MarkerReader,
): Promise<{ lines: ShownLine[]; earlier: ShownLine[]; timeBefore?: string | undefined }> {
  const terminal = new Terminal(first);
  const lines: Omit<ShownLine, "shown">[] = [];
  let before: ScreenLine[] = [];
  for await (const stretch of reader.linesOf(first, Math.min(reader.lines, to + REACH), READ_BYTES)) {
    for (const { number, time, text, bytes } of stretch) {
      if (isContinued && number === from) before = terminal.lines();
      const severity = severityOfLine(text, markers.stopToken !== undefined);
      terminal.write(withoutMarkers(text, markers));
      lines.push({ number, ...(time && { time }), bytes, isReadWhole: text.byteLength === bytes, severity });
    }
  }
  const screen = terminal.lines();
  const shown = lines.map((line, i) => ({ ...line, shown: screen[i] as ScreenLine }));
  return {
    lines: shown.slice(from - first, to + 1 - first),
    timeBefore: lines[from - first - 1]?.time,
    earlier: shown.slice(0, before.length).filter((line, i) => !looksLike(line.shown, before[i])),
  };
}

/** Markers are for folding and for colouring: what is shown has none. */
function withoutMarkers(text: Buffer, markers: MarkerReader): Buffer {
  if (!markers.mayRead(text, 0, text.byteLength)) return text;
  const raw = text.toString();
  const { shown } = markers.read(raw);
  return shown === raw ? text : Buffer.from(shown);
}

function looksLike(one: ScreenLine, other: ScreenLine | undefined): boolean {
  if (one.isDrawnOver !== other?.isDrawnOver || one.runs.length !== other.runs.length) return false;
  return one.runs.every(({ text, style }, i) => text === other.runs[i]?.text && style === other.runs[i].style);
}
