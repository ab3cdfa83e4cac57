import { numberAt, obeyCsi } from "./csi.ts";
import { Screen, type ScreenLine } from "./screen.ts";
import { DEFAULT_STYLE, leading, restyle, type Style } from "./style.ts";

/** As VTE: longer addresses are no links. */
const MAX_HREF = 2083;
/** Remembered changes of style; a hostile log has more. */
const MAX_KNOWN = 4096;
const MAX_KNOWN_LENGTH = 32;

/** The last letter of the sequence that sets the style. */
const SGR = 0x6d;
const [BACKSPACE, TAB, CR, ESC, BEL] = [0x08, 0x09, 0x0d, 0x1b, 0x07];

/**
 * Shows raw lines, the bytes between newlines, as a terminal would show them in the end. It obeys carriage returns,
 * backspaces, tabs, moves of the cursor within `REACH` rows, erasing, colours and hyperlinks. Dropped are:
 *
 * - what needs the height of a screen, which a log never had: absolute rows, scrolling, clearing of what is above;
 * - every other sequence, and controls. Of a sequence that never ends only its beginning is dropped, so that it hides nothing;
 * - invalid UTF-8, which becomes U+FFFD. What would reorder text is shown by its number.
 *
 * Colours last from line to line, from the first one written on; hyperlinks end with their line. Time is linear in
 * the bytes written, memory in the lines.
 */
export class Terminal {
  readonly #screen: Screen;
  readonly #styles = new Map<Style, Map<string | number, Style>>();
  #known = 0;
  #isFirst = true;

  /** `first`: the number of the first line that will be written. */
  constructor(first = 1) {
    this.#screen = new Screen(first);
  }

  /** The next raw line, without its newline. */
  write(line: Buffer): void {
    if (!this.#isFirst) this.#screen.newline();
    this.#isFirst = false;
    const text = line.toString();
    this.#screen.begin(text.length);
    let start = 0;
    let isPlain = true;
    // Where each character is one byte, the bytes are looked through, which is faster.
    const bytes = text.length === line.byteLength ? line : undefined;
    for (let i = plainEnd(text, bytes, 0); i < text.length; i = plainEnd(text, bytes, i)) {
      const code = text.charCodeAt(i);
      if (isText(code)) {
        isPlain = false;
        i++;
        continue;
      }
      if (start < i) this.#screen.write(text.slice(start, i), isPlain);
      start = i = code === ESC ? this.#escape(text, i + 1) : this.#control(code, i + 1);
      isPlain = true;
    }
    if (start < text.length) this.#screen.write(start === 0 ? text : text.slice(start), isPlain);
    this.#screen.style = leading(this.#screen.style, undefined);
  }

  /** What is to be seen of the lines so far, one by one. */
  lines(): ScreenLine[] {
    return this.#isFirst ? [] : this.#screen.lines();
  }

  #control(code: number, next: number): number {
    if (code === CR) this.#screen.toColumn(0);
    else if (code === BACKSPACE) this.#screen.move(0, -1);
    else if (code > 0x9f)
      this.#screen.write(`\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`, false);
    return next;
  }

