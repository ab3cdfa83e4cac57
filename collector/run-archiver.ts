import { setTimeout as sleep } from "node:timers/promises";
import { entriesOf } from "../archive/entry.ts";
import { LogWriter } from "../archive/log-writer.ts";
import { type Container, containersOf, isFinished, type Log, type RunRecord } from "../archive/record.ts";
import type { RunWriter } from "../archive/run-writer.ts";
import type { ObjectStore } from "../storage-adapters/store.ts";
import { logsAreSafe } from "./finalizer.ts";
import type { FollowSlots } from "./follow/follow-slots.ts";
import { Follower, type TIMING } from "./follow/follower.ts";
import { PodState } from "./follow/pod-state.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import type { PipelineRun, Pod, TaskRun } from "./kubernetes/objects.ts";
import type { Logger } from "./logger.ts";
import type { Reconciled } from "./run-queue.ts";
import { NO_LOG_YET } from "./tekton/containers.ts";
import { describeRun } from "./tekton/describe.ts";
import { isDone } from "./tekton/status.ts";

export type ArchiverDeps = {
  client: KubernetesClient;
  store: ObjectStore;
  runs: RunWriter;
  slots: FollowSlots;
  logger: Logger;
  signal: AbortSignal;
  /** Asks that this run be reconciled again. */
  changed: () => void;
  settings: {
    /** How long sidecars and init containers may go on after their attempt is over. */
    sidecarWaitMs: number;
    /** How long chunks stay after their segment is there, for readers that are still on them. */
    chunkGraceMs: number;
    /** Between two writes of a running record: GCS takes one write a second to one name. */
    recordIntervalMs: number;
    follow?: Partial<typeof TIMING>;
    flushMs?: (ageMs: number) => number;
  };
};

type Row = { record: RunRecord; taskRunUid: string; attempt: number; over: boolean; container: Container };
type Job = {
  cut: AbortController;
  cutTimer?: NodeJS.Timeout;
  follower?: Follower;
  writer?: LogWriter;
  log?: Log;
  /** Resolves when nobody works on it any more, whatever came of it. */
  ended?: Promise<void>;
};

/** How long what was read may take into the store when the run is handed over; what is lost is read again. */
const FLUSH_MS = 5_000;

const rowKey = ({ taskRunUid, attempt, container }: Row): string =>
  `${taskRunUid}/${attempt}/${container.name}.${container.restart}`;

/** One run on its way into the archive: keeps its record up to date and a follower on each of its containers. */
export class RunArchiver {
  readonly #run: { namespace: string; runUid: string };
  readonly #deps: ArchiverDeps;
  readonly #released = new AbortController();
  readonly #taskRuns = new Map<string, TaskRun>();
  readonly #pods = new Map<string, PodState>();
  readonly #gone = new Set<string>();
  readonly #jobs = new Map<string, Job>();
  #pipelineRun: PipelineRun | undefined;
  #record: RunRecord | undefined;
  #loaded = false;
  #writtenAt = 0;
  #finalizedAt: number | undefined;
  #done = false;

  constructor(run: { namespace: string; runUid: string }, deps: ArchiverDeps) {
    this.#run = run;
    this.#deps = { ...deps, signal: AbortSignal.any([deps.signal, this.#released.signal]) };
  }

  /** Everything is archived and tidied up; the run can be forgotten. */
  get done(): boolean {
    return this.#done;
  }

