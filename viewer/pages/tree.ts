import type { Attempt, Container, RunRecord, Task } from "../../archive/record.ts";
import { choiceOf } from "../address.ts";
import type { Selection } from "../selection.ts";
import { between, shortDuration } from "../time.ts";
import { type Html, html } from "./html.ts";
import { type Look, lookOf, spokenIcon } from "./icons.ts";
import { containerName, logName, taskName } from "./names.ts";
import { stepStart, waitsForTurn } from "./progress.ts";

export type TreeOptions = {
  record: RunRecord;
  selection: Selection;
  now: Date;
  linkTo: (choice: object) => string;
};

/** Tasks, attempts and containers, each a link to its log; skipped tasks with their reason. */
export function tree(options: TreeOptions): Html {
  const { record, selection } = options;
  const shown = selection.type === "log" && html` · showing ${logName(record, selection.task, selection.container)}`;
  const group = (isFinally: boolean) => [
    ...record.tasks.filter((task) => !!task.finally === isFinally).map((task) => taskItem(task, options)),
    ...record.skipped.filter((skipped) => !!skipped.finally === isFinally).map((skipped) => skippedItem(skipped)),
  ];
  const [tasks, last] = [group(false), group(true)];
  const total = tasks.length + last.length;
  return html`<details class="tree" id="tree" data-key="tree"><summary><b>${total} ${total === 1 ? "task" : "tasks"}</b>${shown}</summary><nav aria-label="Tasks and steps"><ul>
${tasks}</ul>${
    last.length > 0 &&
    html`<h3 class="kind">Finally</h3><ul>
${last}</ul>`
  }</nav></details>`;
}

function taskItem(task: Task, options: TreeOptions): Html {
  const { record, selection, now } = options;
  const current = task.attempts.at(-1);
  const isShown = "task" in selection && selection.task === task;
  const look = lookOf(task.status, task.ignored);
  const earlier = task.attempts.slice(0, -1).reverse();
  const took = between(current?.startedAt ?? task.startedAt, current?.completedAt ?? now.toISOString());
  const said = task.ignored ? "ignored" : took === undefined ? look.word : shortDuration(took);
  return html`<li><details data-key="${task.taskRun.uid}"${isShown && html` open`}><summary>${spokenIcon(look)}<span class="n">${taskName(record, task)}</span><span class="d">${said}</span></summary><ul>${
    current && containerItems(task, current, options)
  }${!current?.containers.length && emptyItem(task, current, options)}${earlier.map((attempt) => attemptItem(task, attempt, options))}</ul></details></li>
`;
}

const ORDER = { init: 0, step: 1, sidecar: 2 };

const containerItems = (task: Task, attempt: Attempt, options: TreeOptions): Html[] =>
  attempt.containers
    .toSorted((a, b) => ORDER[a.kind] - ORDER[b.kind])
    .map((container) => containerItem(task, attempt, container, options));

function attemptItem(task: Task, attempt: Attempt, options: TreeOptions): Html {
  const { selection } = options;
  const isShown = "attempt" in selection && selection.attempt === attempt;
  const look = lookOf(attempt.status);
  return html`<li><details data-key="${task.taskRun.uid}-${attempt.number}"${isShown && html` open`}><summary>${spokenIcon(look)}<span class="n">attempt ${attempt.number + 1}</span><span class="d">${attempt.reason ?? look.word}</span></summary><ul>${containerItems(task, attempt, options)}${
    attempt.containers.length === 0 && emptyItem(task, attempt, options)
  }</ul></details></li>
`;
}

function containerItem(
  task: Task,
  attempt: Attempt,
  container: Container,
  { record, selection, now, linkTo }: TreeOptions,
): Html {
  const isShown = selection.type === "log" && selection.container === container;
  const kind = container.kind !== "step" && html` <span class="kind">${container.kind}</span>`;
  return html`<li><a href="${linkTo(choiceOf(record, task, attempt, container))}"${isShown && html` aria-current="true"`}>${spokenIcon(containerLook(attempt, container))}<span class="n">${containerName(container)}${kind}</span><span class="d">${remark(attempt, container, now)}</span></a></li>
`;
}

/** A step that was never reached did not fail: it is shown as skipped. */
function containerLook(attempt: Attempt, container: Container): Look {
  if (waitsForTurn(attempt, container)) return lookOf("waiting");
  return lookOf(isSkipped(container) ? "skipped" : container.status, container.ignored);
}
const isSkipped = ({ status, startedAt, log }: Container): boolean =>
  status === "skipped" ||
  (log.state === "none" && startedAt === undefined && (status === "cancelled" || status === "unknown"));

/** The one thing about a container that is worth a word: a gap, an exit code, that it waits, or how long it took. */
function remark(attempt: Attempt, container: Container, now: Date): string {
  const { log, status, exitCode, completedAt } = container;
  if (isSkipped(container)) return status === "skipped" ? "skipped" : "not run";
  if (status === "waiting" || waitsForTurn(attempt, container)) return "waits";
  const gaps = log.gaps.length > 0 ? `${log.gaps.length} ${log.gaps.length === 1 ? "gap" : "gaps"}` : "";
  const cut = log.state === "cut" ? "cut" : "";
  const exit = exitCode ? `exit ${exitCode}` : log.state === "none" ? "no log" : "";
  const said = [gaps, cut, exit].filter(Boolean).join(" · ");
  if (said) return said;
  const goesOn = status === "running" ? now.toISOString() : undefined;
  const took = between(
    container.kind === "step" ? stepStart(attempt, container) : container.startedAt,
    completedAt ?? goesOn,
  );
  return took === undefined ? "" : shortDuration(took);
}

function emptyItem(task: Task, attempt: Attempt | undefined, { record, selection, linkTo }: TreeOptions): Html {
  const isShown = selection.type === "task" && selection.task === task && selection.attempt === attempt;
  const look = lookOf(attempt?.status ?? task.status);
  return html`<li><a href="${linkTo(choiceOf(record, task, attempt))}"${isShown && html` aria-current="true"`}>${spokenIcon(look)}<span class="n">no container <small class="mut">${attempt?.reason ?? task.reason}</small></span></a></li>
`;
}

const skippedItem = ({ name, reason }: { name: string; reason: string }): Html =>
  html`<li class="skip"><span>${spokenIcon(lookOf("skipped"))}<span class="n">${name} <small>${reason}</small></span></span></li>
`;
