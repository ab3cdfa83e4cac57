import type { ContainerRun } from "./container-run.ts";
import { kubeletErrors, type LogFault } from "./faults.ts";
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
  readonly #lost = new Map<string, PromiseWithResolvers<void>>();
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

  /** Why the node's kubelet takes no connections, in Go's words; undefined when it does. */
  unreachable(nodeName: string): string | undefined {
    if (this.#lost.has(nodeName)) return "connect: no route to host";
    return this.#down.has(nodeName) ? "connect: connection refused" : undefined;
  }

  isLost(nodeName: string | undefined): boolean {
    return nodeName !== undefined && this.#lost.has(nodeName);
  }

  /** Where a new pod goes: `node-1`, or the next one that is not lost. */
  freeNode(): string {
    let number = 1;
    while (this.isLost(`node-${number}`)) number += 1;
    return `node-${number}`;
  }

  knows(pod: Pod): boolean {
    return !this.#down.has(pod.nodeName ?? "");
  }

  /** Every follow of the node dies with the process; until `started` requests get kubelet's 404. */
  stop(nodeName: string): void {
    this.#down.add(nodeName);
    this.#strikeFollows(nodeName, { kind: "reset", afterBytes: 0 });
  }

  started(nodeName: string): void {
    this.#down.delete(nodeName);
  }

  /** Nobody can reach the node any more: its follows stay open and are silent for ever. */
  lose(nodeName: string): void {
    if (this.#lost.has(nodeName)) return;
    this.#lost.set(nodeName, Promise.withResolvers());
    this.#strikeFollows(nodeName, { kind: "silence", afterBytes: 0 });
  }

  /** The control plane has given up the lost node's pods. */
  givenUp(nodeName: string): void {
    this.#lost.get(nodeName)?.resolve();
  }

  /** Resolves at once for a pod whose node is there, and for another when its fate is known to the API. */
  async fateKnown(pod: Pod): Promise<void> {
    await this.#lost.get(pod.nodeName ?? "")?.promise;
  }

  #strikeFollows(nodeName: string, fault: LogFault): void {
    for (const follow of [...this.#follows]) if (follow.pod.nodeName === nodeName) follow.body.strike(fault);
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
