/** After a node has refused a follow, how long no new one is opened there. */
const EXHAUSTED_MS = 60_000;

/**
 * How many follows may be open per node: each costs one of kubelet's inotify instances, of which a node has 128 by
 * default (kubernetes-logs.md §8). Who gets none polls.
 */
export class FollowSlots {
  readonly #cap: number;
  readonly #now: () => number;
  readonly #open = new Map<string, number>();
  readonly #exhausted = new Map<string, number>();

  constructor(cap: number, now: () => number = Date.now) {
    this.#cap = cap;
    this.#now = now;
  }

  /**
   * A function that gives the slot back; undefined if there is none free. What is `endangered` gets one in any case:
   * of a pod that is being deleted or evicted only a stream that is open saves the end.
   */
  acquire(node: string, endangered = false): (() => void) | undefined {
    const open = this.#open.get(node) ?? 0;
    const taken = open >= this.#cap || (this.#exhausted.get(node) ?? 0) > this.#now();
    if (taken && !endangered) return undefined;
    this.#open.set(node, open + 1);
    let held = true;
    return () => {
      if (held) this.#open.set(node, (this.#open.get(node) ?? 1) - 1);
      held = false;
    };
  }

  /** The node could not open one more. */
  exhausted(node: string): void {
    this.#exhausted.set(node, this.#now() + EXHAUSTED_MS);
  }
}
