import { setTimeout as sleep } from "node:timers/promises";
import { timeAt, timeLength } from "../../archive/line.ts";
import { LogConflict, type LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Logger } from "../logger.ts";
import { type Aligned, Alignment, replayFrom } from "./alignment.ts";
import { type ContainerRun, type ContainerView, viewOf } from "./container-view.ts";
import type { FollowSlots } from "./follow-slots.ts";
import { classifyStray } from "./kubelet-error.ts";
import type { Parsed } from "./line-parser.ts";
import { type LogEnd, readLog } from "./log-request.ts";
import { isTelling, neverStarted, unreadable, type Waiting } from "./missing.ts";
import type { PodState } from "./pod-state.ts";

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

/** What one read brought: `rest` is a line without a newline that may still grow. */
type Reading = { end: LogEnd; fresh: number; rest: Buffer; stray: string };

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
      const reading = await this.#read(writer, view);
      const log = await this.#decide(writer, view, reading);
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
    { end, fresh, rest, stray }: Reading,
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
    if (view.phase === "terminated" && end.type !== "broken" && this.#failures >= LAST_TRIES) {
      return this.#finishUnreadable(writer, stray || (end.type === "refused" ? end.error.message : ""));
    }
    if (!this.#deps.pod.gone && !this.#deps.cut.aborted) await this.#backOff();
    return undefined;
  }

  async #read(writer: LogWriter, view: ContainerView): Promise<Reading> {
    const { client, run, slots, signal, cut } = this.#deps;
    const running = view.phase === "running";
    const release = running ? slots.acquire(run.node) : undefined;
    const stop = new AbortController();
    const marks = writer.marks();
    let alignment = marks.length > 0 ? new Alignment(marks) : undefined;
    let fresh = 0;
    let stray = "";
    const take = (aligned: Aligned | undefined) => {
      if (!aligned) return;
      alignment = undefined;
      if (aligned.type === "broken") this.#declareGap(writer, aligned.text);
      fresh += aligned.text.byteLength;
      writer.append(aligned.text);
    };
    const silence = setTimeout(() => stop.abort(), this.#timing.silenceMs);
    const age = setTimeout(() => stop.abort(), this.#timing.maxAgeMs);
    const settle = setTimeout(() => take(alignment?.settle()), this.#timing.settleMs);
    const consume = async ({ type, bytes }: Parsed) => {
      silence.refresh();
      if (type === "stray") {
        // At the start it is the end of a line that was cut by sinceTime: the line itself is aligned or in a gap.
        stray = fresh === 0 ? "" : bytes.toString("utf8").slice(0, 500);
        return;
      }
      if (alignment) {
        settle.refresh();
        take(alignment.push(bytes));
      } else {
        fresh += bytes.byteLength;
        writer.append(bytes);
      }
      await writer.ready();
    };
    const request = {
      follow: release !== undefined,
      previous: view.phase === "terminated" && view.previous,
      since: replayFrom(marks),
    };
    const end = await readLog(client, run, request, consume, AbortSignal.any([signal, cut, stop.signal])).finally(
      () => {
        for (const timer of [silence, age, settle]) clearTimeout(timer);
        release?.();
      },
    );
    if (end.type !== "closed") return { end, fresh, rest: Buffer.alloc(0), stray };
    const { tail, begun } = end;
    if (!begun && tail.byteLength > 0 && timeLength(tail, 0) === 0) {
      take(alignment?.settle());
      return { end, fresh, rest: Buffer.alloc(0), stray: tail.toString("utf8").slice(0, 500) };
    }
    let rest = tail;
    if (alignment) {
      const aligned = alignment.push(tail) ?? alignment.settle();
      rest = aligned?.type === "continuous" ? aligned.text : Buffer.alloc(0);
      if (aligned?.type === "broken") take(aligned);
    }
    return { end, fresh, rest, stray };
  }

  #declareGap(writer: LogWriter, text: Buffer): void {
    const to = timeAt(text, 0);
    writer.declare({
      afterLine: writer.lines,
      ...(writer.lastTime && { from: writer.lastTime }),
      ...(to && { to }),
      cause: "rotated",
      words: "Lines between these two may be missing: the node had rotated the log before it could be read on.",
    });
    this.#deps.logger.warn({ ...this.#deps.run, afterLine: writer.lines, to }, "gap: the log could not be joined");
    if (writer.inLine) writer.append(Buffer.from("\n"));
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
