import { timeText } from "./clock.ts";
import { type JsonObject, type OwnerReference, resources } from "./kubernetes-objects.ts";
import type { Pod } from "./pod.ts";
import type { PodOperations } from "./pod-operations.ts";
import { type Failure, type PlayerTimes, PodPlayer } from "./pod-player.ts";
import { durationText, stepsOf, type TaskScript } from "./script.ts";
import {
  condition,
  ownerReference,
  podContainers,
  sidecarStatus,
  stepStatus,
  taskRunSpec,
  taskSpec,
} from "./tekton-objects.ts";

export type TaskRunIdentity = {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  owner?: OwnerReference;
  params: Record<string, string>;
};

export type TaskOutcome = "succeeded" | "failed" | "cancelled";

const managedBy = { "app.kubernetes.io/managed-by": "tekton-pipelines" };
const release = { "pipeline.tekton.dev/release": "v1.15.0" };

/** Tekton's TaskRun controller for one TaskRun: its object, its attempts and their pods. */
export class TaskPlayer {
  readonly uid: string;
  readonly pods: Pod[] = [];
  /** The TaskRun is done. */
  readonly done: Promise<TaskOutcome>;
  /** Its sidecars are stopped too. */
  readonly settled: Promise<void>;
  readonly #operations: PodOperations;
  readonly #identity: TaskRunIdentity;
  readonly #task: TaskScript;
  readonly #times: PlayerTimes;
  #attempt = 0;
  #player: PodPlayer | undefined;
  #status: JsonObject = {};
  #stop: Failure | undefined;
  #stopping: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(operations: PodOperations, identity: TaskRunIdentity, task: TaskScript, times: PlayerTimes) {
    this.#operations = operations;
    this.#identity = identity;
    this.#task = task;
    this.#times = times;
    const { namespace, name, labels, annotations, owner, params } = identity;
    const onError: Record<string, string> = task.onError
      ? { "pipeline.tekton.dev/pipeline-task-on-error": task.onError }
      : {};
    const object = operations.store.create(resources.taskruns, {
      apiVersion: "tekton.dev/v1",
      kind: "TaskRun",
      metadata: {
        name,
        namespace,
        generation: 1,
        creationTimestamp: timeText(this.#nowNs()),
        labels: { ...managedBy, ...labels },
        annotations: { ...release, ...onError, ...annotations },
        ...(owner ? { ownerReferences: [owner] } : {}),
      },
      spec: taskRunSpec(task, params),
    });
    this.uid = object.metadata.uid;
    this.done = this.#play();
    this.settled = this.done.then(() => this.#player?.stopSidecars());
  }

  get name(): string {
    return this.#identity.name;
  }

  /** What `spec.status: TaskRunCancelled` asks for. */
  cancel(statusMessage = ""): void {
    const message = `TaskRun "${this.name}" was cancelled. ${statusMessage}`;
    this.#requestStop({ reason: "TaskRunCancelled", message, cancelled: true });
  }

  /** The TaskRun's object is gone: its pods go the garbage collector's way. */
  abandon(): void {
    this.#requestStop({ reason: "TaskRunCancelled", message: "", cancelled: true });
  }

  async #play(): Promise<TaskOutcome> {
    for (;;) {
      const failure = await this.#playAttempt();
      this.#status.completionTime = timeText(this.#nowNs());
      if (!failure) {
        this.#report("Succeeded", "All Steps have completed executing", "True");
        return "succeeded";
      }
      const ignored = failure.reason === "StepFailed" && this.#task.onError === "continue";
      const reason = ignored ? "FailureIgnored" : failure.reason;
      if (failure.cancelled || this.#attempt >= (this.#task.retries ?? 0)) {
        this.#report(reason, failure.message, "False");
        return failure.cancelled ? "cancelled" : "failed";
      }
      this.#retry(condition("False", reason, failure.message, this.#nowNs()), failure.message);
    }
  }

