import type { Attempt, RunRecord, Task } from "../../archive/record.ts";
import type { Param, PipelineRun, Pod, TaskRun, TaskRunStatus } from "../kubernetes/objects.ts";
import { containersOfAttempt } from "./containers.ts";
import { placeOf } from "./place.ts";
import { isDone, type Outcome, outcomeOf } from "./status.ts";
import { whyOf } from "./why.ts";

/** The objects of one run, as they were last seen. What is `gone` does not exist any more. */
export type ObservedRun = {
  pipelineRun?: PipelineRun;
  taskRuns: readonly TaskRun[];
  pods: readonly Pod[];
  /** UIDs of objects that have been deleted. */
  gone: ReadonlySet<string>;
};

/** Tells the run's record from its objects; what they do not show any more is taken from `before`. */
export function describeRun(observed: ObservedRun, before: RunRecord | undefined, now: Date): RunRecord | undefined {
  const run = describeSubject(observed, before);
  if (!run) return undefined;
  const tasks = describeTasks(observed, before);
  const record: RunRecord = {
    version: 1,
    final: false,
    updatedAt: now.toISOString(),
    run,
    place: placeOf({ labels: run.labels, annotations: run.annotations }),
    tasks,
    skipped: skippedTasks(observed.pipelineRun) ?? before?.skipped ?? [],
    entries: [],
  };
  const why = whyOf(record);
  return why ? { ...record, why } : record;
}

/** The PipelineRun; a TaskRun that none owns; for a run whose PipelineRun was never seen, what its TaskRuns tell. */
function describeSubject(
  { pipelineRun, taskRuns, gone }: ObservedRun,
  before: RunRecord | undefined,
): RunRecord["run"] | undefined {
  const [taskRun] = taskRuns;
  const subject = pipelineRun ?? (taskRun && !ownerOf(taskRun) ? taskRun : undefined);
  if (!subject) return before?.run ?? (taskRun && orphanSubject(taskRun));
  const { metadata, spec, status } = subject;
  const labels = metadata.labels ?? {};
  const pipeline = pipelineRun && pipelineName(pipelineRun);
  const params = resultsOf(spec?.params);
  const results = resultsOf(status?.results);
  const deleted = gone.has(metadata.uid);
  return {
    kind: pipelineRun ? "PipelineRun" : "TaskRun",
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    createdAt: metadata.creationTimestamp,
    ...(deleted && { deletedAt: metadata.deletionTimestamp ?? before?.run.deletedAt ?? new Date().toISOString() }),
    ...(pipeline && { pipeline }),
    labels,
    annotations: metadata.annotations ?? {},
    ...(params && { params }),
    ...(results && { results }),
    ...endedBy(outcomeOf(status ?? {}), deleted),
  };
}

/** What was deleted while it ran will never say how it ended. */
const endedBy = (outcome: Outcome, deleted: boolean): Outcome =>
  deleted && !isDone(outcome.status) ? { ...outcome, status: "unknown", reason: "Deleted" } : outcome;

/** The PipelineRun that owns a TaskRun. */
export const ownerOf = (taskRun: TaskRun): { name: string; uid: string } | undefined =>
  taskRun.metadata.ownerReferences?.find((owner) => owner.kind === "PipelineRun");

function orphanSubject(taskRun: TaskRun): RunRecord["run"] | undefined {
  const owner = ownerOf(taskRun);
  return (
    owner && {
      kind: "PipelineRun",
      namespace: taskRun.metadata.namespace,
      name: owner.name,
      uid: owner.uid,
      createdAt: taskRun.metadata.creationTimestamp,
      labels: taskRun.metadata.labels ?? {},
      annotations: taskRun.metadata.annotations ?? {},
      status: "unknown",
    }
  );
}

/** Tekton labels a run of an embedded pipeline with its own name: that is no pipeline with a history. */
function pipelineName({ metadata, spec }: PipelineRun): string | undefined {
  const label = metadata.labels?.["tekton.dev/pipeline"];
  return spec?.pipelineRef?.name ?? (label === metadata.name ? undefined : label);
}

const resultsOf = (params: Param[] | undefined) => (params && params.length > 0 ? params : undefined);

function skippedTasks(pipelineRun: PipelineRun | undefined): RunRecord["skipped"] | undefined {
  const isFinally = finallyTasks(pipelineRun);
  return pipelineRun?.status?.skippedTasks?.map(({ name, reason }) => ({
    name,
    reason: reason ?? "None",
    ...(isFinally.has(name) && { finally: true }),
  }));
}

const finallyTasks = (pipelineRun: PipelineRun | undefined): Set<string> =>
  new Set((pipelineRun?.status?.pipelineSpec?.finally ?? []).map((task) => task.name));

