import type { Line, LogReader } from "../../archive/log-reader.ts";
import type { Gap } from "../../archive/record.ts";
import { query } from "../address.ts";
import { Terminal } from "../terminal.ts";
import { between, clock, count, date, preciseDuration } from "../time.ts";
import type { Placed } from "../window.ts";
import { type Html, html } from "./html.ts";
import { icon } from "./icons.ts";

/** What is read of one line: enough for the last state of a progress bar that was written over for minutes. */
const READ_BYTES = 64 * 1024;
/** What one page shows in all; beyond it every line is cut short, so that no log makes a page of many megabytes. */
const PAGE_CHARACTERS = 1024 * 1024;
const SHORT_CHARACTERS = 256;
/** A longer pause between two lines is worth a row. */
const PAUSE_MS = 10_000;

export type RowsOptions = Placed & {
  /** Address of the log's text, for what a row does not show. */
  textPath: string;
  /** Its query. */
  choice: Record<string, string | number | undefined>;
};

export type DrawnRows = {
  rows: Html[];
  /** The last line that is not blank: what a container said before it ended. */
  lastWords?: { number: number; text: Html };
};

/** The rows of a stretch of lines with gaps and pauses between them. */
export async function rows(reader: LogReader, { from, to, mark, textPath, choice }: RowsOptions): Promise<DrawnRows> {
  const terminal = new Terminal();
  const { gaps } = reader.log;
  const rows: Html[] = gapNotes(gaps, from - 1);
  let room = PAGE_CHARACTERS;
  let last: string | undefined;
  let lastWords: DrawnRows["lastWords"];
  for await (const line of reader.linesOf(from, to, READ_BYTES)) {
    const pause = between(last, line.time);
    if (pause !== undefined && pause >= PAUSE_MS) rows.push(pauseRow(pause));
    if (last && line.time && dayOf(last) !== dayOf(line.time)) rows.push(dayRow(line.time));
    const rendered = terminal.line(line.text, room > 0 ? undefined : SHORT_CHARACTERS);
    room -= rendered.bytes;
    const isMarked = mark !== undefined && mark.from <= line.number && line.number <= mark.to;
    const isCut = rendered.bytes < line.bytes && (rendered.isCut || line.bytes > line.text.byteLength);
    const rest = isCut && {
      href: `${textPath}${query({ ...choice, lines: line.number })}`,
      bytes: line.bytes - rendered.bytes,
    };
    rows.push(row(line, rendered.html, isMarked, rest || undefined), ...gapNotes(gaps, line.number));
    last = line.time ?? last;
    if (!isBlank(line.text)) lastWords = { number: line.number, text: rendered.html };
  }
  return lastWords ? { rows, lastWords } : { rows };
}

const isBlank = (text: Uint8Array): boolean => text.every((byte) => byte <= 0x20);

function row({ number, time }: Line, text: Html, isMarked: boolean, rest?: { href: string; bytes: number }): Html {
  const cut = rest && html` <a class="cut" href="${rest.href}">… ${count(rest.bytes)} more bytes</a>`;
  const at = time === undefined ? html`<time></time>` : html`<time datetime="${time}">${clock(time)}</time>`;
  return html`<div class="r${isMarked ? " s" : ""}" id="L${number}"><a href="#L${number}">${count(number)}</a><i></i>${at}<span>${text}${cut}</span></div>
`;
}

const pauseRow = (ms: number): Html =>
  html`<div class="slow" role="note">+${preciseDuration(ms)} without output</div>
`;

/** Times are in UTC, as the archive has them. */
const dayOf = (time: string): string => time.slice(0, 10);
const dayRow = (time: string): Html =>
  html`<div class="slow day" role="note">${date(time)}</div>
`;

/** What is missing after a line, in words. */
function gapNotes(gaps: readonly Gap[], afterLine: number): Html[] {
  return gaps.flatMap((gap, i) => {
    if (gap.afterLine !== afterLine) return [];
    const length = between(gap.from, gap.to);
    const title = length === undefined ? "Gap" : `Gap of ${preciseDuration(length)}`;
    return html`<div class="note" id="gap-${i + 1}" role="note"><span>${icon({ icon: "gap", tone: "warn" })} <b>${title}</b></span><span>${gap.words}</span></div>
`;
  });
}
