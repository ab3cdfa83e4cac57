import type { ContainerRun } from "./container-run.ts";
import { kubeletErrors } from "./faults.ts";
import type { FaultyBody } from "./faulty-body.ts";
import type { LogFollower } from "./log-follower.ts";
import type { Pod } from "./pod.ts";

export type OpenFollow = {
  pod: Pod;
  container: string;
  run: ContainerRun;
  follower: LogFollower;
  body: FaultyBody;
};

/** All nodes' kubelets: which pods they run, and what open follows cost them. */
export class Kubelet {
  readonly #pods = new Map<string, Pod>();
  readonly #follows = new Set<OpenFollow>();
  readonly #watchers = new Map<string, number>();
  readonly #down = new Set<string>();
  /** inotify instances per node that follows may take. */
  watcherLimit = Number.POSITIVE_INFINITY;

  add(pod: Pod): void {
    this.#pods.set(pod.uid, pod);
  }

  /** By UID; pods that were deleted stay known, for the truth. */
  pod(uid: string): Pod | undefined {
    return this.#pods.get(uid);
  }

  pods(): Iterable<Pod> {
    return this.#pods.values();
  }

  /** Whether the node's kubelet takes connections. */
  reachable(nodeName: string): boolean {
    return !this.#down.has(nodeName);
  }

  knows(pod: Pod): boolean {
    return this.reachable(pod.nodeName ?? "");
  }

  /** Every follow of the node dies with the process; until `started` requests get kubelet's 404. */
  stop(nodeName: string): void {
    this.#down.add(nodeName);
    for (const follow of [...this.#follows])
      if (follow.pod.nodeName === nodeName) follow.body.strike({ kind: "reset", afterBytes: 0 });
  }

  started(nodeName: string): void {
    this.#down.delete(nodeName);
  }

  acquireWatcher(pod: Pod): { release: () => void } | { error: string } {
    const node = pod.nodeName ?? "";
    const taken = this.#watchers.get(node) ?? 0;
    if (taken >= this.watcherLimit) return { error: kubeletErrors.tooManyOpenFiles };
    this.#watchers.set(node, taken + 1);
    return { release: () => this.#watchers.set(node, (this.#watchers.get(node) ?? 1) - 1) };
  }

  registerFollow(follow: OpenFollow): () => void {
    this.#follows.add(follow);
    return () => this.#follows.delete(follow);
  }

  follows(): OpenFollow[] {
    return [...this.#follows];
  }
}
