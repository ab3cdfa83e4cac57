import type { LogReader } from "../archive/log-reader.ts";
import type { Attempt, Container, RunRecord, Task } from "../archive/record.ts";
import type { Site } from "./site.ts";

/** Opens the log of one container of a run. */
export function openLog(
  site: Site,
  { run }: RunRecord,
  { task, attempt, container }: { task: Task; attempt: Attempt; container: Container },
  signal: AbortSignal,
): Promise<LogReader> {
  const id = {
    namespace: run.namespace,
    runUid: run.uid,
    taskRunUid: task.taskRun.uid,
    attempt: attempt.number,
    container: container.name,
    restart: container.restart,
  };
  return site.archive.log(id, container.log, signal);
}
