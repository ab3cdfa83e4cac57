import type { ContainerView } from "./container-view.ts";
import type { GapCause } from "./missing.ts";
import type { Reading } from "./reading.ts";
import type { Relayed } from "./relay.ts";

/** A follow that ended with its container may be so much behind: a busy node sends what was printed later. */
const BEHIND_MS = 60_000;

/** Whether lines may be missing behind the last one that a log has, as far as the answers tell that were read. */
export class FearedLoss {
  #cause: GapCause | undefined;
  /** When a follow that gave the log's last line, or had it behind it, ended in order; in ms since 1970. */
  #followedTo: number | undefined;

  get cause(): GapCause | undefined {
    return this.#cause;
  }

  /** A follow has ended. One that was refused, or gave nothing that follows from the log's last line, tells nothing new. */
  followed({ end, reading, mayLack }: Relayed): void {
    if (end.type === "refused" || (reading.aligning && !mayLack)) return;
    const isEnded = end.type === "closed";
    this.#followedTo = isEnded ? Date.now() : undefined;
    if (mayLack) this.#cause = "unseen";
    else if (isEnded) this.#cause = undefined;
    else this.#cause = end.type === "full" ? "store-away" : "rotated";
  }

  /** An answer has ended in order for which `view` had the container as finished. */
  readAfterEnd(reading: Reading, view: ContainerView): void {
    // Where the newest file has the log's last line, no other one was begun after it.
    if (!reading.aligning) this.#cause = undefined;
    else if (!endedTogether(this.#followedTo, view, BEHIND_MS)) this.#cause ??= "rotated";
  }
}

/** A follow that ended at `followEnded`, in ms since 1970, ended when its container did, or was at most `lateMs` late. */
export function endedTogether(followEnded: number | undefined, view: ContainerView, lateMs = 5_000): boolean {
  const finished = view.phase === "terminated" ? Date.parse(view.terminated?.finishedAt ?? "") : Number.NaN;
  const endedMs = (followEnded ?? Number.NaN) - finished;
  // Kubernetes gives whole seconds; clocks that differ more leave the fear, and the gap that says so.
  return endedMs > -2_000 && endedMs < lateMs;
}
