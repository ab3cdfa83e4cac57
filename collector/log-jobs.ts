import { setTimeout as sleep } from "node:timers/promises";
import type { RunId } from "../archive/keys.ts";
import { LogWriter } from "../archive/log-writer.ts";
import { type Attempt, type Container, type ContainerRow, isFinished, type Log, logIdOf } from "../archive/record.ts";
import type { ObjectStore } from "../storage-adapters/store.ts";
import type { FollowSlots } from "./follow/follow-slots.ts";
import { Follower, type FollowerDeps } from "./follow/follower.ts";
import type { PodState } from "./follow/pod-state.ts";
import type { Timing } from "./follow/timing.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { Spool } from "./spool.ts";
import { NO_LOG_YET } from "./tekton/containers.ts";

export type LogSettings = {
  /** How long sidecars and init containers may go on after their attempt is over. */
  sidecarWaitMs: number;
  /** How long chunks stay after their segment is there, for readers that are still on them. */
  chunkGraceMs: number;
  /** How long a log whose pod has gone must have stood still before it is ended: another collector may still read it. */
  closeWaitMs: number;
  follow?: Partial<Timing>;
  flushMs?: (ageMs: number) => number;
};

export type LogJobsDeps = {
  client: KubernetesClient;
  store: ObjectStore;
  slots: FollowSlots;
  spool: Spool;
  logger: Logger;
  metrics: Metrics;
  signal: AbortSignal;
  settings: LogSettings;
  recover?: (run: FollowerDeps["run"], redact: FollowerDeps["redact"]) => FollowerDeps["recover"];
  /** What is taken out of a container run's log before anything else sees it. */
  redact?: (run: FollowerDeps["run"]) => FollowerDeps["redact"];
  /** Something is known that was not before. */
  changed: () => void;
  /** A log could not be archived; what is known of it is to be read again. */
  failed: () => void;
};

/** One container run of a run's record. */
export type LogRow = ContainerRow & { over: boolean };

type Job = {
  row: LogRow;
  cut: AbortController;
  cutTimer?: NodeJS.Timeout;
  follower?: Follower;
  log?: Log;
  done: Promise<void>;
};

const RESTART_MS = 5_000;
/** How long what was read may take into the store when a run is handed over. */
const RELEASE_MS = 5_000;

export const keyOf = ({ task, attempt, container }: ContainerRow): string =>
  `${task.taskRun.uid}/${attempt.number}/${container.name}.${container.restart}`;

/** Sees to it that of every container run of a run somebody reads the log, as long as there is something to read. */
export class LogJobs {
  readonly #run: RunId;
  readonly #deps: LogJobsDeps;
  readonly #jobs = new Map<string, Job>();
  readonly #release = new AbortController();
  readonly #stop = new AbortController();

  constructor(run: RunId, deps: LogJobsDeps) {
    this.#run = run;
    this.#deps = { ...deps, signal: AbortSignal.any([deps.signal, this.#stop.signal]) };
  }

