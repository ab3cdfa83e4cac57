import { entriesOf } from "../archive/entry.ts";
import type { RunId } from "../archive/keys.ts";
import { containersOf, isFinished, type RunRecord } from "../archive/record.ts";
import type { RunWriter } from "../archive/run-writer.ts";
import { logsAreSafe } from "./finalizer.ts";
import { PodState } from "./follow/pod-state.ts";
import type { PipelineRun, Pod, TaskRun } from "./kubernetes/objects.ts";
import { LogJobs, type LogJobsDeps, type LogRow, type LogSettings } from "./log-jobs.ts";
import { RunFindings, type RunFindingsDeps } from "./run-findings.ts";
import type { Reconciled } from "./run-queue.ts";
import { describeRun } from "./tekton/describe.ts";
import { isDone } from "./tekton/status.ts";
import { whyOf } from "./tekton/why.ts";

export type ArchiverDeps = Omit<LogJobsDeps, "failed"> &
  RunFindingsDeps & {
    runs: RunWriter;
    settings: LogSettings & {
      /** Between two writes of a running record: GCS takes one write a second to one name. */
      recordIntervalMs: number;
    };
  };

/** One run on its way into the archive: keeps its record up to date and a follower on each of its containers. */
export class RunArchiver {
  readonly #run: RunId;
  readonly #deps: ArchiverDeps;
  readonly #taskRuns = new Map<string, TaskRun>();
  readonly #pods = new Map<string, PodState>();
  readonly #gone = new Set<string>();
  readonly #jobs: LogJobs;
  readonly #findings: RunFindings;
  #pipelineRun: PipelineRun | undefined;
  #record: RunRecord | undefined;
  #loaded = false;
  #writtenAt = 0;
  #finalizedAt: number | undefined;
  #done = false;

  constructor(run: RunId, deps: ArchiverDeps) {
    this.#run = run;
    this.#deps = deps;
    const failed = () => {
      this.#loaded = false;
    };
    this.#jobs = new LogJobs(run, { ...deps, failed });
    this.#findings = new RunFindings(run, deps);
  }

  /** Everything is archived and tidied up; the run can be forgotten. */
  get done(): boolean {
    return this.#done;
  }

  /** Logs that are being read. */
  get openLogs(): number {
    return this.#jobs.open;
  }

  /** Logs whose container has ended and that are not wholly in the store. */
  get logsAtRisk(): number {
    if (!this.#record) return 0;
    return rowsOf(this.#record).filter(({ container }) => isDone(container.status) && !isFinished(container.log))
      .length;
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
    const rows = rowsOf(record);
    for (const row of rows) this.#jobs.attend(row, this.#pods.get(row.container.podUid ?? ""));
    for (const row of rows) row.container.log = this.#jobs.logOf(row);
    record.entries = [...entriesOf(record).keys()];
    // Long logs are searched for a while: what is known is told until then.
    const isReady = isComplete(record) && this.#findings.attend(rows);
    return isReady ? this.#finalize(record) : this.#update(record);
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

  /** Stops reading for good, so that another one goes on: a `successor`, or another collector. */
  release(): Promise<void> {
    this.#findings.stop();
    return this.#jobs.release();
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
    const why = whyOf(record);
    const final: RunRecord = { ...record, ...(why && { why }), final: true };
    if (!this.#record) await this.#deps.runs.update(record, undefined);
    const created = await this.#deps.runs.finalize(final, this.#record);
    this.#deps.logger.info({ ...this.#run, name: record.run.name, status: record.run.status, created }, "run archived");
    this.#deps.metrics.runArchived();
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

function rowsOf(record: RunRecord): LogRow[] {
  return [...containersOf(record)].map((row) => ({
    ...row,
    over: isDone(row.attempt.status) || isDone(row.task.status),
  }));
}

/** Nothing of it can change any more. */
const isComplete = (record: RunRecord): boolean =>
  isDone(record.run.status) &&
  record.tasks.every((task) => isDone(task.status)) &&
  rowsOf(record).every(({ container }) => isFinished(container.log));
