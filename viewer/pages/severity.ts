import type { Severity, SeverityCounts } from "../../archive/findings.ts";
import type { LogReader } from "../../archive/log-reader.ts";
import { severityOfLine } from "../../archive/severity-reader.ts";
import { query } from "../address.ts";
import { type Block, filteredLines, ORDER, type SeverityFilter } from "../severity-filter.ts";
import { MAX_COLUMNS } from "../terminal/cells.ts";
import type { ScreenLine } from "../terminal/screen.ts";
import { Terminal } from "../terminal/terminal.ts";
import { count } from "../time.ts";
import { type Html, html } from "./html.ts";
import { gapNotes, type RowOptions, row } from "./row.ts";

/** Of one line; what is cut says so. */
const READ_BYTES = 4 * 1024;
/** The markup of all lines; beyond it every line is cut short. */
const PAGE_CHARACTERS = 1024 * 1024;
const SHORT_CHARACTERS = 256;

const NAMES: Record<Severity, [one: string, more: string]> = {
  error: ["error", "errors"],
  warning: ["warning", "warnings"],
  notice: ["notice", "notices"],
  debug: ["debug line", "debug lines"],
  unknown: ["line of two levels", "lines of two levels"],
};

type LinkTo = (values: Record<string, string | number | undefined>) => string;

/** How many lines of each severity there are, as ways to them. Nothing where none is worth a look. */
export function severityLinks(counts: SeverityCounts | undefined, linkTo: LinkTo): Html[] {
  return ORDER.slice(0, 2).flatMap((name) => {
    const found = counts?.[name] ?? 0;
    return found === 0
      ? []
      : [html`<a class="btn hide-s" href="${linkTo({ severity: name })}">${words(name, found)}</a>`];
  });
}

const words = (name: Severity, found: number): string => `${count(found)} ${NAMES[name][found === 1 ? 0 : 1]}`;

export type SeverityRowsOptions = RowOptions & {
  filter: SeverityFilter;
  counts: SeverityCounts | undefined;
  /** To other parts of the same filter, and to other filters. */
  linkTo: LinkTo;
};

/** The lines of a severity with those around them, and the ways to more and to each in the whole log. */
export async function severityRows(reader: LogReader, options: SeverityRowsOptions): Promise<Html[]> {
  const { filter, linkTo } = options;
  const { blocks, count: shown, next } = await filteredLines(reader, filter, READ_BYTES);
  let room = PAGE_CHARACTERS;
  const rows = blocks.flatMap((block) => {
    const line = block.lines[0]?.number ?? 1;
    const way = html`<div class="more"><a href="${query({ ...options.choice, line })}#L${line}">Line ${count(line)} in the whole log</a></div>
`;
    const drawn = blockRows(block, options, reader, () => (room > 0 ? MAX_COLUMNS : SHORT_CHARACTERS));
    room -= drawn.reduce((sum, part) => sum + part.length, 0);
    return [way, ...drawn];
  });
  const same = { severity: filter.name, ...(filter.isWithWorse && { worse: "true" }), context: filter.context };
  const first = filter.from > 1 && html`<a href="${linkTo(same)}">First</a>`;
  const more =
    next !== undefined &&
    html`<a rel="next" href="${linkTo({ ...same, start: next })}">More, from line ${count(next)}</a>`;
  const head = html`<div class="more"><b>${title(options, shown)}</b>${others(options)}<a href="${linkTo({})}">All lines</a></div>
`;
  const foot = html`<div class="more">${first}${more}<span class="mut">${shown === 0 ? "No such line" : next === undefined ? "That is all" : `${count(shown)} of them here`}.</span></div>
`;
  return [head, ...rows, foot];
}

function title({ filter, counts }: SeverityRowsOptions, shown: number): string {
  const { name, wanted, isWithWorse } = filter;
  const found = counts && [...wanted].reduce((sum, severity) => sum + (counts[severity] ?? 0), 0);
  if (!isWithWorse || name === "error") return words(name, found ?? shown);
  return `${count(found ?? shown)} lines: ${NAMES[name][1]} and worse`;
}

/** The other severities there are, and this one with what is worse. */
function others({ filter, counts, linkTo }: SeverityRowsOptions): Html[] {
  const same = ORDER.filter((name) => name !== filter.name && (counts?.[name] ?? 0) > 0);
  const ways = same.map(
    (name) => html`<a href="${linkTo({ severity: name })}">${words(name, counts?.[name] ?? 0)}</a>`,
  );
  const hasWorse = !filter.isWithWorse && ORDER.indexOf(filter.name) > 0;
  return hasWorse ? [...ways, html`<a href="${linkTo({ severity: filter.name, worse: "true" })}">and worse</a>`] : ways;
}

/** As a terminal would show these lines alone. */
function blockRows({ lines }: Block, options: RowOptions, reader: LogReader, limit: () => number): Html[] {
  const terminal = new Terminal(lines[0]?.number);
  for (const { text } of lines) terminal.write(text);
  const screen = terminal.lines();
  return lines.flatMap(({ isWanted: _, text, ...line }, i) => {
    const shown = { ...(screen[i] as ScreenLine), isDrawnOver: false };
    const whole = { ...line, shown, isReadWhole: text.byteLength === line.bytes, severity: severityOfLine(text) };
    const drawn = row(whole, { ...options, isMarked: false, isFound: false, limit: limit() });
    return [drawn, ...gapNotes(reader.log.gaps, line.number)];
  });
}
