import { setTimeout as sleep } from "node:timers/promises";
import { timeAt } from "../../archive/line.ts";
import { LogConflict, type LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Logger } from "../logger.ts";
import { type ContainerRun, type ContainerView, viewOf } from "./container-view.ts";
import type { FollowSlots } from "./follow-slots.ts";
import { classifyStray } from "./kubelet-error.ts";
import type { Parsed } from "./line-parser.ts";
import { type LogEnd, readLog } from "./log-request.ts";
import { isTelling, neverStarted, unreadable, type Waiting } from "./missing.ts";
import type { PodState } from "./pod-state.ts";
import { Reading, WrongRun } from "./reading.ts";

export const TIMING = {
  /** Between two reads of a container that has no follow. */
  pollMs: 1_500,
  backoffMs: 250,
  maxBackoffMs: 10_000,
  /** A follow so silent may be dead, whatever the connection says (kubernetes-logs.md §7). */
  silenceMs: 4 * 60_000,
  /** kubelet cuts after 4 h, balancers after less. */
  maxAgeMs: 55 * 60_000,
  /** How long a replay may be still before what it holds decides. */
  settleMs: 5_000,
  waitMs: 30_000,
  /** A restart is in the pod's status this long after the container's first line, at the latest. */
  statusLagMs: 3_000,
};

/** So often a finished container's log is asked for in vain before it counts as unreadable. */
const LAST_TRIES = 5;

export type FollowerDeps = {
  client: KubernetesClient;
  slots: FollowSlots;
  run: ContainerRun;
  pod: PodState;
  /** Opens the log where the bucket has it. */
  openWriter: () => Promise<LogWriter>;
  /** Aborts, with a sentence as its reason, when the log is given up while its container still runs. */
  cut: AbortSignal;
  signal: AbortSignal;
  logger: Logger;
  timing?: Partial<typeof TIMING>;
};

/**
 * Takes one container run's log out of its pod, from its first line to its last: follows it while the container
 * runs, reads on where it left off after every interruption, and reads once more when the container has ended.
 */
