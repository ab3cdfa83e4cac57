/** What Afterlog keeps of Kubernetes' and Tekton's objects. Everything else is dropped when an object arrives. */

export type Meta = {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: { kind: string; name: string; uid: string }[];
};

export type Condition = { type: string; status: string; reason?: string; message?: string };
export type Param = { name: string; value: unknown };

export type Terminated = {
  exitCode: number;
  containerID?: string;
  reason?: string;
  message?: string;
  startedAt?: string;
  finishedAt?: string;
};
export type ContainerState = {
  running?: { startedAt?: string };
  waiting?: { reason?: string; message?: string };
  terminated?: Terminated;
};

export type StepState = ContainerState & { name: string; container?: string; terminationReason?: string };

export type TaskRunStatus = {
  podName?: string;
  startTime?: string;
  completionTime?: string;
  conditions?: Condition[];
  steps?: StepState[];
  sidecars?: (ContainerState & { name: string; container?: string })[];
  results?: Param[];
  retriesStatus?: TaskRunStatus[];
  taskSpec?: { sidecars?: { name: string; image?: string }[]; steps?: { name?: string; image?: string }[] };
};

export type TaskRun = {
  metadata: Meta;
  spec?: { params?: Param[]; status?: string; taskRef?: { name?: string } };
  status?: TaskRunStatus;
};

type PipelineTask = { name: string; displayName?: string; onError?: string };
export type PipelineRun = {
  metadata: Meta;
  spec?: { params?: Param[]; status?: string; pipelineRef?: { name?: string } };
  status?: {
    startTime?: string;
    completionTime?: string;
    conditions?: Condition[];
    childReferences?: { kind?: string; name: string; displayName?: string; pipelineTaskName?: string }[];
    skippedTasks?: { name: string; reason?: string }[];
    pipelineSpec?: { tasks?: PipelineTask[]; finally?: PipelineTask[] };
    results?: Param[];
  };
};

export type ContainerStatus = {
  name: string;
  containerID?: string;
  image?: string;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
};

export type Pod = {
  metadata: Meta;
  spec?: {
    nodeName?: string;
    containers?: { name: string; image?: string }[];
    initContainers?: { name: string; image?: string; restartPolicy?: string }[];
  };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
};

/** Written by kubectl apply: the whole object once more. */
const BULKY_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";

function trimMeta(meta: Meta): Meta {
  const { [BULKY_ANNOTATION]: _, ...annotations } = meta.annotations ?? {};
  return {
    name: meta.name,
    namespace: meta.namespace,
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    creationTimestamp: meta.creationTimestamp,
    ...(meta.deletionTimestamp && { deletionTimestamp: meta.deletionTimestamp }),
    labels: meta.labels ?? {},
    annotations,
    finalizers: meta.finalizers ?? [],
    ownerReferences: (meta.ownerReferences ?? []).map(({ kind, name, uid }) => ({ kind, name, uid })),
  };
}

const trimTaskRunStatus = (status: TaskRunStatus): TaskRunStatus => ({
  ...pick(status, ["podName", "startTime", "completionTime", "conditions", "steps", "sidecars", "results"]),
  retriesStatus: (status.retriesStatus ?? []).map(trimTaskRunStatus),
  taskSpec: {
    sidecars: (status.taskSpec?.sidecars ?? []).map((sidecar) => pick(sidecar, ["name", "image"])),
    steps: (status.taskSpec?.steps ?? []).map((step) => pick(step, ["name", "image"])),
  },
});

export const trimTaskRun = ({ metadata, spec, status }: TaskRun): TaskRun => ({
  metadata: trimMeta(metadata),
  spec: pick(spec ?? {}, ["params", "status", "taskRef"]),
  status: trimTaskRunStatus(status ?? {}),
});

export function trimPipelineRun({ metadata, spec, status }: PipelineRun): PipelineRun {
  const names = (tasks: PipelineTask[] | undefined) =>
    (tasks ?? []).map((task) => pick(task, ["name", "displayName", "onError"]));
  return {
    metadata: trimMeta(metadata),
    spec: pick(spec ?? {}, ["params", "status", "pipelineRef"]),
    status: {
      ...pick(status ?? {}, [
        "startTime",
        "completionTime",
        "conditions",
        "childReferences",
        "skippedTasks",
        "results",
      ]),
      pipelineSpec: { tasks: names(status?.pipelineSpec?.tasks), finally: names(status?.pipelineSpec?.finally) },
    },
  };
}

export const trimPod = ({ metadata, spec, status }: Pod): Pod => ({
  metadata: trimMeta(metadata),
  spec: {
    ...pick(spec ?? {}, ["nodeName"]),
    containers: (spec?.containers ?? []).map((container) => pick(container, ["name", "image"])),
    initContainers: (spec?.initContainers ?? []).map((container) =>
      pick(container, ["name", "image", "restartPolicy"]),
    ),
  },
  status: pick(status ?? {}, [
    "phase",
    "reason",
    "message",
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
  ]),
});

function pick<T extends object, K extends keyof T>(object: T, names: readonly K[]): Pick<T, K> {
  const picked = {} as Pick<T, K>;
  for (const name of names) if (object[name] !== undefined) picked[name] = object[name];
  return picked;
}

/** The condition that tells how a TaskRun or PipelineRun stands. */
export const succeededCondition = (conditions: Condition[] | undefined): Condition | undefined =>
  conditions?.find((condition) => condition.type === "Succeeded");
