import { indexPrefix, parseEntryKey } from "../archive/keys.ts";
import { RunWriter } from "../archive/run-writer.ts";
import { FollowSlots } from "./follow/follow-slots.ts";
import { ObjectCache } from "./kubernetes/cache.ts";
import {
  type Meta,
  type PipelineRun,
  type Pod,
  type TaskRun,
  trimPipelineRun,
  trimPod,
  trimTaskRun,
} from "./kubernetes/objects.ts";
import { type WatchOptions, watch } from "./kubernetes/watch.ts";
import { type ArchiverDeps, RunArchiver } from "./run-archiver.ts";
import { type Reconciled, RunQueue } from "./run-queue.ts";
import { ownerOf } from "./tekton/describe.ts";

export type CollectorDeps = Pick<
  ArchiverDeps,
  "client" | "store" | "spool" | "logger" | "metrics" | "recover" | "settings"
> & {
  /** Everything stops at once. */
  signal: AbortSignal;
  namespaces: readonly string[] | "*";
  followsPerNode: number;
  watchTiming?: WatchOptions<never>["timing"];
};

/** Runs that are reconciled at the same time. */
const WORKERS = 16;
const MAX_REMEMBERED = 50_000;

/** Watches Tekton and keeps one archiver per run that is not yet wholly in the archive. */
export class Collector {
  readonly #deps: CollectorDeps;
  readonly #slots: FollowSlots;
  readonly #runs: RunWriter;
  readonly #queue: RunQueue;
  readonly #archivers = new Map<string, RunArchiver>();
  /** UIDs of runs that are wholly in the archive. */
  readonly #archived = new Set<string>();
  readonly #runOfTaskRun = new Map<string, string>();
  readonly #synced = Promise.withResolvers<void>();
  #unsynced = 0;

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
    this.#slots = new FollowSlots(deps.followsPerNode);
    const onError = (error: unknown) => {
      deps.metrics.storeFailed(error);
      deps.logger.warn({ err: error }, "the store refused; trying on");
    };
    this.#runs = new RunWriter(deps.store, { signal: deps.signal, onError });
    this.#queue = new RunQueue((key) => this.#reconcile(key), WORKERS, deps.logger, deps.signal);
  }

  /** Why it is not ready; undefined when everything that exists has been seen. */
  get notReady(): string | undefined {
    return this.#unsynced > 0 ? `${this.#unsynced} of the first lists have not been read yet` : undefined;
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
    const { namespaces } = this.#deps;
    const watches =
      namespaces === "*" ? this.#watchNamespace() : namespaces.flatMap((name) => this.#watchNamespace(name));
    void this.#synced.promise
      .then(() => this.#start())
      .catch((error: unknown) => {
        if (!this.#deps.signal.aborted) throw error;
      });
    await Promise.all(watches);
  }

  /** Without a name: all of them, by cluster-wide watches. */
  #watchNamespace(namespace?: string): Promise<void>[] {
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
    const tekton = `/apis/tekton.dev/v1${scope}`;
    return [
      this.#watch<PipelineRun>({ path: `${tekton}/pipelineruns`, trim: trimPipelineRun }, (object, deleted) =>
        this.#archiverOf(object.metadata.namespace, object.metadata.uid)?.observePipelineRun(object, deleted),
      ),
      this.#watch<TaskRun>({ path: `${tekton}/taskruns`, trim: trimTaskRun }, (object, deleted) => {
        const { namespace, uid } = object.metadata;
        const run = ownerOf(object)?.uid ?? uid;
        if (deleted) this.#runOfTaskRun.delete(uid);
        else this.#runOfTaskRun.set(uid, run);
        this.#archiverOf(namespace, run)?.observeTaskRun(object, deleted);
      }),
      this.#watch<Pod>(
        { path: `/api/v1${scope}/pods`, labelSelector: "tekton.dev/taskRun", trim: trimPod },
        (object, deleted) =>
          this.#archiverOf(object.metadata.namespace, this.#runOfPod(object))?.observePod(object, deleted),
      ),
    ];
  }

  async #watch<T extends { metadata: Meta }>(
    options: Pick<WatchOptions<T>, "path" | "trim"> & { labelSelector?: string },
    onChange: (object: T, deleted: boolean) => void,
  ): Promise<void> {
    const { client, signal, logger, metrics, watchTiming } = this.#deps;
    const cache = new ObjectCache<T>(onChange);
    this.#unsynced++;
    let synced = false;
    const onError = (error: unknown) => {
      metrics.watchFailed(options.path.slice(options.path.lastIndexOf("/") + 1));
      logger.warn({ path: options.path, err: error }, "watch interrupted");
    };
    for await (const event of watch<T>({
      ...options,
      client,
      signal,
      onError,
      ...(watchTiming && { timing: watchTiming }),
    })) {
      cache.handle(event);
      if (event.type !== "synced" || synced) continue;
      synced = true;
      this.#unsynced--;
      if (this.#unsynced === 0) this.#synced.resolve();
    }
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
    const key = `${namespace}/${runUid}`;
    let archiver = this.#archivers.get(key);
    if (!archiver) {
      const changed = () => this.#queue.add(key);
      const deps = { ...this.#deps, runs: this.#runs, slots: this.#slots, changed };
      archiver = new RunArchiver({ namespace, runUid }, deps);
      this.#archivers.set(key, archiver);
    }
    this.#queue.add(key);
    return archiver;
  }

  async #reconcile(key: string): Promise<Reconciled> {
    const archiver = this.#archivers.get(key);
    if (!archiver) return {};
    const result = await archiver.reconcile();
    if (archiver.done) {
      this.#archivers.delete(key);
      this.#remember(key.slice(key.indexOf("/") + 1));
    }
    return result;
  }

  /**
   * Everything that exists has been seen once. What the index knows and `open` does not is wholly archived: two
   * listings a namespace instead of a read per run. What is open and not in the cluster any more is finished here.
   */
  async #start(): Promise<void> {
    const namespaces = new Set([...this.#archivers.keys()].map((key) => key.slice(0, key.indexOf("/"))));
    if (this.#deps.namespaces !== "*") for (const namespace of this.#deps.namespaces) namespaces.add(namespace);
    const open = new Set<string>();
    for (const found of await this.#listOpen(namespaces)) {
      open.add(found.runUid);
      this.#archiverOf(found.namespace, found.runUid);
    }
    for (const namespace of namespaces) await this.#dropArchived(namespace, open);
    this.#deps.logger.info({ runs: this.#archivers.size, archived: this.#archived.size }, "watching");
    this.#queue.start();
  }

  async #listOpen(namespaces: ReadonlySet<string>): Promise<{ namespace: string; runUid: string }[]> {
    const { store, signal } = this.#deps;
    const found: { namespace: string; runUid: string }[] = [];
    for await (const item of store.list("v1/index/open/", { signal })) {
      const entry = parseEntryKey(item.key);
      const [namespace] = entry?.values ?? [];
      if (!entry || !namespace) continue;
      if (this.#deps.namespaces === "*" || namespaces.has(namespace)) found.push({ namespace, runUid: entry.runUid });
    }
    return found;
  }

  async #dropArchived(namespace: string, open: ReadonlySet<string>): Promise<void> {
    const { store, signal } = this.#deps;
    const oldest = [...this.#archivers]
      .flatMap(([key, archiver]) => (key.startsWith(`${namespace}/`) ? (archiver.createdAt ?? []) : []))
      .sort()[0];
    if (!oldest) return;
    const stop = Date.parse(oldest);
    for await (const item of store.list(indexPrefix({ by: "namespace", values: [namespace] }), { signal })) {
      const entry = parseEntryKey(item.key);
      if (!entry) continue;
      if (entry.createdAt.getTime() < stop) break;
      if (!open.has(entry.runUid) && this.#archivers.delete(`${namespace}/${entry.runUid}`))
        this.#remember(entry.runUid);
    }
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
