import type { RunId } from "../archive/keys.ts";
import { persist } from "../archive/persist.ts";
import { RunWriter } from "../archive/run-writer.ts";
import { surveyRuns } from "./archived-runs.ts";
import { ClusterWatches, type ClusterWatchesDeps } from "./cluster-watches.ts";
import type { Finalizers } from "./finalizer.ts";
import { FollowSlots } from "./follow/follow-slots.ts";
import type { Pod, TaskRun } from "./kubernetes/objects.ts";
import { LogSearch } from "./log-search.ts";
import type { Replicas } from "./replicas.ts";
import { type ArchiverDeps, RunArchiver } from "./run-archiver.ts";
import { type Reconciled, RunQueue } from "./run-queue.ts";
import { ownerOf } from "./tekton/describe.ts";

export type CollectorDeps = Pick<
  ArchiverDeps,
  "client" | "store" | "spool" | "logger" | "metrics" | "recover" | "redact" | "settings"
> &
  ClusterWatchesDeps & {
    followsPerNode: number;
    finalizers: Finalizers;
    replicas: Replicas;
  };

/** Runs that are reconciled at the same time. */
const WORKERS = 16;
const MAX_REMEMBERED = 50_000;
/** Between two looks whether another replica has archived a run of which the cluster has nothing left. */
const OTHERS_MS = 60_000;

