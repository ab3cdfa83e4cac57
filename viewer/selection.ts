import type { Attempt, Container, ContainerRow, RunRecord, Status, Task } from "../archive/record.ts";
import type { LogChoice } from "./address.ts";

/** Which log of a run a page shows. */
export type Selection =
  | ({ type: "log" } & ContainerRow)
  /** The task has begun, or failed to, and has no container. */
  | { type: "task"; task: Task; attempt?: Attempt }
  | { type: "skipped"; name: string; reason: string }
  /** The run has no task that could have written anything. */
  | { type: "nothing" }
  /** The address names something that this run does not have (yet). */
  | { type: "unknown"; words: string };

/** What the address chooses; without a choice, what a reader most likely came for. */
export function select(record: RunRecord, choice: LogChoice): Selection {
  const { pipelineTask, taskRunName } = choice;
  const isNamed = pipelineTask !== undefined || taskRunName !== undefined;
  const tasks = record.tasks.filter(
    (task) =>
      (pipelineTask === undefined || task.name === pipelineTask) &&
      (taskRunName === undefined || task.taskRun.name === taskRunName),
  );
  if (isNamed && tasks.length === 0) {
    const skipped = record.skipped.find(({ name }) => name === pipelineTask);
    if (skipped) return { type: "skipped", name: skipped.name, reason: skipped.reason };
    return { type: "unknown", words: `It has no task ${pipelineTask ?? taskRunName}` };
  }
  const task = mostTelling(tasks);
  return task ? inTask(task, choice) : { type: "nothing" };
}

function inTask(task: Task, { retry, step, kind, restart }: LogChoice): Selection {
  const attempt = retry === undefined ? task.attempts.at(-1) : task.attempts.find(({ number }) => number === retry);
  if (retry !== undefined && !attempt) return { type: "unknown", words: `${task.name} has no attempt ${retry + 1}` };
  if (!attempt) return { type: "task", task };
  if (step === undefined) {
    const container = defaultContainer(attempt);
    return container ? { type: "log", task, attempt, container } : { type: "task", task, attempt };
  }
  const named = attempt.containers.filter(
    (container) => (container.title === step || container.name === step) && (!kind || container.kind === kind),
  );
  const container =
    named.find(
      (container) => container.restart === (restart ?? 0) && container.title === step && container.kind === "step",
    ) ??
    named.find((container) => container.restart === restart) ??
    (restart === undefined ? named[0] : undefined);
  if (container) return { type: "log", task, attempt, container };
  return { type: "unknown", words: `${task.name} has no container ${step}` };
}

const FAILED: readonly Status[] = ["failed", "timed-out"];

/** The first that failed the run, else one that is running, else the last that is not there for cleaning up. */
function mostTelling(tasks: readonly Task[]): Task | undefined {
  return (
    tasks.find((task) => FAILED.includes(task.status) && !task.ignored) ??
    tasks.find((task) => task.status === "running") ??
    tasks.find((task) => task.status === "cancelled") ??
    tasks.findLast((task) => !task.finally) ??
    tasks.at(-1)
  );
}

/** Tekton starts all steps at once and lets them wait: the one that writes is the one that runs. */
export function runningStep(containers: readonly Container[]): Container | undefined {
  const running = containers.filter(({ kind, status }) => kind === "step" && status === "running");
  return running.findLast(({ log }) => log.lines > 0) ?? running[0];
}

/** The first step that failed, else the one that runs, else the last. */
function defaultContainer({ containers }: Attempt): Container | undefined {
  const steps = containers.filter(({ kind }) => kind === "step");
  return (
    steps.find((step) => FAILED.includes(step.status) && !step.ignored) ??
    runningStep(steps) ??
    steps.find(({ status }) => status === "cancelled") ??
    steps.findLast(({ log }) => log.lines > 0) ??
    steps.at(-1) ??
    containers.findLast(({ log }) => log.lines > 0) ??
    containers.at(-1)
  );
}
