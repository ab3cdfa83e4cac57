import Convert from "ansi-to-html";
import { raw } from "hono/html";
import { type Html, html } from "./pages/html.ts";
import { DEFAULT_STYLE, restyle, type Style } from "./terminal-style.ts";

/** What a page shows of one line; the rest is a link away. */
const SHOWN_CHARACTERS = 8 * 1024;

export type RenderedLine = {
  html: Html;
  /** Bytes of the text that is shown, for telling how much is not. */
  bytes: number;
  isCut: boolean;
};

/** A control sequence, a control character, or a character that would reorder or hide its neighbours. Linear. */
const SPECIAL =
  // CSI with parameters and final byte | OSC up to its end | DCS, SOS, PM, APC up to theirs | any other escape
  new RegExp(
    "\\x1b\\[([0-?]*)[ -/]*([@-~])|\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)|\\x1b[PX^_][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)|\\x1b[ -/]*[0-~]?" +
      "|[\\0-\\x08\\x0a-\\x1a\\x1c-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]",
    "g",
  );

/**
 * Renders lines as a terminal would show them in the end: colours, and the last state of a line that was written
 * over. Everything else a terminal obeys is dropped, and nothing that a log holds gets out unescaped. Colours last
 * from line to line.
 */
export class Terminal {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #style: Style = DEFAULT_STYLE;

  line(text: Uint8Array, limit = SHOWN_CHARACTERS): RenderedLine {
    const line = this.#decoder.decode(text).replace(/\r+$/, "");
    const isPlain = this.#style === DEFAULT_STYLE && line.search(SPECIAL) === -1;
    if (!isPlain) return this.#render(line, limit);
    const shown = cut(line, limit);
    return { html: html`${shown}`, bytes: Buffer.byteLength(shown), isCut: shown.length < line.length };
  }

  #render(line: string, limit: number): RenderedLine {
    const cells = new Cells();
    let at = 0;
    for (const match of line.matchAll(SPECIAL)) {
      cells.write(line.slice(at, match.index), this.#style);
      at = match.index + match[0].length;
      this.#obey(match[0], match[1], match[2], cells);
    }
    cells.write(line.slice(at), this.#style);
    const shown = cells.runs(limit);
    return {
      html: raw(shown.map(({ text, style }) => coloured(text, style)).join("")),
      bytes: shown.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      isCut: cells.length > limit,
    };
  }

  #obey(special: string, parameters: string | undefined, final: string | undefined, cells: Cells): void {
    if (final === "m") this.#style = restyle(this.#style, parameters ?? "");
    else if (final === "K") cells.erase(parameters ?? "");
    else if (special === "\r") cells.column = 0;
    else if (special === "\b") cells.column = Math.max(0, cells.column - 1);
    else if (special.length === 1) cells.write(visible(special), this.#style);
  }
}

/** Control characters that would be invisible, or make others so, become visible; a bell only rings. */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x07 || code === 0x1b) return "";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  if (code < 0xa0) return "\ufffd";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : text.slice(0, limit).replace(/[\ud800-\udbff]$/, "");

type Run = { text: string; style: Style };

/** One line as it is written and written over. */
class Cells {
  column = 0;
  readonly #characters: string[] = [];
  readonly #styles: Style[] = [];

  get length(): number {
    return this.#characters.length;
  }

  write(text: string, style: Style): void {
    for (const character of text) {
      this.#characters[this.column] = character;
      this.#styles[this.column] = style;
      this.column++;
    }
  }

  /** To the end of the line, to its start, or all of it. */
  erase(what: string): void {
    if (what === "" || what === "0") this.#characters.length = Math.min(this.#characters.length, this.column);
    else if (what === "1") this.#characters.fill(" ", 0, this.column + 1);
    else if (what === "2") this.#characters.fill(" ");
  }

  /** Neighbours of one style together, up to a number of characters. */
  runs(limit: number): Run[] {
    const runs: Run[] = [];
    const end = Math.min(this.#characters.length, limit);
    for (let i = 0; i < end; i++) {
      const text = this.#characters[i] ?? " ";
      const style = this.#styles[i] ?? DEFAULT_STYLE;
      const last = runs.at(-1);
      if (last?.style === style) last.text += text;
      else runs.push({ text, style });
    }
    return runs;
  }
}

/**
 * ansi-to-html is given nothing but text without controls and colours of an own palette, in which every colour is
 * the name of a class: its own reading of sequences backtracks without bound, and knows neither dim nor inverse.
 */
const CLASSES = [
  ...Array.from({ length: 16 }, (_, i) => `a${i}`),
  ...Array.from({ length: 8 }, (_, i) => `b${i}`),
  ...["ab", "ad", "ai", "au", "ax", "av"],
];
const convert = new Convert({ escapeXML: true, colors: { ...CLASSES } });

function coloured(text: string, style: Style): string {
  if (style.classes.length === 0) return String(html`${text}`);
  const codes = style.classes.map((name) => `\x1b[38;5;${CLASSES.indexOf(name)}m`).join("");
  // All markup here is the library's: it wrote every < and " of the text as an entity.
  return convert.toHtml(`${codes}${text}`).replaceAll('<span style="color:', '<span class="');
}