/** Watches Tekton and keeps one archiver per run that is not yet wholly in the archive. */
export class Collector {
  readonly #deps: CollectorDeps;
  readonly #slots: FollowSlots;
  readonly #runs: RunWriter;
  readonly #search: LogSearch;
  readonly #queue: RunQueue;
  readonly #archivers = new Map<string, RunArchiver>();
  /** Keys of the archivers that have done something: those of runs that are, or were until now, this replica's. */
  readonly #working = new Set<string>();
  /** UIDs of runs that are wholly in the archive. */
  readonly #archived = new Set<string>();
  readonly #runOfTaskRun = new Map<string, string>();
  readonly #watches: ClusterWatches;
  #started = false;
  #sharing: Promise<void> = Promise.resolve();

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
    this.#slots = new FollowSlots(deps.followsPerNode);
    this.#runs = new RunWriter(deps.store, { signal: deps.signal, onError: this.#storeFailed });
    this.#search = new LogSearch(deps.store);
    this.#queue = new RunQueue((key) => this.#reconcile(key), WORKERS, deps.logger, deps.signal);
    this.#watches = new ClusterWatches(deps, {
      pipelineRun: (object, deleted) =>
        this.#archiverOf(object.metadata.namespace, object.metadata.uid)?.observePipelineRun(object, deleted),
      taskRun: (object, deleted) => this.#observeTaskRun(object, deleted),
      pod: (object, deleted) =>
        this.#archiverOf(object.metadata.namespace, this.#runOfPod(object))?.observePod(object, deleted),
    });
    deps.replicas.onChange(() => {
      if (this.#started) this.#sharing = this.#sharing.then(() => this.#share());
    });
  }

  readonly #storeFailed = (error: unknown): void => {
    this.#deps.metrics.storeFailed(error);
    this.#deps.logger.warn({ err: error }, "the store refused; trying on");
  };

  /** See Readiness. */
  get notReady(): string | undefined {
    return this.#watches.notReady;
  }

  /** Logs that are being read now. */
  get openLogs(): number {
    return [...this.#archivers.values()].reduce((sum, archiver) => sum + archiver.openLogs, 0);
  }

  get logsAtRisk(): number {
    return [...this.#archivers.values()].reduce((sum, archiver) => sum + archiver.logsAtRisk, 0);
  }

  /** Runs that wait to be reconciled, or are. */
  get runsWaiting(): number {
    return this.#queue.size;
  }

  /** Stops reading, so that a successor goes on where this one ends; resolves when all that was read is stored. */
  async release(): Promise<void> {
    await Promise.all([...this.#archivers.values()].map((archiver) => archiver.release()));
  }

  /** Runs until the signal aborts. */
  async run(): Promise<void> {
    const { replicas, signal } = this.#deps;
    void Promise.all([this.#watches.listed, replicas.joined])
      .then(() => this.#start())
      .catch((error: unknown) => {
        if (!this.#deps.signal.aborted) throw error;
      });
    await Promise.all([this.#watches.run(), replicas.run(signal)]);
  }

  #observeTaskRun(object: TaskRun, deleted: boolean): void {
    const { namespace, uid } = object.metadata;
    const run = ownerOf(object)?.uid ?? uid;
    if (deleted) this.#runOfTaskRun.delete(uid);
    else this.#runOfTaskRun.set(uid, run);
    this.#archiverOf(namespace, run)?.observeTaskRun(object, deleted);
    if (deleted) this.#deps.finalizers.forget(uid);
    else this.#attendFinalizer(object, run);
  }

  /** A pod says itself where it belongs; older Tekton only names its TaskRun. */
  #runOfPod({ metadata }: Pod): string {
    const owner = metadata.ownerReferences?.find((reference) => reference.kind === "TaskRun")?.uid;
    const taskRun = metadata.labels?.["tekton.dev/taskRunUID"] ?? owner ?? metadata.uid;
    return this.#runOfTaskRun.get(taskRun) ?? metadata.labels?.["tekton.dev/pipelineRunUID"] ?? taskRun;
  }

  /** The archiver to be told of a change; undefined for a run that is wholly archived. */
  #archiverOf(namespace: string, runUid: string): RunArchiver | undefined {
    if (this.#archived.has(runUid)) return undefined;
    const key = keyOf({ namespace, runUid });
    let archiver = this.#archivers.get(key);
    if (!archiver) {
      archiver = new RunArchiver({ namespace, runUid }, this.#archiverDeps(key));
      this.#archivers.set(key, archiver);
    }
    this.#queue.add(key);
    return archiver;
  }

  #archiverDeps(key: string): ArchiverDeps {
    const changed = () => this.#queue.add(key);
    return { ...this.#deps, runs: this.#runs, slots: this.#slots, search: this.#search, changed };
  }

  /** What the first lists hold waits until it is known which of their runs are archived. */
  #attendFinalizer(taskRun: TaskRun, runUid: string): void {
    const archiver = this.#archivers.get(keyOf({ namespace: taskRun.metadata.namespace, runUid }));
    // Of an archived run whoever sees it takes the finalizer off: its owner may have died before.
    if (!archiver) this.#deps.finalizers.attend(taskRun, true);
    else if (this.#started && this.#deps.replicas.owns(runUid))
      this.#deps.finalizers.attend(taskRun, archiver.isSafe(taskRun));
  }

  async #reconcile(key: string): Promise<Reconciled> {
    const archiver = this.#archivers.get(key);
    if (!archiver) return {};
    if (!this.#deps.replicas.owns(uidOf(key))) return this.#leaveToOthers(key, archiver);
    this.#working.add(key);
    const result = await archiver.reconcile();
    for (const taskRun of archiver.taskRuns) this.#deps.finalizers.attend(taskRun, archiver.isSafe(taskRun));
    if (archiver.done) this.#forget(key);
    return result;
  }

  /** Of another replica's run only the objects are kept, so that it can be taken over at any moment. */
  async #leaveToOthers(key: string, archiver: RunArchiver): Promise<Reconciled> {
    if (this.#working.has(key)) {
      await archiver.release();
      this.#working.delete(key);
      for (const { metadata } of archiver.taskRuns) this.#deps.finalizers.forget(metadata.uid);
      this.#archivers.set(key, archiver.successor(this.#archiverDeps(key)));
      // It may have come back meanwhile.
      return { againMs: 0 };
    }
    if (!archiver.vanished) return {};
    const record = await this.#runs.load({ namespace: namespaceOf(key), runUid: uidOf(key) });
    if (!record?.final) return { againMs: OTHERS_MS };
    this.#forget(key);
    return {};
  }

  /** The run is archived: nothing is to be done for it any more. */
  #forget(key: string): void {
    const archiver = this.#archivers.get(key);
    if (!archiver) return;
    this.#archivers.delete(key);
    this.#working.delete(key);
    this.#remember(uidOf(key));
    for (const taskRun of archiver.taskRuns) this.#deps.finalizers.attend(taskRun, true);
  }

  /** Other replicas have come or gone: all runs are looked at again, by whoever they now belong to. */
  async #share(): Promise<void> {
    try {
      await this.#survey();
    } catch (error) {
      if (this.#deps.signal.aborted) return;
      this.#deps.logger.warn({ err: error }, "what is archived was not listed; each run is looked up by itself");
    }
    for (const key of this.#archivers.keys()) this.#queue.add(key);
  }

  /** Everything that exists has been seen once. */
  async #start(): Promise<void> {
    await persist(() => this.#survey(), { signal: this.#deps.signal, onError: this.#storeFailed });
    this.#started = true;
    this.#deps.logger.info({ runs: this.#archivers.size, archived: this.#archived.size }, "watching");
    this.#queue.start();
  }

  /**
   * What the archive knows and does not call open is wholly archived. What is open and not in the cluster any more is
   * finished here.
   */
  async #survey(): Promise<void> {
    const { store, signal, namespaces } = this.#deps;
    const wants = (run: RunId) => this.#archivers.has(keyOf(run));
    const { known, open } = await surveyRuns(store, { since: this.#oldestObjects(), wants }, signal);
    for (const { namespace, runUid } of open)
      if (namespaces === "*" || namespaces.includes(namespace)) this.#archiverOf(namespace, runUid);
    const openUids = new Set(open.map(({ runUid }) => runUid));
    for (const run of known) if (!openUids.has(run.runUid) && !this.#working.has(keyOf(run))) this.#forget(keyOf(run));
  }

  /** By namespace, when the oldest object of a run was made, in ms. */
  #oldestObjects(): Map<string, number> {
    const oldest = new Map<string, number>();
    for (const [key, { createdAt }] of this.#archivers) {
      const ms = Date.parse(createdAt ?? "");
      if (ms < (oldest.get(namespaceOf(key)) ?? Number.POSITIVE_INFINITY)) oldest.set(namespaceOf(key), ms);
    }
    return oldest;
  }

  /** Forgetting one again costs no more than a read of its record. */
  #remember(runUid: string): void {
    this.#archived.add(runUid);
    if (this.#archived.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#archived) {
      this.#archived.delete(oldest);
      return;
    }
  }
}

/** An archiver's key. */
const keyOf = ({ namespace, runUid }: RunId): string => `${namespace}/${runUid}`;
const namespaceOf = (key: string): string => key.slice(0, key.indexOf("/"));
const uidOf = (key: string): string => key.slice(key.indexOf("/") + 1);
