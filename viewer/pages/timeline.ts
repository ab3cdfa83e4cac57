import type { Attempt, RunRecord, Task } from "../../archive/record.ts";
import { choiceOf } from "../address.ts";
import { duration, shortDuration } from "../time.ts";
import { type Html, html } from "./html.ts";
import { lookOf, spokenIcon } from "./icons.ts";
import { taskName } from "./names.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TICKS = [1, 2, 5, 10, 20, 30].flatMap((n) => [n * SECOND, n * MINUTE, n * HOUR]).sort((a, b) => a - b);
const MAX_TICKS = 6;

/** Turns times into places on the axis. */
type Axis = { start: number; length: number; ticks: readonly number[]; now: number };
type Bar = { attempt: Attempt; from: number; ran: number; to: number; isLast: boolean };

type Skipped = RunRecord["skipped"][number];
type Item = { task: Task; skipped?: never } | { skipped: Skipped; task?: never };

/** When each task waited (thin) and ran (thick), attempts side by side. Drawn by attributes alone: no style gets in. */
export function timeline(record: RunRecord, now: Date, linkTo: (choice: object) => string): Html | undefined {
  if (record.tasks.length === 0) return undefined;
  const axis = axisOf(record, now);
  const [tasks, last] = [false, true].map((isFinally) => [
    ...record.tasks.filter((task) => !!task.finally === isFinally).map((task) => ({ task })),
    ...record.skipped.filter((skipped) => !!skipped.finally === isFinally).map((skipped) => ({ skipped })),
  ]) as [Item[], Item[]];
  const rows = [...tasks, ...last].map((item) =>
    item.task
      ? taskRow(record, item.task, axis, item === last[0], linkTo)
      : skippedRow(item.skipped, axis, item === last[0]),
  );
  const labels = axis.ticks.map(
    (tick) => html`<text x="${percent(tick / axis.length)}" dx="4" y="15">${tick === 0 ? "0" : tickLabel(tick)}</text>`,
  );
  return html`<details class="gantt" data-key="timeline"><summary>Timeline</summary>
<table><caption class="vh">Timeline: thin line waited, thick bar ran</caption>
<thead><tr><th scope="col"><span class="vh">Task</span></th><td><svg class="bar" aria-hidden="true">${grid(axis)}${labels}</svg></td><th scope="col" class="num"><span class="vh">Ran</span></th></tr></thead>
<tbody>
${rows}</tbody></table></details>`;
}

function axisOf({ run, tasks }: RunRecord, now: Date): Axis {
  const times = tasks.flatMap(({ attempts }) =>
    attempts.flatMap(({ startedAt, completedAt }) => [startedAt, completedAt]),
  );
  const known = [run.startedAt ?? run.createdAt, run.completedAt, ...times].flatMap((time) => {
    const ms = Date.parse(time ?? "");
    return Number.isNaN(ms) ? [] : ms;
  });
  const start = Math.min(...known);
  const end = run.completedAt ? Math.max(...known) : Math.max(...known, now.getTime());
  // A little room at the end, for the bar that says "now" and for the last label.
  const length = Math.max(SECOND, (end - start) * 1.03);
  const step = TICKS.find((tick) => length / tick <= MAX_TICKS) ?? Math.ceil(length / MAX_TICKS / HOUR) * HOUR;
  const ticks = Array.from({ length: Math.floor(length / step) + 1 }, (_, i) => i * step);
  return { start, length, ticks, now: now.getTime() };
}

