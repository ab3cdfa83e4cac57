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

/** Why lines between two others, before the first or after the last may be missing. */
export type GapCause = "rotated" | "read-late" | "skipped" | "unseen" | "store-away";

/** For people. */
export function gapWords(cause: GapCause): string {
  switch (cause) {
    case "rotated":
      return "Lines between these two may be missing: the node had rotated the log before it could be read on.";
    case "skipped":
      return "Lines between these two may be missing: the node came late with them and may have skipped a file that it had rotated meanwhile.";
    case "unseen":
      return "Lines after this one may be missing: the node was too busy at the container's end to show every file of its log.";
    case "store-away":
      return "Lines between these two may be missing: the store was away for so long that no more could be kept for it, and meanwhile the node rotated the log.";
    case "read-late":
      return "What was printed at first may be missing: the container had run for a while before Afterlog began to read, and the node may have rotated its log.";
  }
}

/** Why the rest of a log, or all of it, cannot be read; `cause` comes from Kubernetes. */
export function unreadable(empty: boolean, cause: string): string {
  const why = cause || "Kubernetes does not give it any more";
  return empty
    ? `Its log could not be read: ${why}`
    : `Lines after this one may be missing: ${why} before the log was read to its end`;
}

/** What took a pod's logs away. */
export type LossCause = "evicted" | "preempted" | "node-lost" | "pod-deleted";

/** A gap's cause, and the same in words. */
export function lossOf(pod: Pod): { cause: LossCause; words: string } {
  const disruption = pod.status?.conditions?.find(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );
  const reason = disruption?.reason ?? pod.status?.reason;
  const message = disruption?.message ?? pod.status?.message;
  const detail = message ? ` (${message.split("\n", 1)[0]?.slice(0, 200)})` : "";
  switch (reason) {
    case "Evicted":
    case "EvictionByEvictionAPI":
    case "TerminationByKubelet":
      return { cause: "evicted", words: `the pod was evicted${detail}` };
    case "PreemptionByScheduler":
    case "Preempting":
      return { cause: "preempted", words: `the pod had to make room for another one${detail}` };
    case "DeletionByTaintManager":
    case "DeletionByPodGC":
    case "NodeLost":
    case "NodeShutdown":
    case "Terminated":
      return { cause: "node-lost", words: `its node was lost${detail}` };
    default:
      return { cause: "pod-deleted", words: "the pod was deleted" };
  }
}
