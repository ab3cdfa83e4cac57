import { Cells, MAX_COLUMNS } from "./cells.ts";
import { cut, type Run } from "./markup.ts";
import type { Style } from "./style.ts";
import { tabStop, widthOf } from "./width.ts";

const TAB = 0x09;
/** A row of more changes of style is cut. */
const MAX_RUNS = 1024;

/** One row of the screen. While it is only written on, its text stays as it came; written over, it becomes cells. */
export class Row {
  /** The raw line that was here last. */
  line: number;
  #runs: Run[] = [];
  #length = 0;
  #isCut = false;
  /** Of the runs; undefined where it is to be counted, character by character, once it is asked for. */
  #width: number | undefined = 0;
  #cells: Cells | undefined;

  constructor(line: number) {
    this.line = line;
  }

  get isEmpty(): boolean {
    return this.#cells ? this.#cells.width === 0 : this.#length === 0;
  }

  get isCut(): boolean {
    return this.#isCut || this.#cells?.isCut === true;
  }

  /** In columns. */
  get width(): number {
    if (this.#cells) return this.#cells.width;
    this.#width ??= this.#runs.reduce((column, { text }) => columnAfter(text, column), 0);
    return this.#width;
  }

  /**
   * Writes at a column, or at the end for `undefined`, and returns where that leads. `isPlain`: each character of the text
   * is ASCII and one column wide.
   */
  write(text: string, isPlain: boolean, style: Style, column: number | undefined): number | undefined {
    // What a progress bar does: cells would only be made to be written over as a whole.
    if (column === 0 && isPlain && !this.isEmpty && text.length >= this.width) this.clear();
    if (!this.#cells && (column === undefined || column === this.width)) {
      this.#append(text, isPlain, style);
      return undefined;
    }
    const cells = this.#asCells();
    return cells.write(text, style, column ?? cells.width);
  }

  erase(from: number, to: number): void {
    if (from === 0 && to >= this.width) this.clear();
    else if (from < this.width) this.#asCells().erase(from, to);
  }

  clear(): void {
    this.#runs = [];
    this.#length = 0;
    this.#isCut = false;
    this.#width = 0;
    this.#cells = undefined;
  }

  /** What it shows now. */
  runs(): readonly Run[] {
    return this.#cells?.runs() ?? this.#runs;
  }

  /** It is out of reach and will not change: cells take many times the room of text. */
  settle(): void {
    if (!this.#cells) return;
    this.#isCut = this.isCut;
    this.#runs = this.#cells.runs();
    this.#width = undefined;
    this.#cells = undefined;
  }

  #append(text: string, isPlain: boolean, style: Style): void {
    const kept = this.#runs.length < MAX_RUNS ? cut(text, MAX_COLUMNS - this.#length) : "";
    if (kept.length < text.length) this.#isCut = true;
    if (kept === "") return;
    this.#length += kept.length;
    if (this.#width !== undefined) this.#width = isPlain ? this.#width + kept.length : undefined;
    const last = this.#runs.at(-1);
    if (last?.style === style) this.#runs[this.#runs.length - 1] = { text: last.text + kept, style };
    else this.#runs.push({ text: kept, style });
  }

  #asCells(): Cells {
    if (!this.#cells) {
      this.#cells = new Cells();
      this.#cells.isCut = this.#isCut;
      let column = 0;
      for (const { text, style } of this.#runs) column = this.#cells.write(text, style, column);
      this.#runs = [];
    }
    return this.#cells;
  }
}

function columnAfter(text: string, start: number): number {
  let column = start;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === TAB) column = tabStop(column);
    else if (code < 0x7f) column++;
    else {
      const character = String.fromCodePoint(text.codePointAt(i) as number);
      i += character.length - 1;
      column += widthOf(character);
    }
  }
  return column;
}