  /** An escape sequence, whose text begins at `start`; returns where it ends. */
  #escape(text: string, start: number): number {
    switch (text[start]) {
      case "[":
        return this.#csi(text, start + 1);
      case "]":
      case "P":
      case "X":
      case "^":
      case "_":
        return this.#string(text, start);
    }
    let end = start;
    while (isBetween(text.charCodeAt(end), 0x20, 0x2f)) end++;
    if (!isBetween(text.charCodeAt(end), 0x30, 0x7e)) return end;
    if (end === start) this.#obeyEscape(text[end] as string);
    return end + 1;
  }

  #obeyEscape(final: string): void {
    const screen = this.#screen;
    if (final === "7") screen.save();
    else if (final === "8") screen.restore();
    else if (final === "D") screen.move(1, 0);
    else if (final === "E") {
      screen.move(1, 0);
      screen.toColumn(0);
    } else if (final === "M") screen.move(-1, 0);
    else if (final === "c") screen.style = DEFAULT_STYLE;
  }

  #csi(text: string, start: number): number {
    let end = start;
    while (isBetween(text.charCodeAt(end), 0x30, 0x3f)) end++;
    const last = end;
    while (isBetween(text.charCodeAt(end), 0x20, 0x2f)) end++;
    const final = text.charCodeAt(end);
    if (!isBetween(final, 0x40, 0x7e)) return end;
    // Those with something in between, or a mark in front, mean something else.
    if (end > last || isBetween(text.charCodeAt(start), 0x3c, 0x3f)) return end + 1;
    if (final === SGR) this.#screen.style = this.#restyled(text, start, last);
    else obeyCsi(this.#screen, final, text, start, last);
    return end + 1;
  }

  /** The style after the parameters in `text` from `start` to `end`. */
  #restyled(text: string, start: number, end: number): Style {
    const { style } = this.#screen;
    // Most are one code, for which no text need be cut out.
    const code = end - start <= 3 ? numberAt(text, start, end) : undefined;
    const key = code ?? text.slice(start, end);
    const known = this.#styles.get(style)?.get(key);
    if (known) return known;
    const next = restyle(style, text.slice(start, end));
    if (end - start > MAX_KNOWN_LENGTH || style.href !== undefined) return next;
    if (this.#known++ === MAX_KNOWN) {
      this.#styles.clear();
      this.#known = 0;
    }
    const ofStyle = this.#styles.get(style) ?? new Map<string | number, Style>();
    this.#styles.set(style, ofStyle.set(key, next));
    return next;
  }

  /** OSC, DCS, SOS, PM, APC: up to BEL or ESC \. Returns where it ends; unterminated, where its text begins. */
  #string(text: string, start: number): number {
    let end = start + 1;
    while (end < text.length && text.charCodeAt(end) !== BEL && text.charCodeAt(end) !== ESC) end++;
    const after = text.charCodeAt(end) === BEL ? end + 1 : end + 2;
    if (after > text.length || (after === end + 2 && text[end + 1] !== "\\")) return start + 1;
    if (text.startsWith("]8;", start)) this.#hyperlink(text.slice(start + 3, end));
    return after;
  }

  /** OSC 8: `<parameters>;<address>`. */
  #hyperlink(text: string): void {
    const address = text.slice(text.indexOf(";") + 1);
    this.#screen.style = leading(this.#screen.style, hrefOf(address));
  }
}

/** Only what cannot run anything and leads out of the page. */
function hrefOf(address: string): string | undefined {
  if (address.length > MAX_HREF || !/^(?:https?:\/\/|mailto:)[!-~]+$/i.test(address)) return undefined;
  return URL.canParse(address) ? address : undefined;
}

const isBetween = (code: number, from: number, to: number): boolean => code >= from && code <= to;

/** Where, from `start` on, plain ASCII text ends. `bytes` are those of the text, one for each character. */
function plainEnd(text: string, bytes: Buffer | undefined, start: number): number {
  let end = start;
  if (bytes) while (end < bytes.length && isBetween(bytes[end] as number, 0x20, 0x7e)) end++;
  else while (end < text.length && isBetween(text.charCodeAt(end), 0x20, 0x7e)) end++;
  return end;
}

/** No control but a tab, and nothing that reorders or hides its neighbours (UAX #9). Plain ASCII is told before. */
function isText(code: number): boolean {
  if (code < 0x7f) return code === TAB;
  if (code < 0x600) return code > 0x9f;
  if (code < 0x2000) return code !== 0x61c;
  if (code > 0x2069) return code !== 0xfeff;
  return !(isBetween(code, 0x200e, 0x200f) || isBetween(code, 0x202a, 0x202e) || code >= 0x2066);
}
