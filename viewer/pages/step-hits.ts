import { timeLength } from "../../archive/line.ts";
import type { ContainerRow, RunRecord } from "../../archive/record.ts";
import type { Highlighter } from "../grep/highlighter.ts";
import type { PrintedLine } from "../grep/printed-lines.ts";
import type { Tally } from "../grep/tally.ts";
import { unreadableWords } from "../grep/text.ts";
import type { GrepQuery } from "../run-query.ts";
import { markup } from "../terminal/markup.ts";
import { Terminal } from "../terminal/terminal.ts";
import { count } from "../time.ts";
import { timeCell } from "../time-column.ts";
import { type Html, html } from "./html.ts";
import { logName } from "./names.ts";
import { countWords } from "./search-field.ts";

/** What is known of one log, and its first hits with lines around them. */
export type StepHits = { row: ContainerRow; tally: Tally; lines: PrintedLine[] };

export type StepHitsOptions = {
  record: RunRecord;
  grep: GrepQuery;
  steps: readonly StepHits[];
  highlighter: Highlighter;
  /** To a log with the same search, at a line of it if one is given. */
  linkTo: (row: ContainerRow, line?: number) => string;
  /** All of it as text. */
  textLink: string;
};

const MAX_CHARACTERS = 300;

/** In place of a log: what a search found in all of them. */
export function stepHitsPane(options: StepHitsOptions): Html {
  const { grep, steps, textLink } = options;
  const isDone = steps.every(({ tally }) => tally.isDone);
  const hits = steps.reduce((sum, { tally }) => sum + tally.count, 0);
  const { values } = grep;
  return html`<section class="pane" id="pane" aria-label="Hits in all steps">
<div class="tools">
<form method="get" aria-label="All steps">
<input type="hidden" name="view" value="steps"><h2 id="what"><b>All steps</b></h2>
<div class="search"><button class="vh">Search</button><label class="vh" for="grep">Search all steps</label><input id="grep" type="search" name="grep" value="${values.grep}" maxlength="500"><output for="grep">${count(hits)}${!isDone && " so far"}</output></div>
<label class="tog"><input type="checkbox" name="regex" value="true"${values.regex && html` checked`}> Regex</label>
<label class="tog"><input type="checkbox" name="case" value="true"${values.case === "true" && html` checked`}> Case</label>
<span class="acts"><a class="btn" href="${textLink}">All as text</a></span>
</form>
</div>
${!isDone && html`<p class="note">The logs are long: not all were searched in the time that a page has. Open a step, or take all as text.</p>`}
${steps.map((step) => stepSection(step, options))}
</section>`;
}

function stepSection({ row, tally, lines }: StepHits, { record, linkTo, highlighter }: StepHitsOptions): Html {
  const { isDone, count: hits, searched, unreadable } = tally;
  const words = !isDone && searched === 0 ? "not searched yet" : countWords({ tally: { ...tally, focus: undefined } });
  const name = logName(record, row.task, row.container);
  const attempt = row.attempt.number > 0 && html` <span class="mut">attempt ${row.attempt.number + 1}</span>`;
  const shown = lines.filter(({ isHit }) => isHit).length;
  return html`<div class="more"><a href="${linkTo(row)}"><b>${name}</b></a>${attempt}<span class="mut">${words}</span></div>
${unreadable.map((part) => html`<p class="note">In this log ${unreadableWords(part)}.</p>\n`)}${
  lines.length > 0 &&
  html`<div class="log"><div class="rows">
${lines.map((line) => hitRow(line, linkTo(row, line.number), highlighter))}${hits > shown && html`<p class="tail"><a href="${linkTo(row)}">All ${count(hits)}${!isDone && " so far"}</a></p>`}</div></div>
`
}`;
}

function hitRow({ number, text, isHit, isApart }: PrintedLine, href: string, highlighter: Highlighter): Html {
  const length = timeLength(text, 0);
  const terminal = new Terminal(number);
  terminal.write(text.subarray(length === 0 ? 0 : length + 1));
  const runs = terminal.lines()[0]?.runs ?? [];
  const { html: shown, isCut } = markup(isHit ? highlighter.marked(runs, number) : runs, MAX_CHARACTERS);
  const time = length > 0 && timeCell("clock", text.toString("latin1", 0, length), undefined, undefined).text;
  return html`${isApart && html`<div class="slow day" role="separator"></div>\n`}<div class="r"><a href="${href}">${count(number)}</a><i></i><time>${time}</time><span>${shown}${isCut && "…"}</span></div>
`;
}
