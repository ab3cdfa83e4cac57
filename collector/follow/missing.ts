import type { Pod } from "../kubernetes/objects.ts";
import type { ContainerView } from "./container-view.ts";

export type Waiting = Extract<ContainerView, { phase: "waiting" }>;

/** Says something: every container is created and waits for its pod's init containers. */
export const isTelling = ({ reason }: Waiting): boolean =>
  reason !== undefined && reason !== "PodInitializing" && reason !== "ContainerCreating";

/** Why a container never wrote a log, for people; `waiting` is what it was last seen to wait for. */
export function neverStarted(pod: Pod, waiting: Waiting | undefined): string {
  if (waiting && isTelling(waiting)) {
    return `Its container never started: ${waiting.reason}${waiting.message ? `, ${waiting.message}` : ""}`;
  }
  const scheduled = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled");
  if (scheduled?.status === "False") {
    return `Its pod was never scheduled: ${scheduled.message ?? scheduled.reason ?? "no node could take it"}`;
  }
  const reason = [pod.status?.reason, pod.status?.message].filter(Boolean).join(", ");
  return reason ? `Its container never started: ${reason}` : "Its container never started: the pod ended before";
}

/** Why the rest of a log, or all of it, cannot be read; `cause` comes from Kubernetes. */
export function unreadable(lines: number, cause: string): string {
  const why = cause || "Kubernetes does not give it any more";
  return lines === 0
    ? `Its log could not be read: ${why}`
    : `Lines after this one may be missing: ${why} before the log was read to its end`;
}