export class Follower {
  readonly #deps: FollowerDeps;
  readonly #timing: typeof TIMING;
  #writer: LogWriter | undefined;
  #failures = 0;
  /** The last answer that held log ended in order: nothing that was written before its end is unread. */
  #drained = false;
  #rest: Buffer = Buffer.alloc(0);
  /** What the container waited for, while it did: a pod that is killed forgets it. */
  #waiting: Waiting | undefined;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#timing = { ...TIMING, ...deps.timing };
  }

  /** What is in the bucket so far. */
  get log(): Log | undefined {
    return this.#writer?.log();
  }

  /** Resolves when the log is finished, whatever its state. Rejects when `signal` aborts. */
  async run(): Promise<Log> {
    const { signal, logger, run } = this.#deps;
    for (;;) {
      signal.throwIfAborted();
      this.#writer = await this.#deps.openWriter();
      try {
        return await this.#follow(this.#writer);
      } catch (error) {
        this.#writer.abandon();
        if (!(error instanceof LogConflict)) throw error;
        logger.info({ ...run, err: error }, "another collector wrote this log; going on behind it");
        this.#drained = false;
        this.#rest = Buffer.alloc(0);
        await this.#backOff();
      }
    }
  }

  async #follow(writer: LogWriter): Promise<Log> {
    for (;;) {
      this.#deps.signal.throwIfAborted();
      if (writer.end) return writer.finish(writer.end);
      const view = this.#view();
      if (this.#deps.cut.aborted) return this.#cut(writer, view);
      if (this.#deps.pod.gone) return this.#finishWithoutPod(writer);
      if (view.phase === "waiting") {
        if (isTelling(view)) this.#waiting = view;
        if (this.#podEnded())
          return writer.finish({ state: "none", words: neverStarted(this.#deps.pod.pod, this.#waiting) });
        await this.#deps.pod.changed(this.#timing.waitMs, AbortSignal.any([this.#deps.signal, this.#deps.cut]));
        continue;
      }
      if (view.phase === "lost") return this.#finishUnreadable(writer, "its container was started again too often");
      const { end, reading } = await this.#read(writer, view);
      const log = await this.#decide(writer, view, end, reading);
      if (log) return log;
    }
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
  async #decide(
    writer: LogWriter,
    view: ContainerView,
    end: LogEnd,
    { fresh, rest, stray }: Reading,
  ): Promise<Log | undefined> {
    if (fresh > 0) this.#failures = 0;
    if (end.type === "closed" && !stray) {
      const unchanged = fresh === 0 && rest.equals(this.#rest);
      this.#rest = rest;
      this.#drained = true;
      if (view.phase === "terminated" && (unchanged || view.previous)) return this.#finish(writer);
      await this.#deps.pod.refresh(this.#deps.signal);
      if (view.phase === "running" && this.#view().phase === "running") await this.#pause(this.#timing.pollMs / 4);
      return undefined;
    }
    if (end.type === "broken" && !this.#deps.cut.aborted) this.#drained = false;
    this.#deps.logger.debug(
      { ...this.#deps.run, end: end.type, stray, err: "error" in end ? end.error : undefined },
      "log not read to its end",
    );
    if (stray && classifyStray(stray) === "no-watcher") this.#deps.slots.exhausted(this.#deps.run.node);
    await this.#deps.pod.refresh(this.#deps.signal).catch((error: unknown) => {
      // The API server is away: that the pod has gone must be said by the server, not guessed.
      this.#deps.logger.debug({ ...this.#deps.run, err: error }, "pod not read");
    });
    if (end.type === "refused" && (end.error.status === 401 || end.error.status === 403)) {
      // Rights can be given while the pod is still there: nothing is given up for want of them.
      this.#deps.logger.error(
        { ...this.#deps.run, err: end.error },
        "not allowed to read this log: grant get on pods/log",
      );
    } else if (view.phase === "terminated" && end.type !== "broken" && this.#failures >= LAST_TRIES) {
      return this.#finishUnreadable(writer, stray || (end.type === "refused" ? end.error.message : ""));
    }
    if (!this.#deps.pod.gone && !this.#deps.cut.aborted) await this.#backOff();
    return undefined;
  }

  async #read(writer: LogWriter, view: ContainerView): Promise<{ end: LogEnd; reading: Reading }> {
    const { client, run, slots, signal, cut } = this.#deps;
    const previous = view.phase === "terminated" && view.previous;
    const release = view.phase === "running" ? slots.acquire(run.node) : undefined;
    const reading = new Reading(writer, (text) => this.#isThisRun(text, previous));
    const stop = new AbortController();
    const silence = setTimeout(() => stop.abort(), this.#timing.silenceMs);
    const age = setTimeout(() => stop.abort(), this.#timing.maxAgeMs);
    const settle = setTimeout(() => reading.settle().catch(() => stop.abort()), this.#timing.settleMs);
    const consume = (parsed: Parsed) => {
      silence.refresh();
      if (reading.aligning) settle.refresh();
      return reading.take(parsed);
    };
    const request = { follow: release !== undefined, previous, since: reading.since };
    try {
      const end = await readLog(client, run, request, consume, AbortSignal.any([signal, cut, stop.signal]));
      await reading.end(end);
      return { end, reading };
    } catch (error) {
      if (!(error instanceof WrongRun)) throw error;
      return { end: { type: "broken", error }, reading };
    } finally {
      for (const timer of [silence, age, settle]) clearTimeout(timer);
      release?.();
    }
  }

  /**
   * No request names the run that it wants: a sidecar that was started again answers with the newer log. Its status
   * may come later than its first line, so that is waited out.
   */
  async #isThisRun(text: Buffer, previous: boolean): Promise<boolean> {
    const { run, pod, signal } = this.#deps;
    if (!run.restartable) return true;
    const began = Date.parse(timeAt(text, 0) ?? "");
    const waitMs = Math.min(this.#timing.statusLagMs, began + this.#timing.statusLagMs - Date.now());
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    await pod.refresh(signal);
    const view = this.#view();
    if (view.phase === "lost" || view.phase === "waiting") return false;
    return previous === (view.phase === "terminated" && view.previous);
  }

  /** Every line has been read. */
  async #finish(writer: LogWriter): Promise<Log> {
    writer.append(this.#rest);
    const [gap] = writer.gaps;
    return writer.finish(gap ? { state: "incomplete", words: gap.words } : { state: "whole" });
  }

  #finishWithoutPod(writer: LogWriter): Promise<Log> {
    const view = this.#view();
    const killed = view.phase === "terminated" || this.#deps.pod.pod.metadata.deletionTimestamp !== undefined;
    if (this.#drained && killed) return this.#finish(writer);
    const started = view.phase === "running" || (view.phase === "terminated" && view.terminated?.startedAt);
    if (!started && writer.lines === 0) {
      return writer.finish({ state: "none", words: neverStarted(this.#deps.pod.pod, this.#waiting) });
    }
    return this.#finishUnreadable(writer, "the pod was deleted");
  }

  /** The log cannot be read any more. It is whole if its end had been seen before. */
  async #finishUnreadable(writer: LogWriter, cause: string): Promise<Log> {
    if (this.#drained) return this.#finish(writer);
    const words = unreadable(writer.lines, cause);
    if (writer.lines === 0) return writer.finish({ state: "none", words });
    writer.append(this.#rest);
    writer.declare({
      afterLine: writer.lines,
      ...(writer.lastTime && { from: writer.lastTime }),
      cause: this.#deps.pod.gone ? "pod-deleted" : "unreadable",
      words,
    });
    return writer.finish({ state: "incomplete", words });
  }

  #cut(writer: LogWriter, view: ContainerView): Promise<Log> {
    if (view.phase !== "waiting") return writer.finish({ state: "cut", words: String(this.#deps.cut.reason) });
    return writer.finish({ state: "none", words: neverStarted(this.#deps.pod.pod, this.#waiting) });
  }

  #backOff(): Promise<void> {
    const limit = Math.min(this.#timing.maxBackoffMs, this.#timing.backoffMs * 2 ** this.#failures++);
    return this.#pause(limit * (0.5 + Math.random() / 2));
  }

  async #pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#deps.signal, this.#deps.cut]);
    await sleep(ms, undefined, { signal }).catch(() => {}); // the loop looks at both signals next
  }
}
