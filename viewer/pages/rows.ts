import type { LogReader } from "../../archive/log-reader.ts";
import { MAX_COLUMNS } from "../terminal/cells.ts";
import { markup } from "../terminal/markup.ts";
import { REACH, type ScreenLine } from "../terminal/screen.ts";
import { Terminal } from "../terminal/terminal.ts";
import type { LineRange, Placed } from "../window.ts";
import type { Html } from "./html.ts";
import { drawnOverNote, gapNotes, type RowOptions, row, type ShownLine, timeNotes } from "./row.ts";

/** What is read of one line: enough for the last state of a progress bar that was written over for minutes. */
const READ_BYTES = 64 * 1024;
/** The markup of one page's lines in all; beyond it every line is cut short, so that no log makes a page of many megabytes. */
const PAGE_CHARACTERS = 1024 * 1024;
const SHORT_CHARACTERS = 256;

export type RowsOptions = Placed &
  RowOptions & {
    /** The line of the finding that the page points to. */
    found?: number | undefined;
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
  const { from, mark, found, isContinued, isRange, room: limit = PAGE_CHARACTERS } = options;
  const { gaps } = reader.log;
  const { lines, earlier, timeBefore } = await shownLines(reader, options);
  let room = limit;
  const draw = (line: ShownLine, before?: string): Html => {
    const isMarked = mark !== undefined && mark.from <= line.number && line.number <= mark.to;
    const limit = room > 0 ? MAX_COLUMNS : SHORT_CHARACTERS;
    const drawn = row(line, { ...options, isMarked, isFound: line.number === found, limit, before });
    room -= drawn.length;
    return drawn;
  };
  const rows = [
    ...(isContinued ? earlier.map((line) => draw(line)) : []),
    ...(isRange && from > 1 ? [] : gapNotes(gaps, from - 1)),
  ];
  let last = isRange || isContinued ? timeBefore : undefined;
  let drawnOver: LineRange | undefined;
  for (const [i, line] of lines.entries()) {
    const { number, shown } = line;
    rows.push(...timeNotes(last, line.time), draw(line, last ?? (i === 0 ? timeBefore : undefined)));
    drawnOver = shown.isDrawnOver ? { from: drawnOver?.from ?? number, to: number } : undefined;
    if (drawnOver && !lines[i + 1]?.shown.isDrawnOver) rows.push(drawnOverNote(drawnOver, options));
    rows.push(...gapNotes(gaps, number));
    last = line.time ?? last;
  }
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

/** For the inside of another link. */
function unlinked({ runs }: ScreenLine): Html {
  const texts = runs.map(({ text, style: { href: _, ...style } }) => ({ text, style }));
  return markup(texts, MAX_COLUMNS).html;
}

/**
 * `earlier`: the lines before `from` that the lines since then have changed; `timeBefore`: of the line before `from`.
 * The lines after `to` that can still change what is shown are read too, so that rows do not depend on where a window ends.
 */
async function shownLines(
  reader: LogReader,
  { from, to, isContinued }: RowsOptions,
): Promise<{ lines: ShownLine[]; earlier: ShownLine[]; timeBefore?: string | undefined }> {
  const first = Math.max(1, from - REACH);
  const terminal = new Terminal(first);
  const lines: Omit<ShownLine, "shown">[] = [];
  let before: ScreenLine[] = [];
  for await (const { text, ...line } of reader.linesOf(first, Math.min(reader.lines, to + REACH), READ_BYTES)) {
    if (isContinued && line.number === from) before = terminal.lines();
    terminal.write(text);
    lines.push({ ...line, isReadWhole: text.byteLength === line.bytes });
  }
  const screen = terminal.lines();
  const shown = lines.map((line, i) => ({ ...line, shown: screen[i] as ScreenLine }));
  return {
    lines: shown.slice(from - first, to + 1 - first),
    timeBefore: lines[from - first - 1]?.time,
    earlier: shown.slice(0, before.length).filter((line, i) => !looksLike(line.shown, before[i])),
  };
}

function looksLike(one: ScreenLine, other: ScreenLine | undefined): boolean {
  if (one.isDrawnOver !== other?.isDrawnOver || one.runs.length !== other.runs.length) return false;
  return one.runs.every(({ text, style }, i) => text === other.runs[i]?.text && style === other.runs[i].style);
}
