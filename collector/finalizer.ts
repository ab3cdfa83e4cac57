import { isFinished, type RunRecord } from "../archive/record.ts";
import { isConflict, isForbidden, isNotFound, type KubernetesClient } from "./kubernetes/client.ts";
import type { TaskRun } from "./kubernetes/objects.ts";
import type { Logger } from "./logger.ts";
import { type Reconciled, RunQueue } from "./run-queue.ts";
import { isDone } from "./tekton/status.ts";

/** A TaskRun that carries it is not deleted before its logs are safe. */
export const FINALIZER = "afterlog.dev/logs";

/** How often a TaskRun is read again at once because somebody else has changed it; then with a pause. */
const CONFLICTS = 5;
const WORKERS = 4;

export const TIMING = {
  /** An API server that does not answer in this time is asked again later. */
  requestMs: 30_000,
  backoffMs: 1_000,
  maxBackoffMs: 60_000,
  /** After a refusal, how long no finalizer is added: every TaskRun would be refused. */
  forbiddenMs: 600_000,
};

export type FinalizerState = {
  /** The bucket has all of its logs. */
  safe: boolean;
  /** How long a deletion may be held up; 0: the finalizer is not wanted at all. */
  seconds: number;
  /** ms since 1970. */
  now: number;
  /** When this process first saw the deletion: a deadline by two clocks, of which the earlier one counts. */
  deletionSeenAt?: number;
};

const isOurs = (finalizer: string): boolean => finalizer === FINALIZER;

export const isHeld = (taskRun: TaskRun): boolean => (taskRun.metadata.finalizers ?? []).some(isOurs);

/** What is to be done about the finalizer of a TaskRun now; undefined: nothing until something changes. */
export function finalizerAction(
  taskRun: TaskRun,
  { safe, seconds, now, deletionSeenAt = now }: FinalizerState,
): "add" | "remove" | { waitMs: number } | undefined {
  const { deletionTimestamp } = taskRun.metadata;
  if (!isHeld(taskRun)) return seconds > 0 && !safe && deletionTimestamp === undefined ? "add" : undefined;
  if (safe || seconds === 0) return "remove";
  if (deletionTimestamp === undefined) return undefined;
  const waitMs = Math.min(Date.parse(deletionTimestamp), deletionSeenAt) + seconds * 1000 - now;
  return waitMs > 0 ? { waitMs } : "remove";
}

/**
 * Whether the bucket has every log that this TaskRun has or will have, as the record that is stored says. Tekton does
 * nothing more for a TaskRun that is being deleted: such a one gets no further attempt, though it never says so.
 */
export function logsAreSafe({ metadata, status }: TaskRun, record: RunRecord | undefined): boolean {
  if (record?.final) return true;
  const task = record?.tasks.find(({ taskRun }) => taskRun.uid === metadata.uid);
  if (!task || !(isDone(task.status) || metadata.deletionTimestamp !== undefined)) return false;
  const newest = task.attempts.find(({ number }) => number === (status?.retriesStatus?.length ?? 0));
  // The record is older than the pod that this attempt has.
  if (status?.podName && !newest?.containers.length) return false;
  return task.attempts.every(({ containers }) => containers.every(({ log }) => isFinished(log)));
}

/**
 * Patches a TaskRun's finalizers into what `wanted` says, asked again for each newer version; undefined: as they are.
 * A merge patch with UID and version as preconditions: it can neither create an object, nor undo what others change.
 * Resolves with the TaskRun as it then is, or undefined when it does not exist any more.
 * @throws KubernetesError
 */
