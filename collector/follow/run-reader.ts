import { setTimeout as sleep } from "node:timers/promises";
import { replayFrom } from "../../archive/alignment.ts";
import { timeAt } from "../../archive/line.ts";
import type { LogWriter } from "../../archive/log-writer.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Metrics } from "../metrics.ts";
import { type ContainerRun, type ContainerView, viewOf } from "./container-view.ts";
import type { FollowSlots } from "./follow-slots.ts";
import type { Lateness } from "./lateness.ts";
import { LogStream } from "./log-stream.ts";
import type { GapCause } from "./missing.ts";
import type { PodState } from "./pod-state.ts";
import { Reading, type ReadingOptions, type Recover, WrongRun } from "./reading.ts";
import type { Redact } from "./redaction.ts";
import { Relay, type Relayed } from "./relay.ts";
import type { Timing } from "./timing.ts";

/** A log of this size is read again as a whole. */
const SMALL_BYTES = 1024 * 1024;

export type RunReaderDeps = {
  client: KubernetesClient;
  slots: FollowSlots;
  run: ContainerRun;
  pod: PodState;
  /** When its process began, if that is known to be later than the container's start: steps wait for their turn. */
  begun: () => string | undefined;
  /** Fetches from the node what it has rotated, where that is allowed. */
  recover?: ((writer: LogWriter) => Recover) | undefined;
  redact?: Redact | undefined;
  /** Asks how the pod is; false if nobody answered. */
  look: () => Promise<boolean>;
  lateness: Lateness;
  metrics: Metrics;
  timing: Timing;
  /** Ends a read. */
  stop: AbortSignal;
  /** Everything stops at once. */
  signal: AbortSignal;
};

/** What a read came to; `follow`: it was one that goes on while the container runs. */
export type Read = Relayed & { follow: boolean };

export type ReadOptions = {
  /** A follow that is only to show that there is nothing more need not be given all again. */
  isCheck: boolean;
  /** Why the answer may begin behind the log's end. */
  cause: GapCause;
  /** The container has ended, and so did a follow, with this line cut or none. */
  ended: Buffer | undefined;
};

/** Reads one container run's log into its writer: from what the writer has to the end of what there is. */
export class RunReader {
  readonly #deps: RunReaderDeps;

  constructor(deps: RunReaderDeps) {
    this.#deps = deps;
  }

  /** Resolves when no stream is open any more. @throws what keeps the writer from taking text */
  async read(writer: LogWriter, view: ContainerView, { isCheck, cause, ended }: ReadOptions): Promise<Read> {
    const { client, run, slots, pod, metrics, lateness, redact, timing, stop } = this.#deps;
    const previous = view.phase === "terminated" && view.previous;
    const release = view.phase === "running" ? slots.acquire(run.node, pod.endangered) : undefined;
    const follow = release !== undefined;
    const open = () => {
      const since = follow && !isCheck ? undefined : this.#since(writer, view);
      return LogStream.open(client, run, { follow, previous, since, redact }, stop);
    };
    const reading: ReadingOptions = {
      confirm: (text) => this.#isThisRun(text, previous),
      expectedBy: writer.empty ? lateness.expectedBy(view, this.#deps.begun(), Date.now()) : undefined,
      cause,
      ended: ended && { cut: ended, timing },
      recover: this.#deps.recover?.(writer),
      leapMs: timing.leapMs,
    };
    if (follow) metrics.follows.inc();
    try {
      const stream = await open();
      const hasEnded = () => this.#hasEnded();
      const deps = { open, writer, reading, timing, podLeft: pod.left, hasEnded, stop, onSuccessor: metrics.successor };
      if (!stream.end) lateness.answered(reading.expectedBy);
      const read = await new Relay(deps, stream, new Reading(writer, reading)).run();
      if (read.end.type !== "refused") lateness.read(Date.now());
      return { ...read, follow };
    } catch (error) {
      if (!(error instanceof WrongRun)) throw error;
      const end = { type: "broken", error } as const;
      return { end, reading: new Reading(writer, reading), silentMs: 0, mayLack: false, follow: false };
    } finally {
      if (follow) metrics.follows.dec();
      release?.();
    }
  }

  /**
   * From when a log is asked for that has been read to its end once. A follow that goes on gets the newest file as a
   * whole: with `sinceTime`, kubelet would leave out whatever is printed after a clock's step back.
   */
  #since(writer: LogWriter, view: ContainerView): string | undefined {
    const from = replayFrom(writer.marks());
    if (from === undefined || writer.log().bytes < SMALL_BYTES) return undefined;
    const finished = view.phase === "terminated" ? Date.parse(view.terminated?.finishedAt ?? "") : Number.NaN;
    if (finished + 1_000 < Date.parse(writer.lastTime ?? "")) return undefined; // the clock has stepped back
    return new Date(Date.parse(from) - this.#deps.timing.overlapMs).toISOString();
  }

  /** A container's end may be in its pod's status a little later than its log's stream shows it. */
  async #hasEnded(): Promise<boolean> {
    const { run, pod, look, timing, stop } = this.#deps;
    const end = Date.now() + timing.statusLagMs;
    const isRunning = () => viewOf(pod.pod, run.container, run.restart).phase === "running";
    while (isRunning() && !pod.gone && Date.now() < end && !stop.aborted) {
      await look();
      if (isRunning()) await pod.changed(Math.max(1, Math.min(timing.pollMs, end - Date.now())), stop);
    }
    return pod.gone || !isRunning();
  }

  /**
   * No request names the run that it wants: a sidecar that was started again answers with the newer log. Its status
   * may come later than its first line, so that is waited out.
   */
  async #isThisRun(text: Buffer, previous: boolean): Promise<boolean> {
    const { run, pod, look, timing, signal } = this.#deps;
    if (!run.restartable) return true;
    const began = Date.parse(timeAt(text, 0) ?? "");
    const waitMs = Math.min(timing.statusLagMs, began + timing.statusLagMs - Date.now());
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    if (!(await look())) return false;
    const view = viewOf(pod.pod, run.container, run.restart);
    if (view.phase === "lost" || view.phase === "waiting") return false;
    return previous === (view.phase === "terminated" && view.previous);
  }
}
