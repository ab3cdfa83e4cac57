import type { ContainerState, ContainerStatus, Pod, Terminated } from "../kubernetes/objects.ts";

/** One container run in the cluster. */
export type ContainerRun = {
  namespace: string;
  pod: string;
  podUid: string;
  /** Empty until the pod has one. */
  readonly node: string;
  container: string;
  /** Kubernetes' own restart count within this pod. */
  restart: number;
  /** It may be started again: sidecars are, steps and init containers of Tekton's pods never. */
  restartable: boolean;
};

/**
 * What is known of a container run at this moment. `previous`: the container has been started again since, so that
 * its log is the previous one.
 */
export type ContainerView =
  | { phase: "waiting"; reason?: string; message?: string }
  | { phase: "running"; startedAt?: string }
  | { phase: "terminated"; previous: boolean; terminated: Terminated | undefined }
  /** Started again more than once since: Kubernetes keeps one previous log, and this is an older one. */
  | { phase: "lost" };

const states = (pod: Pod): ContainerStatus[] => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
];

export const containerStatus = (pod: Pod, container: string): ContainerStatus | undefined =>
  states(pod).find((status) => status.name === container);

/** How the container run stands in this state of its pod. */
export function viewOf(pod: Pod, container: string, restart: number): ContainerView {
  const status = containerStatus(pod, container);
  const count = status?.restartCount ?? 0;
  if (count > restart + 1) return { phase: "lost" };
  if (count === restart + 1) return { phase: "terminated", previous: true, terminated: status?.lastState?.terminated };
  return stateView(status?.state ?? {});
}

function stateView({ running, waiting, terminated }: ContainerState): ContainerView {
  if (terminated) return { phase: "terminated", previous: false, terminated };
  if (running) return { phase: "running", ...(running.startedAt && { startedAt: running.startedAt }) };
  return {
    phase: "waiting",
    ...(waiting?.reason && { reason: waiting.reason }),
    ...(waiting?.message && { message: waiting.message }),
  };
}