export async function patchFinalizers(
  client: KubernetesClient,
  taskRun: TaskRun,
  wanted: (taskRun: TaskRun) => string[] | undefined,
  signal: AbortSignal,
): Promise<TaskRun | undefined> {
  const { namespace, name, uid } = taskRun.metadata;
  const path = `/apis/tekton.dev/v1/namespaces/${encodeURIComponent(namespace)}/taskruns/${encodeURIComponent(name)}`;
  try {
    for (let conflicts = 0; ; conflicts++) {
      const finalizers = wanted(taskRun);
      if (!finalizers) return taskRun;
      const { resourceVersion } = taskRun.metadata;
      const patch = { metadata: { finalizers, uid, resourceVersion } };
      try {
        return await client.send("PATCH", path, patch, { contentType: "application/merge-patch+json" }, signal);
      } catch (error) {
        if (!isConflict(error) || conflicts === CONFLICTS) throw error;
      }
      taskRun = await client.get(path, {}, signal);
      if (taskRun.metadata.uid !== uid) return undefined;
    }
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** All others in their order; undefined when ours is not among them. */
export const withoutOurs = (taskRun: TaskRun): string[] | undefined =>
  isHeld(taskRun) ? taskRun.metadata.finalizers?.filter((finalizer) => !isOurs(finalizer)) : undefined;

const withOurs = ({ metadata }: TaskRun): string[] => [...(metadata.finalizers ?? []), FINALIZER];

export type FinalizerDeps = {
  client: KubernetesClient;
  logger: Logger;
  signal: AbortSignal;
  seconds: number;
  timing?: Partial<typeof TIMING>;
};

type Attended = { taskRun: TaskRun; safe: boolean; deletionSeenAt?: number; failures: number };

/**
 * Keeps the finalizer on TaskRuns whose logs are not safe yet. Told of TaskRuns as often as one likes: what is to be
 * done is decided by how they are, and done again until it has worked or the TaskRun has gone.
 */
export class Finalizers {
  readonly #deps: FinalizerDeps;
  readonly #timing: typeof TIMING;
  readonly #queue: RunQueue;
  readonly #attended = new Map<string, Attended>();
  #forbiddenUntil = 0;
  #saidForbidden = false;

  constructor(deps: FinalizerDeps) {
    this.#deps = deps;
    this.#timing = { ...TIMING, ...deps.timing };
    this.#queue = new RunQueue((uid) => this.#reconcile(uid), WORKERS, deps.logger, deps.signal);
    this.#queue.start();
  }

  /** `taskRun` as it was last seen; `safe`: see logsAreSafe. */
  attend(taskRun: TaskRun, safe: boolean): void {
    const { uid, deletionTimestamp } = taskRun.metadata;
    const known = this.#attended.get(uid);
    const deletionSeenAt = deletionTimestamp === undefined ? undefined : (known?.deletionSeenAt ?? Date.now());
    const attended = { taskRun, safe, failures: known?.failures ?? 0, ...(deletionSeenAt && { deletionSeenAt }) };
    if (!known && this.#actionOf(attended) === undefined) return;
    this.#attended.set(uid, attended);
    // While it fails, only time brings the next try: events come in any number.
    if (attended.failures === 0) this.#queue.add(uid);
  }

  /** It does not exist any more, or another collector looks after it. */
  forget(uid: string): void {
    this.#attended.delete(uid);
  }

  #actionOf({ taskRun, ...state }: Attended) {
    return finalizerAction(taskRun, { ...state, seconds: this.#deps.seconds, now: Date.now() });
  }

  async #reconcile(uid: string): Promise<Reconciled> {
    const attended = this.#attended.get(uid);
    if (!attended) return {};
    const action = this.#actionOf(attended);
    const forbiddenMs = action === "add" ? this.#forbiddenUntil - Date.now() : 0;
    if ((action === "add" && forbiddenMs <= 0) || action === "remove") return this.#patch(uid, attended);
    attended.failures = 0;
    if (!action && !isHeld(attended.taskRun)) this.#attended.delete(uid);
    if (!action) return {};
    return { againMs: action === "add" ? forbiddenMs : action.waitMs };
  }

  async #patch(uid: string, attended: Attended): Promise<Reconciled> {
    const wanted = (taskRun: TaskRun) => {
      const action = this.#actionOf({ ...attended, taskRun });
      if (action === "add") return withOurs(taskRun);
      return action === "remove" ? withoutOurs(taskRun) : undefined;
    };
    const { client, signal, logger } = this.#deps;
    const { namespace, name } = attended.taskRun.metadata;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#timing.requestMs)]);
      const patched = await patchFinalizers(client, attended.taskRun, wanted, limit);
      if (!patched) this.#attended.delete(uid);
      else if (attended.failures > 0) this.#recover(uid);
      logger.debug({ namespace, name, finalizers: patched?.metadata.finalizers }, "finalizers patched");
      return {};
    } catch (error) {
      if (signal.aborted) return {};
      if (isForbidden(error)) this.#refused(error);
      else logger.warn({ namespace, name, err: error }, `the finalizer ${FINALIZER} was not patched; trying on`);
      return { againMs: this.#failed(uid) };
    }
  }

  #failed(uid: string): number {
    const { backoffMs, maxBackoffMs } = this.#timing;
    const attended = this.#attended.get(uid);
    const failures = attended?.failures ?? 0;
    if (attended) attended.failures = failures + 1;
    return Math.min(maxBackoffMs, backoffMs * 2 ** failures);
  }

  /** What was told meanwhile has waited. */
  #recover(uid: string): void {
    const attended = this.#attended.get(uid);
    if (attended) attended.failures = 0;
    this.#queue.add(uid);
  }

  #refused(error: unknown): void {
    this.#forbiddenUntil = Date.now() + this.#timing.forbiddenMs;
    if (this.#saidForbidden) return;
    this.#saidForbidden = true;
    this.#deps.logger.warn(
      { err: error },
      "not allowed to change TaskRuns, so their deletion does not wait for their logs: grant patch on taskruns " +
        "(tekton.dev), and on OpenShift update on taskruns/finalizers, as deploy/components/finalizer does",
    );
  }
}
