import { setTimeout as delay } from "node:timers/promises";
import { timeText } from "./clock.ts";
import { resources } from "./kubernetes-objects.ts";
import type { Pod } from "./pod.ts";
import { withCondition } from "./pod-conditions.ts";
import { PodOperations } from "./pod-operations.ts";

/** What nodes and the control plane do to pods that only wanted to run. */
export class NodeOperations extends PodOperations {
  /** All follows of the node break, and for a while kubelet answers 404. */
  async restartKubelet({
    nodeName = "node-1",
    downMs = 0,
  }: {
    nodeName?: string;
    downMs?: number;
  } = {}): Promise<void> {
    this.kubelet.stop(nodeName);
    if (downMs > 0) await delay(downMs);
    this.kubelet.started(nodeName);
  }

  /**
   * The node cannot be reached any more, for good: follows are silent, requests fail, statuses stand still, while the
   * containers go on unseen. The control plane's steps of the next minutes, up to the taint manager's deletion, come
   * at once.
   */
  loseNode(nodeName: string): void {
    this.kubelet.lose(nodeName);
    for (const pod of this.#podsOf(nodeName)) {
      const lastTransitionTime = timeText(this.clock.nowNs());
      const notReady = { type: "Ready", status: "False", lastProbeTime: null, lastTransitionTime };
      this.updateObject(pod, (object) => ({ ...object, status: withCondition(object.status, notReady) }));
      this.disrupt(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint");
      // The API server waits for no kubelet where nothing runs any more.
      if (this.#hasEnded(pod)) this.finishDeletion(pod);
      else this.beginDeletion(pod);
    }
  }

  /** podgc, once the Node object is gone: the lost node's pods are Failed, then deleted; only now their containers end. */
  collectOrphans(nodeName: string): void {
    for (const pod of this.#podsOf(nodeName)) {
      pod.failure = {};
      pod.deletion = "graceful";
      this.disrupt(pod, "DeletionByPodGC", "PodGC: node no longer exists");
      this.updateObject(pod, (object) => ({ ...object, status: { ...object.status, phase: "Failed" } }));
      this.killContainers(pod);
      this.finishDeletion(pod);
    }
    this.kubelet.givenUp(nodeName);
  }

  /** A pod of higher priority needs the place: killed after the grace, then deleted. */
  async preempt(pod: Pod, { graceMs = 0 }: { graceMs?: number } = {}): Promise<void> {
    this.disrupt(pod, "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod");
    await this.deletePod(pod, { graceMs });
  }

  /** Node pressure: the pod object stays as Failed, containers and log files do not. */
  evict(pod: Pod, message = "The node was low on resource: ephemeral-storage."): void {
    pod.failure = { reason: "Evicted", message };
    this.disrupt(pod, "TerminationByKubelet", message);
    for (const { current } of pod.containers.values()) if (current?.running) current.exit(137, "Error");
    this.deleteFiles(pod);
    this.publish(pod);
  }

  /** The kernel kills the container's process for its memory. */
  oomKill(pod: Pod, container: string): void {
    this.exit(pod, container, 137, "OOMKilled");
  }

  /** Tells that something other than the pod itself is about to end it. */
  disrupt(pod: Pod, reason: string, message: string): void {
    const lastTransitionTime = timeText(this.clock.nowNs());
    const condition = { type: "DisruptionTarget", status: "True", reason, message, lastTransitionTime };
    this.updateObject(pod, (object) => ({ ...object, status: withCondition(object.status, condition) }));
  }

  /** Those that the API still has. */
  #podsOf(nodeName: string): Pod[] {
    return [...this.kubelet.pods()].filter((pod) => pod.nodeName === nodeName && this.owns(pod));
  }

  /** As far as the API knows. */
  #hasEnded(pod: Pod): boolean {
    const phase = this.store.get(resources.pods, pod.namespace, pod.name)?.status?.phase;
    return phase === "Succeeded" || phase === "Failed";
  }
}
