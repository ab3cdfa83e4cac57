import type { Attempt, Container, RunRecord, Task } from "../../archive/record.ts";
import { choiceOf, type LogChoice } from "../address.ts";
import { runningStep } from "../selection.ts";
import { between, duration } from "../time.ts";
import { containerName, taskName } from "./names.ts";

/** What goes on in one task. */
export type Progress = { choice: LogChoice; name: string; words: string };

/** As much as can be said in a breath. */
const MOST = 3;

/** What a run is busy with, in sentences that begin with a name; nothing for a run that has ended. */
export function progressOf(record: RunRecord, now: Date): { items: Progress[]; more: number } {
  if (record.run.status !== "running" && record.run.status !== "waiting") return { items: [], more: 0 };
  const items = record.tasks.flatMap((task) => progressOfTask(record, task, now) ?? []);
  return { items: items.slice(0, MOST), more: Math.max(0, items.length - MOST) };
}

/** The same as text, for lists. */
export function progressText(record: RunRecord, now: Date): string | undefined {
  const { items, more } = progressOf(record, now);
  return items.map(({ name, words }) => `${name} ${words}`).join(" ") + moreWords(more) || undefined;
}

export const moreWords = (more: number): string =>
  more === 0 ? "" : ` ${more} more ${more === 1 ? "task goes" : "tasks go"} on.`;

function progressOfTask(record: RunRecord, task: Task, now: Date): Progress | undefined {
  const attempt = task.attempts.at(-1);
  const tries = attempt && attempt.number > 0 ? `, in attempt ${attempt.number + 1}` : "";
  const since = (time: string | undefined) => {
    const ms = between(time, now.toISOString());
    return ms === undefined ? undefined : duration(ms);
  };
  const step = attempt && task.status === "running" ? runningStep(attempt.containers) : undefined;
  if (attempt && step) {
    const took = since(stepStart(attempt, step));
    return {
      choice: choiceOf(record, task, attempt, step),
      name: `${taskName(record, task)} / ${containerName(step)}`,
      words: `has been running${took ? ` for ${took}` : ""}${tries}.`,
    };
  }
  if (task.status !== "running" && task.status !== "waiting") return undefined;
  const message =
    attempt?.containers.find(({ status, message }) => status === "waiting" && message)?.message ??
    (task.status === "waiting" ? (attempt?.message ?? task.message) : undefined);
  const took = since(attempt?.startedAt ?? task.startedAt);
  return {
    choice: choiceOf(record, task, attempt),
    name: taskName(record, task),
    words: `waits${message ? `: ${message.replace(/[.\s]+$/, "")}` : " for its pod"}${took ? ` (${took})` : ""}${tries}.`,
  };
}

/** When a step began to run: its container may have waited for the step before it. */
export function stepStart({ containers }: Attempt, step: Container): string | undefined {
  const before = containers.slice(0, containers.indexOf(step)).filter(({ kind }) => kind === "step");
  const times = [step.startedAt, ...before.map(({ completedAt }) => completedAt)];
  return times.reduce((a, b) => (Date.parse(b ?? "") > Date.parse(a ?? "") ? b : a), step.startedAt);
}

/** A step whose container is there already, while a step before it still runs. */
export function waitsForTurn({ containers }: Attempt, container: Container): boolean {
  if (container.kind !== "step" || container.status !== "running") return false;
  const current = runningStep(containers);
  return current !== undefined && containers.indexOf(container) > containers.indexOf(current);
}
