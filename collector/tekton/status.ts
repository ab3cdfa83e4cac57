import type { Status } from "../../archive/record.ts";
import { type Condition, type ContainerState, succeededCondition } from "../kubernetes/objects.ts";

const CANCELLED = new Set([
  "Cancelled",
  "TaskRunCancelled",
  "PipelineRunCancelled",
  "CancelledRunningFinally",
  "StoppedRunningFinally",
]);
const TIMED_OUT = new Set(["TaskRunTimeout", "PipelineRunTimeout", "TimeoutExceeded"]);

export type Outcome = { status: Status; reason?: string; message?: string; startedAt?: string; completedAt?: string };

/** How a TaskRun or PipelineRun stands. Reasons are an open set: what matters is the condition's status. */
export function outcomeOf(object: { conditions?: Condition[]; startTime?: string; completionTime?: string }): Outcome {
  const condition = succeededCondition(object.conditions);
  return {
    status: statusOf(condition, object.startTime !== undefined),
    ...(condition?.reason && { reason: condition.reason }),
    ...(condition?.message && { message: condition.message }),
    ...(object.startTime && { startedAt: object.startTime }),
    ...(object.completionTime && { completedAt: object.completionTime }),
  };
}

function statusOf(condition: Condition | undefined, started: boolean): Status {
  if (condition?.status === "True") return "succeeded";
  if (condition?.status === "False") {
    if (CANCELLED.has(condition.reason ?? "")) return "cancelled";
    return TIMED_OUT.has(condition.reason ?? "") ? "timed-out" : "failed";
  }
  return started ? "running" : "waiting";
}

/** Nothing of it can change any more. */
export const isDone = (status: Status): boolean => status !== "waiting" && status !== "running";

/** How a container stands; `termination` is what Tekton says of a step that Kubernetes only knows to have exited. */
export function containerOutcome(state: ContainerState, termination?: string): Outcome & { exitCode?: number } {
  const { terminated, running, waiting } = state;
  if (terminated) {
    return {
      status: terminationStatus(terminated.exitCode, termination ?? terminated.reason),
      exitCode: terminated.exitCode,
      ...((termination ?? terminated.reason) && { reason: termination ?? terminated.reason }),
      ...(terminated.startedAt && { startedAt: terminated.startedAt }),
      ...(terminated.finishedAt && { completedAt: terminated.finishedAt }),
    };
  }
  if (running) return { status: "running", ...(running.startedAt && { startedAt: running.startedAt }) };
  return {
    status: "waiting",
    ...(waiting?.reason && { reason: waiting.reason }),
    ...(waiting?.message && { message: waiting.message }),
  };
}

function terminationStatus(exitCode: number, reason: string | undefined): Status {
  if (reason === "Skipped") return "skipped";
  if (TIMED_OUT.has(reason ?? "")) return "timed-out";
  if (CANCELLED.has(reason ?? "")) return "cancelled";
  return exitCode === 0 ? "succeeded" : "failed";
}