  /**
   * The old status moves into retriesStatus without ever having been the TaskRun's own; of it the steps stay in place
   * until the next pod reports.
   */
  #retry(failed: JsonObject, message: string): void {
    this.#fillSteps();
    const { retriesStatus, ...old } = this.#status;
    const earlier = Array.isArray(retriesStatus) ? retriesStatus : [];
    this.#attempt += 1;
    this.#stop = undefined;
    this.#stopping = Promise.withResolvers();
    this.#status = {
      steps: old.steps,
      taskSpec: old.taskSpec,
      retriesStatus: [...earlier, { ...old, conditions: [failed] }],
      conditions: [condition("Unknown", "ToBeRetried", message, this.#nowNs())],
    };
    this.#publish();
  }

  /** Returns why the attempt failed. */
  async #playAttempt(): Promise<Failure | undefined> {
    const timer = new AbortController();
    this.#status.startTime = timeText(this.#nowNs());
    this.#status.conditions = [condition("Unknown", "Pending", "Pending", this.#nowNs())];
    this.#startTimeout(timer.signal);
    try {
      for (;;) {
        const player = this.#createPod();
        const played = player.play();
        await Promise.race([played, this.#stopping.promise]);
        const failure = this.#stop ?? (await played);
        if (this.#stop || failure?.deletesPod) await player.deletePod(failure?.reason ?? "");
        await played;
        // Tekton makes a pod of the same name anew when its pod vanishes under it.
        if (!(failure && player.pod.deletion === "forced" && !this.#stop)) return failure;
      }
    } finally {
      timer.abort();
    }
  }

  #startTimeout(signal: AbortSignal): void {
    const { timeoutMs } = this.#task;
    if (timeoutMs === undefined) return;
    const message = `TaskRun "${this.name}" failed to finish within "${durationText(timeoutMs)}"`;
    void this.#operations.clock.sleep(timeoutMs, signal).then(() => {
      if (!signal.aborted) this.#requestStop({ reason: "TaskRunTimeout", message });
    });
  }

  #requestStop(stop: Failure): void {
    this.#stop ??= stop;
    this.#stopping.resolve();
  }

  #createPod(): PodPlayer {
    const { namespace, name, labels, annotations, params } = this.#identity;
    const pod = this.#operations.createPod({
      namespace,
      name: `${name}-pod${this.#attempt === 0 ? "" : `-retry${this.#attempt}`}`,
      nodeName: null,
      started: false,
      labels: { ...labels, ...managedBy, "tekton.dev/taskRun": name, "tekton.dev/taskRunUID": this.uid },
      annotations: { ...release, ...annotations },
      ownerReferences: [ownerReference("TaskRun", name, this.uid)],
      ...podContainers(this.#task),
      spec: { activeDeadlineSeconds: 5400, serviceAccountName: "default" },
    });
    this.pods.push(pod);
    const steps = stepsOf(this.#task, { attempt: this.#attempt, params });
    this.#player = new PodPlayer(this.#operations, { pod, task: this.#task, steps }, this.#times, (reason, message) =>
      this.#report(reason, message),
    );
    this.#status.podName = pod.name;
    this.#status.taskSpec = taskSpec(this.#task);
    this.#publish();
    return this.#player;
  }

  #report(reason?: string, message = "", status = "Unknown"): void {
    this.#fillSteps();
    if (reason !== undefined) this.#status.conditions = [condition(status, reason, message, this.#nowNs())];
    this.#publish();
  }

  #fillSteps(): void {
    const { pod, steps, progress } = this.#player ?? {};
    if (!pod || !steps) return;
    this.#status.steps = steps.map((step) => stepStatus(step, pod, progress?.get(step.name) ?? {}));
    const sidecars = pod.of("container").filter(({ name }) => name.startsWith("sidecar-"));
    if (sidecars.length > 0) this.#status.sidecars = sidecars.map(sidecarStatus);
  }

  #publish(): void {
    const { namespace, name } = this.#identity;
    const { store } = this.#operations;
    if (store.get(resources.taskruns, namespace, name)?.metadata.uid !== this.uid) return;
    const status = structuredClone(this.#status);
    store.update(resources.taskruns, namespace, name, (object) => ({ ...object, status }));
  }

  #nowNs(): bigint {
    return this.#operations.clock.nowNs();
  }
}
