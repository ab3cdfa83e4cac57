import { MAX_COLUMNS } from "./cells.ts";
import type { Run } from "./markup.ts";
import { Row } from "./row.ts";
import { DEFAULT_STYLE, type Style } from "./style.ts";
import { tabStop } from "./width.ts";

/** Rows, the newest included, that the cursor reaches. */
export const REACH = 100;
/** The right edge for moves. Text may go on beyond it: nothing wraps here. */
const COLUMNS = 160;
/** Cells that one line may blank, for each of its characters and at least: a few bytes must not cost a whole row. */
const BLANKS_PER_CHARACTER = 16;
const LEAST_BLANKS = 16 * 1024;

/** What is left of a raw line. */
export type ScreenLine = {
  runs: readonly Run[];
  isCut: boolean;
  /** Later lines wrote over its row: a terminal shows nothing of it, and this is how it looked before. */
  isDrawnOver: boolean;
};

/**
 * The rows of a log's end, as the raw lines from `first` on wrote them. A raw line begins where the newline before it
 * led: on a new row at the bottom, or, after a move up, on an old one. So there are never more rows than lines.
 */
export class Screen {
  style: Style = DEFAULT_STYLE;
  readonly #first: number;
  #line: number;
  readonly #rows: Row[];
  #at = 0;
  /** `undefined`: behind the last character, which most text is written without counting columns. */
  #column: number | undefined;
  #saved: { at: number; column: number; style: Style } | undefined;
  #blanks = 0;
  /** How lines looked before the first later line touched them. */
  readonly #before = new Map<number, Pick<ScreenLine, "runs" | "isCut">>();

  constructor(first: number) {
    this.#first = first;
    this.#line = first;
    this.#rows = [new Row(first)];
  }

  /** `characters`: how long the line is that begins. */
  begin(characters: number): void {
    this.#blanks = LEAST_BLANKS + characters * BLANKS_PER_CHARACTER;
  }

  newline(): void {
    this.#line++;
    this.#at++;
    if (this.#at < this.#rows.length) {
      this.#column = 0;
      return;
    }
    this.#column = undefined;
    this.#rows.push(new Row(this.#line));
    this.#rows[this.#top - 1]?.settle();
  }

  /** `isPlain`: each character is ASCII and one column wide. */
  write(text: string, isPlain: boolean): void {
    this.#column = this.#touched().write(text, isPlain, this.style, this.#column);
  }

  /** Rows and columns to move by; the cursor stays within reach. */
  move(rows: number, columns: number): void {
    this.toColumn(this.#columnNow() + columns);
    this.#at = Math.min(Math.max(this.#at + rows, this.#top), this.#rows.length - 1);
  }

  /** From 0. */
  toColumn(column: number): void {
    if (column < COLUMNS) this.#column = Math.max(column, 0);
    else this.#column = Math.min(column, Math.max(COLUMNS, this.#row.width) - 1);
  }

  tab(stops: number): void {
    let column = this.#columnNow();
    for (let i = 0; i < stops && column < COLUMNS; i++) column = tabStop(column);
    this.toColumn(column);
  }

  save(): void {
    this.#saved = { at: this.#at, column: this.#columnNow(), style: this.style };
  }

  restore(): void {
    if (!this.#saved) return;
    this.style = this.#saved.style;
    this.#at = Math.max(this.#saved.at, this.#top);
    this.#column = this.#saved.column;
  }

  /** Within the row: to its end, to its start, or all of it. */
  erase(what: "end" | "start" | "all"): void {
    if (what === "end" && this.#column === undefined) return;
    this.#column = this.#columnNow();
    if (what === "end") this.#blank(this.#column, MAX_COLUMNS);
    else if (what === "start") this.#blank(0, this.#column + 1);
    else this.#blank(0, MAX_COLUMNS);
  }

  eraseCharacters(count: number): void {
    this.#column = this.#columnNow();
    this.#blank(this.#column, this.#column + count);
  }

  eraseBelow(): void {
    this.erase("end");
    const at = this.#at;
    for (this.#at++; this.#at < this.#rows.length; this.#at++) this.#blank(0, MAX_COLUMNS);
    this.#at = at;
  }

  /**
   * One a raw line, in their order, by these rules: a row stands at the line that wrote on it last, unless that is
   * the place of a row below; then it moves up to the nearest free one. So what is found in a raw line is at its number.
   * The empty rows below the cursor wait for lines that are still to come.
   */
  lines(): ScreenLine[] {
    const lines = Array.from({ length: this.#line - this.#first + 1 }, (_, i): ScreenLine => {
      const before = this.#before.get(this.#first + i);
      return { runs: before?.runs ?? [], isCut: before?.isCut ?? false, isDrawnOver: true };
    });
    let free = this.#line;
    const last = Math.max(
      this.#at,
      this.#rows.findLastIndex((row) => !row.isEmpty),
    );
    for (const row of this.#rows.slice(0, last + 1).toReversed()) {
      const line = Math.min(row.line, free);
      lines[line - this.#first] = { runs: row.runs(), isCut: row.isCut, isDrawnOver: false };
      free = line - 1;
    }
    return lines;
  }

  get #top(): number {
    return Math.max(0, this.#rows.length - REACH);
  }

  get #row(): Row {
    return this.#rows[this.#at] as Row;
  }

  #columnNow(): number {
    return this.#column ?? this.#row.width;
  }

  #touched(): Row {
    const row = this.#row;
    if (row.line === this.#line) return row;
    if (!row.isEmpty && !this.#before.has(row.line)) {
      this.#before.set(row.line, { runs: row.runs(), isCut: row.isCut });
    }
    row.line = this.#line;
    return row;
  }

  #blank(from: number, to: number): void {
    const { width } = this.#row;
    if (from >= width || this.#blanks <= 0) return;
    this.#blanks -= Math.min(to, width) - from;
    this.#touched().erase(from, to);
  }
}
