import type { ContainerView } from "./container-view.ts";

const nsOf = (ms: number): bigint => BigInt(ms) * 1_000_000n;

/**
 * Knows whether a log's beginning may have been rotated away before anybody read it. Nothing in a log shows that: who
 * comes late and finds its first line late too must fear it (kubernetes-logs.md §5, §10a).
 */
export class Lateness {
  readonly #lateMs: number;
  readonly #promptMs: number;
  #lastRead = Number.NEGATIVE_INFINITY;
  #first: { expectedBy: bigint | undefined } | undefined;

  /**
   * @param lateMs what may pass between a container's start and the first reading without any doubt
   * @param promptMs by when after its start a container has printed its first line, if nothing is to be missing before it
   */
  constructor(lateMs: number, promptMs: number) {
    this.#lateMs = lateMs;
    this.#promptMs = promptMs;
  }

  /**
   * By when the log's first line must have been printed for nothing to be missing before it, in nanoseconds since
   * 1970; undefined if reading is not late.
   * @param begun when the process began, if that is known to be later than its container's start
   * @param now in ms
   */
  expectedBy(view: ContainerView, begun: string | undefined, now: number): bigint | undefined {
    const started =
      view.phase === "terminated" ? view.terminated?.startedAt : view.phase === "running" ? view.startedAt : undefined;
    const began = Math.max(...[started, begun].flatMap((time) => Date.parse(time ?? "") || []));
    const since = Math.max(began, this.#lastRead);
    return Number.isFinite(since) && now - since > this.#lateMs ? nsOf(since + this.#promptMs) : undefined;
  }

  /** An answer of the log endpoint has begun; the first one decides about a log that stays empty. */
  answered(expectedBy: bigint | undefined): void {
    this.#first ??= { expectedBy };
  }

  /** A stream was open until now, in ms. */
  read(now: number): void {
    this.#lastRead = now;
  }

  /** Whether the container, whose log is empty, may have printed something before the first answer. */
  doubtsEmpty(view: ContainerView): boolean {
    const finished = view.phase === "terminated" ? Date.parse(view.terminated?.finishedAt ?? "") : Number.NaN;
    const by = this.#first?.expectedBy;
    return by !== undefined && !Number.isNaN(finished) && nsOf(finished) > by;
  }
}
