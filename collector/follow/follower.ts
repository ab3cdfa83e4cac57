import type { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import type { Logger } from "../logger.ts";
import { type ContainerView, viewOf } from "./container-view.ts";
import { finishCut, finishUnreadable, finishWhole, finishWithoutPod } from "./ending.ts";
import { endedTogether, FearedLoss } from "./feared-loss.ts";
import { classifyStray } from "./kubelet-error.ts";
import { Lateness } from "./lateness.ts";
import { isTelling, neverStarted, type Waiting } from "./missing.ts";
import { RedactionError } from "./redaction.ts";
import type { RelayEnd } from "./relay.ts";
import { type Read, RunReader, type RunReaderDeps } from "./run-reader.ts";
import { TIMING, type Timing } from "./timing.ts";

export type FollowerDeps = Omit<RunReaderDeps, "look" | "lateness" | "timing" | "stop"> & {
  /** Opens the log where the bucket has it. */
  openWriter: () => Promise<LogWriter>;
  /** Aborts, with a sentence as its reason, when the log is given up while its container still runs. */
  cut: AbortSignal;
  /** Aborts when another collector is to go on: what was read is stored first. */
  release: AbortSignal;
  logger: Logger;
  timing?: Partial<Timing>;
};

/**
 * Takes one container run's log out of its pod, from its first line to its last: follows it while the container
 * runs, reads on where it left off after every interruption, and reads once more when the container has ended.
 */
export class Follower {
  readonly #deps: FollowerDeps;
  readonly #timing: Timing;
  readonly #stop: AbortSignal;
  readonly #lateness: Lateness;
  readonly #reader: RunReader;
  #writer: LogWriter | undefined;
  #failures = 0;
  #failingSince: number | undefined;
  /** The container has ended, and what it wrote was read to the end. */
  #drained = false;
  readonly #fearedLoss = new FearedLoss();
  /** When a follow ended in order soon after a line: as a rule that is when its container ended. */
  #followEndedAt: number | undefined;
  /** Reading was given up because the store was too far behind. */
  #storeAway = false;
  #rest: Buffer = Buffer.alloc(0);
  /** What the container waited for, while it did: a pod that is killed forgets it. */
  #waiting: Waiting | undefined;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#timing = { ...TIMING, ...deps.timing };
    this.#stop = AbortSignal.any([deps.signal, deps.cut, deps.release]);
    this.#lateness = new Lateness(this.#timing.lateMs, this.#timing.promptMs);
    const own = { look: () => this.#look(), lateness: this.#lateness, timing: this.#timing, stop: this.#stop };
    this.#reader = new RunReader({ ...deps, ...own });
  }

  /** What is in the bucket so far. */
  get log(): Log | undefined {
    return this.#writer?.log();
  }

  /**
   * Resolves when the log is finished, whatever its state.
   * @throws the reason of `release`, once what was read is stored; of `signal`, at once
   */
  async run(): Promise<Log> {
    const writer = await this.#deps.openWriter();
    this.#writer = writer;
    try {
      let log: Log | undefined;
      while (!log) log = await this.#step(writer);
      return log;
    } finally {
      writer.abandon();
    }
  }

  async #step(writer: LogWriter): Promise<Log | undefined> {
    const { signal, cut, release, pod } = this.#deps;
    signal.throwIfAborted();
    if (release.aborted) await writer.flush();
    release.throwIfAborted();
    if (writer.end) return writer.finish(writer.end);
    const view = this.#view();
    if (cut.aborted) return finishCut(writer, view, pod.pod, this.#waiting, String(cut.reason));
    if (pod.gone) return this.#finishWithoutPod(writer);
    if (view.phase === "lost") return this.#finishUnreadable(writer, "its container was started again too often");
    if (view.phase === "waiting") {
      if (isTelling(view)) this.#waiting = view;
      if (this.#podEnded()) return writer.finish({ state: "none", words: neverStarted(pod.pod, this.#waiting) });
      await pod.changed(this.#timing.waitMs, this.#stop);
      return undefined;
    }
    return this.#decide(writer, view, await this.#read(writer, view));
  }

  #view(): ContainerView {
    return viewOf(this.#deps.pod.pod, this.#deps.run.container, this.#deps.run.restart);
  }

  /** A pod that has ended starts no more containers. */
  #podEnded(): boolean {
    const phase = this.#deps.pod.pod.status?.phase;
    return phase === "Failed" || phase === "Succeeded";
  }

  /** What follows from a read: the finished log, or undefined to go on. `view` is from before the read. */
  async #decide(writer: LogWriter, view: ContainerView, read: Read): Promise<Log | undefined> {
    const { end, reading } = read;
    const { fresh, rest, stray } = reading;
    if (fresh > 0) this.#succeeded();
    if (end.type === "full") {
      this.#storeAway = true;
      this.#drained = false;
      await writer.ready();
      return undefined;
    }
    if (end.type === "closed" && !stray) {
      const unchanged = fresh === 0 && rest.equals(this.#rest);
      this.#succeeded();
      this.#rest = rest;
      if (view.phase === "terminated") {
        this.#drained = true;
        this.#fearedLoss.readAfterEnd(reading, view);
        if (unchanged || view.previous) return this.#finish(writer, view);
      } else await this.#endedWhileRunning(read, unchanged);
      return undefined;
    }
    if (this.#stop.aborted) return undefined;
    if (end.type === "broken") this.#drained = false;
    return this.#failed(writer, view, end, stray);
  }

  /**
   * An answer ended in order, and the container ran when it was asked for. A follow ends so with its container, before
   * the pod's status says it, but also at a balancer's idle limit; a second one that ends at once with nothing new
   * tells the two apart.
   */
  async #endedWhileRunning({ follow, silentMs }: Read, unchanged: boolean): Promise<void> {
    const first = this.#followEndedAt === undefined;
    this.#drained = follow && !first && unchanged;
    if (!follow) this.#followEndedAt = undefined;
    else if (first && silentMs < this.#timing.idleMs) this.#followEndedAt = Date.now();
    await this.#look();
    if (this.#view().phase === "running" && !(follow && first)) await this.#pause(this.#timing.pollMs);
  }

  async #failed(writer: LogWriter, view: ContainerView, end: RelayEnd, stray: string): Promise<Log | undefined> {
    const { logger, run, slots, pod, metrics } = this.#deps;
    const error = "error" in end ? end.error : undefined;
    const isRefused = error instanceof RedactionError;
    const kind = stray ? classifyStray(stray) : isRefused ? "redaction" : end.type;
    metrics.interrupted(kind);
    if (isRefused) logger.error({ ...run, err: error }, error.message);
    else if (kind === "unknown")
      logger.warn({ ...run, stray }, "the log endpoint sent text that is no log; it was left out");
    else logger.debug({ ...run, end: end.type, stray, err: error }, "log not read to its end");
    this.#failingSince ??= Date.now();
    if (kind === "no-watcher") slots.exhausted(run.node);
    await this.#look();
    const status = end.type === "refused" ? end.error.status : 0;
    if (status === 401 || status === 403) {
      // Rights can be given while the pod is still there: nothing is given up for want of them.
      logger.error({ ...run, err: error }, "not allowed to read this log: grant get on pods/log");
    } else if (view.phase === "terminated" && end.type !== "broken") {
      const said = status === 400 || stray !== "";
      const limit = said ? this.#timing.goneMs : this.#timing.unreadableMs;
      const cause = stray || (end.type === "refused" ? end.error.message : "");
      if (Date.now() - this.#failingSince >= limit) return this.#finishUnreadable(writer, cause);
    }
    if (!pod.gone) await this.#backOff();
    return undefined;
  }

  /** Asks how the pod is. False if nobody answered: that it has gone must be said by the server, not guessed. */
  async #look(): Promise<boolean> {
    const { pod, signal, logger, run } = this.#deps;
    try {
      await pod.refresh(signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      logger.debug({ ...run, err: error }, "the pod could not be looked at");
      return false;
    }
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#failingSince = undefined;
  }

  async #read(writer: LogWriter, view: ContainerView): Promise<Read> {
    const read = await this.#reader.read(writer, view, {
      isCheck: this.#followEndedAt !== undefined,
      cause: this.#storeAway ? "store-away" : "rotated",
      ended: endedTogether(this.#followEndedAt, view) ? this.#rest : undefined,
    });
    if (read.reading.fresh > 0) this.#followEndedAt = undefined;
    if (read.follow) this.#fearedLoss.followed(read);
    this.#storeAway = false;
    return read;
  }

  /** Every line has been read. */
  #finish(writer: LogWriter, view = this.#view()): Promise<Log> {
    writer.append(this.#rest);
    const { recover } = this.#deps;
    const { fileMs } = this.#timing;
    return finishWhole(writer, { view, lateness: this.#lateness, feared: this.#fearedLoss.cause, fileMs, recover });
  }

  #finishWithoutPod(writer: LogWriter): Promise<Log> {
    const view = this.#view();
    writer.append(this.#rest);
    return finishWithoutPod(writer, {
      view,
      pod: this.#deps.pod.pod,
      waiting: this.#waiting,
      drained: this.#drained && !this.#fearedLoss.cause,
      followEnded: this.#followEndedAt !== undefined && !this.#fearedLoss.cause,
    });
  }

  /** The log cannot be read any more. It is whole if its end had been seen before. */
  #finishUnreadable(writer: LogWriter, cause: string): Promise<Log> {
    if (this.#drained || endedTogether(this.#followEndedAt, this.#view())) return this.#finish(writer);
    writer.append(this.#rest);
    return finishUnreadable(writer, "unreadable", cause);
  }

  #backOff(): Promise<void> {
    const limit = Math.min(this.#timing.maxBackoffMs, this.#timing.backoffMs * 2 ** this.#failures++);
    return this.#pause(limit * (0.5 + Math.random() / 2));
  }

  /** Ends early when the pod is about to go, or has gone. */
  async #pause(ms: number): Promise<void> {
    const end = Date.now() + ms;
    const { pod } = this.#deps;
    const endangered = pod.endangered;
    while (!this.#stop.aborted && Date.now() < end && !pod.gone && pod.endangered === endangered) {
      await pod.changed(Math.max(1, end - Date.now()), this.#stop);
    }
  }
}