function describeTasks({ pipelineRun, taskRuns, pods, gone }: ObservedRun, before: RunRecord | undefined): Task[] {
  const isFinally = finallyTasks(pipelineRun);
  const tasks = new Map((before?.tasks ?? []).map((task) => [task.taskRun.uid, task]));
  for (const taskRun of taskRuns) {
    const { uid } = taskRun.metadata;
    const own = pods.filter((pod) => pod.metadata.labels?.["tekton.dev/taskRunUID"] === uid);
    const task = describeTask(taskRun, own, tasks.get(uid), gone.has(uid), pipelineRun);
    const last = isFinally.has(task.name) || taskRun.metadata.labels?.["tekton.dev/memberOf"] === "finally";
    tasks.set(uid, { ...task, ...(last && { finally: true }) });
  }
  return inSpecOrder([...tasks.values()], pipelineRun);
}

function inSpecOrder(tasks: Task[], pipelineRun: PipelineRun | undefined): Task[] {
  const { tasks: first = [], finally: last = [] } = pipelineRun?.status?.pipelineSpec ?? {};
  const spec = [...first, ...last].map((task) => task.name);
  const children = (pipelineRun?.status?.childReferences ?? []).map((child) => child.name);
  const rank = (list: string[], name: string) => (list.includes(name) ? list.indexOf(name) : list.length);
  return tasks.sort(
    (a, b) =>
      Number(a.finally ?? false) - Number(b.finally ?? false) ||
      rank(spec, a.name) - rank(spec, b.name) ||
      rank(children, a.taskRun.name) - rank(children, b.taskRun.name) ||
      (a.startedAt ?? "~").localeCompare(b.startedAt ?? "~"),
  );
}

function describeTask(
  { metadata, spec, status = {} }: TaskRun,
  pods: Pod[],
  before: Task | undefined,
  deleted: boolean,
  pipelineRun: PipelineRun | undefined,
): Task {
  const child = pipelineRun?.status?.childReferences?.find((reference) => reference.name === metadata.name);
  const labels = metadata.labels ?? {};
  const outcome = endedBy(outcomeOf(status), deleted);
  const params = resultsOf(spec?.params);
  const results = resultsOf(status.results);
  const statuses = [...(status.retriesStatus ?? []), status];
  const { tasks = [], finally: last = [] } = pipelineRun?.status?.pipelineSpec ?? {};
  const name =
    labels["tekton.dev/pipelineTask"] ?? child?.pipelineTaskName ?? labels["tekton.dev/task"] ?? metadata.name;
  const forgiven = [...tasks, ...last].some((task) => task.name === name && task.onError === "continue");
  const ignored =
    outcome.reason === "FailureIgnored" || (forgiven && isDone(outcome.status) && outcome.status !== "succeeded");
  return {
    name,
    ...(child?.displayName && { displayName: child.displayName }),
    taskRun: { name: metadata.name, uid: metadata.uid },
    ...(ignored && { ignored: true }),
    ...(params && { params }),
    ...(results && { results }),
    ...outcome,
    ...(before?.startedAt && { startedAt: before.startedAt }),
    attempts: statuses.flatMap((attemptStatus, number) => {
      const own = pods.filter((pod) => attemptOf(pod, statuses) === number);
      const known = before?.attempts.find((attempt) => attempt.number === number);
      const begun = own.length > 0 || known || number === 0 || attemptStatus.startTime || attemptStatus.podName;
      const attempt = () => describeAttempt(number, attemptStatus, own, status.taskSpec, known, deleted);
      return begun ? [attempt()] : [];
    }),
  };
}

/** A pod is often seen before the status that names it; its own name then tells the attempt. */
function attemptOf(pod: Pod, statuses: TaskRunStatus[]): number {
  const named = statuses.findIndex((status) => status.podName === pod.metadata.name);
  return named !== -1 ? named : Number(/-pod-retry(\d+)$/.exec(pod.metadata.name)?.[1] ?? 0);
}

function describeAttempt(
  number: number,
  status: TaskRunStatus,
  pods: Pod[],
  taskSpec: TaskRunStatus["taskSpec"],
  before: Attempt | undefined,
  deleted: boolean,
): Attempt {
  const byAge = pods.sort((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
  const pod = byAge.at(-1);
  const name = pod?.metadata.name ?? status.podName;
  return {
    number,
    ...endedBy(outcomeOf(status), deleted),
    ...(name
      ? {
          pod: {
            name,
            ...(pod && { uid: pod.metadata.uid }),
            ...(pod?.spec?.nodeName && { node: pod.spec.nodeName }),
            ...(!pod && before?.pod),
          },
        }
      : before?.pod && { pod: before.pod }),
    containers: containersOfAttempt(byAge, { ...status, ...(taskSpec && { taskSpec }) }, before),
  };
}
