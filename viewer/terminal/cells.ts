import type { Run } from "./markup.ts";
import { DEFAULT_STYLE, type Style } from "./style.ts";
import { tabStop, widthOf } from "./width.ts";

/** A row is no wider; what would be written beyond is cut. */
export const MAX_COLUMNS = 8 * 1024;
/** Accents that pile up on one character. */
const MAX_CELL = 32;
const TAB = 0x09;

/**
 * A row column by column, for text that is written over. What is wider than one column stands in its first, with
 * empty cells after it; a column that was never written has no cell.
 */
export class Cells {
  isCut = false;
  readonly #texts: string[] = [];
  readonly #styles: Style[] = [];

  get width(): number {
    return this.#texts.length;
  }

  /** Returns the column after the text. */
  write(text: string, style: Style, start: number): number {
    let column = start;
    for (let i = 0; i < text.length && !this.isCut; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x7f)
        column = code === TAB ? this.#tab(column, style) : this.#place(text[i] as string, 1, style, column);
      else {
        const character = String.fromCodePoint(text.codePointAt(i) as number);
        i += character.length - 1;
        column = this.#place(character, widthOf(character), style, column);
      }
    }
    return column;
  }

  /** Blanks the columns `from` up to, without, `to`; what is right of the text is gone. */
  erase(from: number, to: number): void {
    for (const edge of [from, to]) if (edge < this.width) this.#split(edge);
    if (to >= this.width) this.#texts.length = Math.min(this.width, from);
    else for (let column = from; column < to; column++) this.#put(" ", DEFAULT_STYLE, column, 1);
  }

  runs(): Run[] {
    const runs: { text: string; style: Style }[] = [];
    let last: { text: string; style: Style } | undefined;
    for (let column = 0; column < this.width; column++) {
      const written = this.#texts[column];
      const style = written === undefined ? DEFAULT_STYLE : (this.#styles[column] ?? DEFAULT_STYLE);
      if (last?.style === style) last.text += written ?? " ";
      else {
        last = { text: written ?? " ", style };
        runs.push(last);
      }
    }
    return runs;
  }

  #place(character: string, width: number, style: Style, column: number): number {
    if (width === 0) this.#join(character, column - 1);
    else if (column + width > MAX_COLUMNS) this.isCut = true;
    else this.#put(character, style, column, width);
    return this.isCut ? column : column + width;
  }

  /** A tab only moves, but at the end of a row it stays one, so that a copy has it. */
  #tab(column: number, style: Style): number {
    const stop = Math.min(tabStop(column), MAX_COLUMNS);
    if (column < this.width || column >= MAX_COLUMNS) return stop;
    this.#put("\t", style, column, stop - column);
    return stop;
  }

  #put(text: string, style: Style, column: number, width: number): void {
    this.#split(column);
    this.#split(column + width);
    for (let at = column; at < column + width; at++) {
      this.#texts[at] = at === column ? text : "";
      this.#styles[at] = style;
    }
  }

  /** What spans this column and the one before falls apart into blanks. */
  #split(column: number): void {
    if (this.#texts[column] !== "") return;
    let first = column;
    while (this.#texts[first] === "") first--;
    for (let at = first; at === first || this.#texts[at] === ""; at++) this.#texts[at] = " ";
  }

  #join(mark: string, before: number): void {
    let column = Math.min(before, this.width - 1);
    while (this.#texts[column] === "") column--;
    const text = this.#texts[column];
    if (text !== undefined && text.length < MAX_CELL) this.#texts[column] = text + mark;
  }
}