  /** Logs that are being read. */
  get openLogs(): number {
    return [...this.#jobs.values()].filter((job) => !job.log).length;
  }

  /** When the oldest of its objects was made, as far as they are known. */
  get createdAt(): string | undefined {
    const objects = [this.#pipelineRun, ...this.#taskRuns.values(), ...[...this.#pods.values()].map(({ pod }) => pod)];
    return objects.flatMap((object) => object?.metadata.creationTimestamp ?? []).sort()[0];
  }

  /** Its TaskRuns that exist. */
  get taskRuns(): TaskRun[] {
    return [...this.#taskRuns.values()].filter(({ metadata }) => !this.#gone.has(metadata.uid));
  }

  /** Nothing of it exists in the cluster any more. */
  get vanished(): boolean {
    const pipelineRun = this.#pipelineRun && !this.#gone.has(this.#pipelineRun.metadata.uid);
    return !pipelineRun && this.taskRuns.length === 0 && [...this.#pods.values()].every((pod) => pod.gone);
  }

  /** Whether the bucket has all logs of this TaskRun. */
  isSafe(taskRun: TaskRun): boolean {
    return logsAreSafe(taskRun, this.#record);
  }

  /**
   * Stops in order: what was read is stored, then nothing is read or written any more. It cannot go on afterwards;
   * `successor` can.
   */
  async release(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    const flushed = Promise.allSettled(jobs.map(({ writer }) => writer?.flush()));
    await Promise.race([flushed, sleep(FLUSH_MS, undefined, { ref: false })]);
    this.#released.abort();
    await Promise.all(jobs.map(({ ended }) => ended));
  }

  /** A fresh archiver of the same run that has seen what this one has. */
  successor(deps: ArchiverDeps): RunArchiver {
    const next = new RunArchiver(this.#run, deps);
    next.#pipelineRun = this.#pipelineRun;
    for (const [uid, taskRun] of this.#taskRuns) next.#taskRuns.set(uid, taskRun);
    for (const [uid, pod] of this.#pods) next.#pods.set(uid, pod);
    for (const uid of this.#gone) next.#gone.add(uid);
    return next;
  }

  observePipelineRun(pipelineRun: PipelineRun, deleted: boolean): void {
    this.#pipelineRun = pipelineRun;
    if (deleted) this.#gone.add(pipelineRun.metadata.uid);
  }

  observeTaskRun(taskRun: TaskRun, deleted: boolean): void {
    this.#taskRuns.set(taskRun.metadata.uid, taskRun);
    if (deleted) this.#gone.add(taskRun.metadata.uid);
  }

  observePod(pod: Pod, deleted: boolean): void {
    const known = this.#pods.get(pod.metadata.uid);
    const state = known ?? new PodState(this.#deps.client, pod);
    this.#pods.set(pod.metadata.uid, state);
    if (deleted) state.markGone(pod);
    else if (known) known.update(pod);
  }

  /** Compares what the cluster has with what the bucket has and does what is missing. Safe to do at any time. */
  async reconcile(): Promise<Reconciled> {
    if (this.#done) return {};
    await this.#load();
    if (this.#record?.final) return this.#tidyUp(this.#record);
    const described = describeRun(
      {
        ...(this.#pipelineRun && { pipelineRun: this.#pipelineRun }),
        taskRuns: [...this.#taskRuns.values()],
        pods: [...this.#pods.values()].map((state) => state.pod),
        gone: this.#gone,
      },
      this.#record,
      new Date(),
    );
    if (!described) return {};
    const record = this.#abandoned(described);
    for (const row of rowsOf(record)) this.#attend(row);
    for (const row of rowsOf(record)) row.container.log = this.#logOf(row);
    record.entries = [...entriesOf(record).keys()];
    return isComplete(record) ? this.#finalize(record) : this.#update(record);
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    this.#record = await this.#deps.runs.load(this.#run);
    this.#loaded = true;
  }

  /** A run of which the cluster has nothing left and that was not done will never say how it ended. */
  #abandoned(record: RunRecord): RunRecord {
    if (this.#pipelineRun || this.#taskRuns.size > 0) return record;
    const end = <T extends { status: RunRecord["run"]["status"] }>(part: T): T =>
      isDone(part.status) ? part : { ...part, status: "unknown", reason: "Deleted" };
    return {
      ...record,
      run: { ...end(record.run), deletedAt: record.run.deletedAt ?? new Date().toISOString() },
      tasks: record.tasks.map((task) => ({ ...end(task), attempts: task.attempts.map(end) })),
    };
  }

  /** Sees to it that somebody reads the log of this container run, as long as there is something to read. */
  #attend(row: Row): void {
    const { container } = row;
    const key = rowKey(row);
    const job = this.#jobs.get(key);
    if (job) {
      const waits = container.kind !== "step" || container.status === "waiting";
      if (row.over && waits && !job.log) this.#cutLater(job, container.kind);
      return;
    }
    if (isFinished(container.log)) return;
    const pod = this.#pods.get(container.podUid ?? "");
    if (pod) this.#startJob(key, (started) => this.#follow(row, pod, started));
    else if (container.podUid || row.over) this.#startJob(key, () => this.#close(row));
  }

  #startJob(key: string, work: (job: Job) => Promise<Log>): void {
    const job: Job = { cut: new AbortController() };
    this.#jobs.set(key, job);
    job.ended = work(job)
      .then((log) => {
        job.log = log;
      })
      .catch((error: unknown) => {
        // Reconciling starts it again.
        this.#jobs.delete(key);
        if (this.#deps.signal.aborted) return;
        this.#loaded = false;
        this.#deps.logger.error(
          { ...this.#run, log: key, err: error },
          "the log could not be archived; it is tried again",
        );
      })
      .finally(() => {
        clearTimeout(job.cutTimer);
        if (job.log) this.#deps.changed();
        else if (!this.#deps.signal.aborted) setTimeout(this.#deps.changed, 5_000).unref();
      });
  }

  #follow(row: Row, pod: PodState, job: Job): Promise<Log> {
    const { client, slots, logger, signal, settings } = this.#deps;
    const { container } = row;
    const uid = pod.pod.metadata.uid;
    const first = this.#firstRestart(row);
    job.follower = new Follower({
      client,
      slots,
      logger,
      signal,
      pod,
      cut: job.cut.signal,
      run: {
        namespace: this.#run.namespace,
        pod: pod.pod.metadata.name,
        podUid: uid,
        node: pod.pod.spec?.nodeName ?? "",
        container: container.name,
        restart: container.restart - first,
        restartable: container.kind === "sidecar",
      },
      openWriter: async () => {
        job.writer = await this.#openWriter(row, uid);
        return job.writer;
      },
      ...(settings.follow && { timing: settings.follow }),
    });
    return job.follower.run();
  }

  /** Where the restarts of this row's pod begin: a replaced pod counts on from the one before. */
  #firstRestart({ record, taskRunUid, attempt, container }: Row): number {
    const same = rowsOf(record).filter(
      (row) =>
        row.taskRunUid === taskRunUid &&
        row.attempt === attempt &&
        row.container.name === container.name &&
        row.container.podUid === container.podUid,
    );
    return Math.min(...same.map((row) => row.container.restart));
  }

  #openWriter({ taskRunUid, attempt, container }: Row, podUid: string): Promise<LogWriter> {
    const { store, signal, settings, logger } = this.#deps;
    const id = { ...this.#run, taskRunUid, attempt, container: container.name, restart: container.restart };
    return LogWriter.open(store, id, podUid, {
      signal,
      known: container.log.segments,
      onError: (error) => logger.warn({ ...id, err: error }, "the store did not take a part of the log; trying on"),
      onSealed: (chunks) => this.#deleteLater(chunks.slice(0, -1)),
      ...(settings.flushMs && { intervalMs: settings.flushMs }),
    });
  }

  /** Ends a log whose pod has gone: with what the bucket has of it, or with the reason why there is nothing. */
  async #close(row: Row): Promise<Log> {
    const { container } = row;
    if (!container.podUid) {
      const words =
        container.status === "skipped"
          ? "It was skipped: a step before it had failed."
          : "Its pod had gone before Afterlog saw it.";
      return { ...NO_LOG_YET, state: "none", words };
    }
    const writer = await this.#openWriter(row, container.podUid);
    if (writer.end) return writer.finish(writer.end);
    const words = "The pod was deleted while no collector was reading its log.";
    if (writer.lines === 0) return writer.finish({ state: "none", words });
    writer.declare({
      afterLine: writer.lines,
      ...(writer.lastTime && { from: writer.lastTime }),
      cause: "not-read",
      words: `Lines after this one may be missing. ${words}`,
    });
    return writer.finish({ state: "incomplete", words });
  }

  #cutLater(job: Job, kind: Container["kind"]): void {
    const { sidecarWaitMs } = this.#deps.settings;
    const what = { init: "init container", sidecar: "sidecar", step: "step" }[kind];
    const words = `The ${what} was still running ${Math.round(sidecarWaitMs / 1000)} s after its attempt was over; its log was not read any further.`;
    job.cutTimer ??= setTimeout(() => job.cut.abort(words), sidecarWaitMs);
  }

  /** The last chunk of a batch stays: it may be the tip of the chain. */
  #deleteLater(chunks: string[]): void {
    const { store, settings, signal, logger } = this.#deps;
    const timer = setTimeout(async () => {
      try {
        for (const key of chunks) await store.delete(key, { signal });
      } catch (error) {
        // Tidying up at the end of the run takes what is left.
        if (!signal.aborted) logger.warn({ ...this.#run, err: error }, "sealed chunks were not deleted");
      }
    }, settings.chunkGraceMs);
    timer.unref();
  }

  #logOf(row: Row): Log {
    const { log } = row.container;
    const job = this.#jobs.get(rowKey(row));
    if (!job) return log;
    if (job.log) return job.log;
    if (row.container.status === "waiting") return log;
    // How far it has come is told by the chunks themselves, not by a record that would be written every second.
    return { ...NO_LOG_YET, state: "open", segments: job.follower?.log?.segments ?? log.segments };
  }

  async #update(record: RunRecord): Promise<Reconciled> {
    const before = this.#record;
    if (before && JSON.stringify({ ...before, updatedAt: "" }) === JSON.stringify({ ...record, updatedAt: "" }))
      return {};
    const waitMs = this.#writtenAt + this.#deps.settings.recordIntervalMs - Date.now();
    if (before && waitMs > 0) return { againMs: waitMs };
    await this.#deps.runs.update(record, before);
    this.#record = record;
    this.#writtenAt = Date.now();
    return {};
  }

  async #finalize(record: RunRecord): Promise<Reconciled> {
    const final: RunRecord = { ...record, final: true };
    if (!this.#record) await this.#deps.runs.update(record, undefined);
    const created = await this.#deps.runs.finalize(final, this.#record);
    this.#deps.logger.info({ ...this.#run, name: record.run.name, status: record.run.status, created }, "run archived");
    this.#record = final;
    this.#finalizedAt = Date.now();
    return { againMs: this.#deps.settings.chunkGraceMs };
  }

  async #tidyUp(record: RunRecord): Promise<Reconciled> {
    const waitMs = (this.#finalizedAt ?? 0) + this.#deps.settings.chunkGraceMs - Date.now();
    if (waitMs > 0) return { againMs: waitMs };
    await this.#deps.runs.cleanUp(record);
    this.#done = true;
    return {};
  }
}

function rowsOf(record: RunRecord): Row[] {
  return [...containersOf(record)].map(({ task, attempt, container }) => ({
    record,
    taskRunUid: task.taskRun.uid,
    attempt: attempt.number,
    over: isDone(attempt.status) || isDone(task.status),
    container,
  }));
}

/** Nothing of it can change any more. */
const isComplete = (record: RunRecord): boolean =>
  isDone(record.run.status) &&
  record.tasks.every((task) => isDone(task.status)) &&
  rowsOf(record).every(({ container }) => isFinished(container.log));