const tickLabel = (ms: number): string =>
  ms % HOUR === 0 ? `${ms / HOUR}h` : ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${ms / SECOND}s`;
const percent = (part: number): string => `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`;
const grid = ({ ticks, length }: Axis): Html[] =>
  ticks.map(
    (tick) => html`<line class="grid" x1="${percent(tick / length)}" x2="${percent(tick / length)}" y1="0" y2="22"/>`,
  );

function taskRow(
  record: RunRecord,
  task: Task,
  axis: Axis,
  isFirstFinal: boolean,
  linkTo: (choice: object) => string,
): Html {
  const bars = task.attempts.flatMap((attempt) => barOf(attempt, axis, attempt === task.attempts.at(-1)) ?? []);
  const last = bars.at(-1);
  const look = lookOf(task.status, task.ignored);
  const times = task.attempts.length > 1 ? ` ×${task.attempts.length}` : "";
  const spoken = bars.length === 0 ? look.word : bars.map((bar) => describe(bar, task)).join("; ");
  return html`<tr${isFirstFinal && html` class="fin"`}><th scope="row"><a href="${linkTo(choiceOf(record, task))}" title="${taskName(record, task)}">${spokenIcon(look)} ${taskName(record, task)}${times}</a></th><td><svg class="bar" role="img" aria-label="${spoken}">${grid(axis)}${bars.map((bar) => drawn(bar, task, axis))}${bars.length === 0 && html`<text x="0" dx="5" y="15">${look.word}</text>`}</svg></td><td class="num">${last && (last.to > last.ran || last.attempt.completedAt) && shortDuration(last.to - last.ran)}</td></tr>
`;
}

/** Waiting ends when the first step's container starts; without one it lasts as long as the attempt. */
function barOf(attempt: Attempt, axis: Axis, isLast: boolean): Bar | undefined {
  const from = Date.parse(attempt.startedAt ?? "");
  if (Number.isNaN(from)) return undefined;
  const to = attempt.completedAt ? Date.parse(attempt.completedAt) : axis.now;
  const starts = attempt.containers
    .filter(({ kind, startedAt }) => kind === "step" && startedAt)
    .map(({ startedAt }) => Date.parse(startedAt ?? ""));
  const ran = starts.length > 0 ? Math.min(...starts) : attempt.completedAt ? from : to;
  return { attempt, from, ran: Math.min(Math.max(from, ran), to), to, isLast };
}

function describe({ attempt, from, ran, to }: Bar, task: Task): string {
  const which = task.attempts.length > 1 ? `attempt ${attempt.number + 1}: ` : "";
  return `${which}waited ${duration(ran - from)}, ran ${duration(to - ran)}, ${lookOf(attempt.status).word}`;
}

function drawn({ attempt, from, ran, to, isLast }: Bar, task: Task, { start, length }: Axis): Html {
  const x = (time: number) => percent((time - start) / length);
  const width = (ms: number, least: number) => percent(Math.max(ms / length, least));
  const tone = lookOf(isLast ? task.status : attempt.status).tone;
  const bar = !isLast ? "try" : tone === "bad" || tone === "run" ? tone : tone === "ok" ? "ok" : "w";
  const waited =
    ran > from && html`<rect class="w" x="${x(from)}" y="9.5" width="${width(ran - from, 0)}" height="3"/>`;
  const thick =
    (to > ran || attempt.completedAt) &&
    html`<rect class="${bar}" x="${x(ran)}" y="5" width="${width(to - ran, 0.004)}" height="12" rx="1.5"/>`;
  const failed = !isLast && tone === "bad" && html`<text class="x" x="${x(ran)}" dx="5" y="15">✕</text>`;
  const running = !attempt.completedAt && html`<text x="${x(to)}" dx="5" y="15">now</text>`;
  return html`${waited}${thick}${failed}${running}`;
}

function skippedRow({ name, reason }: Skipped, axis: Axis, isFirstFinal: boolean): Html {
  const look = lookOf("skipped");
  return html`<tr${isFirstFinal && html` class="fin"`}><th scope="row">${spokenIcon(look)} ${name}</th><td><svg class="bar" role="img" aria-label="skipped: ${reason}">${grid(axis)}<text x="0" dx="5" y="15">skipped: ${reason}</text></svg></td><td class="num"></td></tr>
`;
}
