import type { Container, RunRecord, Task } from "../../archive/record.ts";

/** What a run is called: by its check or pipeline, and what its own name adds to that. */
export function runTitle(run: { name: string; pipeline?: string | undefined; check?: string | undefined }): {
  title: string;
  rest?: string;
} {
  for (const title of [run.check, run.pipeline]) {
    if (title && run.name.startsWith(`${title}-`)) return { title, rest: run.name.slice(title.length + 1) };
  }
  const title = run.check ?? run.pipeline;
  return title && title !== run.name ? { title, rest: run.name } : { title: run.name };
}

/** A task's name; those of a matrix, which share it, are told apart by their TaskRuns. */
export function taskName(record: RunRecord, task: Task): string {
  if (task.displayName) return task.displayName;
  const isMatrix = record.tasks.some((other) => other !== task && other.name === task.name);
  return isMatrix ? `${task.name} (${task.taskRun.name.replace(`${record.run.name}-`, "")})` : task.name;
}

export const containerName = ({ title, restart }: Container): string =>
  restart > 0 ? `${title}, restart ${restart}` : title;

/** `unit / test` */
export const logName = (record: RunRecord, task: Task, container: Container): string =>
  `${taskName(record, task)} / ${containerName(container)}`;

export const shortCommit = (commit: string): string => commit.slice(0, 7);

/** Tasks in the order in which people read them: those that clean up last, each group in the record's order. */
export const inReadingOrder = (tasks: readonly Task[]): Task[] => [
  ...tasks.filter((task) => !task.finally),
  ...tasks.filter((task) => task.finally),
];