  /** Logs that are being read. */
  get open(): number {
    return [...this.#jobs.values()].filter((job) => !job.log).length;
  }

  /** @param pod the row's, if it is known */
  attend(row: LogRow, pod: PodState | undefined): void {
    const { container } = row;
    const job = this.#jobs.get(keyOf(row));
    if (job) {
      job.row = row;
      const waits = container.kind !== "step" || container.status === "waiting";
      if (row.over && waits && !job.log) this.#cutLater(job);
      return;
    }
    if (isFinished(container.log) || this.#release.signal.aborted) return;
    if (pod) this.#start(row, (started) => this.#follow(started, pod));
    else if (container.podUid || row.over) this.#start(row, () => this.#close(row));
  }

  /** What the record says of a row's log. */
  logOf(row: LogRow): Log {
    const { log, status } = row.container;
    const job = this.#jobs.get(keyOf(row));
    if (!job) return log;
    if (job.log) return job.log;
    if (status === "waiting") return log;
    // How far it has come is told by the chunks themselves, not by a record that would be written every second.
    return { ...NO_LOG_YET, state: "open", segments: job.follower?.log?.segments ?? log.segments };
  }

  /**
   * Stops reading, so that another collector goes on. Resolves when what was read is stored, or could not be for a
   * while: then the other one reads it again.
   */
  async release(): Promise<void> {
    this.#release.abort(new Error("another collector goes on with this log"));
    const done = Promise.all([...this.#jobs.values()].map((job) => job.done));
    await Promise.race([done, sleep(RELEASE_MS, undefined, { ref: false })]);
    this.#stop.abort();
    await done;
  }

  #start(row: LogRow, work: (job: Job) => Promise<Log>): void {
    const job: Job = { row, cut: new AbortController(), done: Promise.resolve() };
    const key = keyOf(row);
    this.#jobs.set(key, job);
    job.done = work(job)
      .then((log) => {
        job.log = log;
        this.#deps.metrics.logFinished(log.state);
        this.#deps.changed();
      })
      .catch((error: unknown) => {
        this.#jobs.delete(key);
        if (this.#deps.signal.aborted || this.#release.signal.aborted) return;
        const where = { ...this.#run, pod: row.attempt.pod?.name, container: row.container.name, log: key };
        this.#deps.logger.error({ ...where, err: error }, "the log could not be archived; it is tried again");
        this.#deps.failed();
        setTimeout(this.#deps.changed, RESTART_MS).unref();
      })
      .finally(() => clearTimeout(job.cutTimer));
  }

  #follow(job: Job, pod: PodState): Promise<Log> {
    const { client, slots, logger, metrics, signal, settings, recover } = this.#deps;
    const { container, attempt } = job.row;
    const { metadata } = pod.pod;
    const run: FollowerDeps["run"] = {
      namespace: this.#run.namespace,
      pod: metadata.name,
      podUid: metadata.uid,
      // A pod is seen before it has a node.
      get node() {
        return pod.pod.spec?.nodeName ?? "";
      },
      container: container.name,
      restart: container.restart - firstRestart(attempt, container),
      restartable: container.kind === "sidecar",
    };
    const redact = this.#deps.redact?.(run);
    job.follower = new Follower({
      client,
      slots,
      logger,
      metrics,
      signal,
      pod,
      run,
      cut: job.cut.signal,
      release: this.#release.signal,
      begun: () => begunAt(job.row),
      openWriter: () => this.#openWriter(job.row, metadata.uid),
      redact,
      recover: recover?.(run, redact),
      ...(settings.follow && { timing: settings.follow }),
    });
    return job.follower.run();
  }

  #openWriter(row: LogRow, podUid: string): Promise<LogWriter> {
    const { store, signal, settings, logger, metrics, spool } = this.#deps;
    const id = logIdOf(this.#run, row);
    return LogWriter.open(store, id, podUid, {
      signal,
      known: row.container.log.segments,
      backlog: spool.open(),
      fenceMs: settings.chunkGraceMs / 3,
      onError: (error) => {
        metrics.storeFailed(error);
        logger.warn({ ...id, err: error }, "the store did not take a part of the log; trying on");
      },
      onConflict: (error) => {
        metrics.conflict();
        logger.info({ ...id, err: error }, "another collector wrote this log too; going on behind it");
      },
      onStored: metrics.stored,
      onGap: (gap) => {
        metrics.gap(gap);
        logger.warn({ ...id, gap }, "lines may be missing from the log");
      },
      onSealed: (chunks) => this.#deleteLater(chunks.slice(0, -1)),
      ...(settings.flushMs && { intervalMs: settings.flushMs }),
    });
  }

  /** Ends a log whose pod has gone: with what the bucket has of it, or with the reason why there is nothing. */
  async #close(row: LogRow): Promise<Log> {
    const { container } = row;
    if (!container.podUid) {
      const words =
        container.status === "skipped"
          ? "It was skipped: a step before it had failed."
          : "Its pod had gone before Afterlog saw it.";
      return { ...NO_LOG_YET, state: "none", words };
    }
    const writer = await this.#openStill(row, container.podUid);
    if (writer.end) return writer.finish(writer.end);
    const words = "The pod was deleted while no collector was reading its log.";
    if (writer.empty) return writer.finish({ state: "none", words });
    writer.declare({ cause: "not-read", words: `Lines after this one may be missing. ${words}` });
    return writer.finish({ state: "incomplete", words });
  }

  /** A collector that reads on through a stream that was open before the pod went must not be cut short. */
  async #openStill(row: LogRow, podUid: string): Promise<LogWriter> {
    let writer = await this.#openWriter(row, podUid);
    for (;;) {
      if (writer.end) return writer;
      const { bytes } = writer.log();
      const signal = AbortSignal.any([this.#deps.signal, this.#release.signal]);
      await sleep(this.#deps.settings.closeWaitMs, undefined, { signal });
      writer.abandon();
      writer = await this.#openWriter(row, podUid);
      if (writer.log().bytes === bytes) return writer;
    }
  }

  #cutLater(job: Job): void {
    const { sidecarWaitMs } = this.#deps.settings;
    const what = { init: "init container", sidecar: "sidecar", step: "step" }[job.row.container.kind];
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
}

/** Where the restarts of this row's pod begin: a replaced pod counts on from the one before. */
function firstRestart({ containers }: Attempt, { name, podUid }: Container): number {
  const same = containers.filter((container) => container.name === name && container.podUid === podUid);
  return Math.min(...same.map(({ restart }) => restart));
}

/** Tekton starts all steps' containers at once; each waits in its entrypoint until the one before has ended. */
function begunAt({ attempt, container }: LogRow): string | undefined {
  if (container.kind !== "step") return undefined;
  const steps = attempt.containers.filter(({ kind }) => kind === "step");
  const before = steps.slice(
    0,
    steps.findIndex(({ name }) => name === container.name),
  );
  return [container.startedAt, ...before.map((step) => step.completedAt)]
    .flatMap((time) => time ?? [])
    .sort()
    .at(-1);
}
