import { timeText } from "./clock.ts";
import { type JsonObject, resources } from "./kubernetes-objects.ts";
import type { Pod } from "./pod.ts";
import type { PodOperations } from "./pod-operations.ts";
import type { PlayerTimes } from "./pod-player.ts";
import { combinations, durationText, type PipelineRunScript, type TaskScript } from "./script.ts";
import { type TaskOutcome, TaskPlayer } from "./task-player.ts";
import { condition, ownerReference, pipelineSpec } from "./tekton-objects.ts";

type TaskState = "waiting" | "running" | "succeeded" | "failed" | "ignored" | "cancelled" | "skipped";

/** Tekton's PipelineRun controller for one PipelineRun. */
export class PipelinePlayer {
  readonly uid: string;
  readonly done: Promise<void>;
  readonly settled: Promise<void>;
  readonly tasks: TaskPlayer[] = [];
  readonly #operations: PodOperations;
  readonly #script: PipelineRunScript;
  readonly #times: PlayerTimes;
  readonly #onTask: (player: TaskPlayer) => void;
  readonly #namespace: string;
  readonly #states = new Map<string, TaskState>();
  readonly #plays = new Map<string, Promise<void>>();
  readonly #skipped: JsonObject[] = [];
  #status: JsonObject = {};
  #stop: { reason: string; message: string; taskMessage: string } | undefined;

  constructor(
    operations: PodOperations,
    script: PipelineRunScript,
    times: PlayerTimes,
    onTask: (player: TaskPlayer) => void,
  ) {
    this.#operations = operations;
    this.#script = script;
    this.#times = times;
    this.#onTask = onTask;
    this.#namespace = script.namespace ?? "default";
    const spec = pipelineSpec(script);
    const object = operations.store.create(resources.pipelineruns, {
      apiVersion: "tekton.dev/v1",
      kind: "PipelineRun",
      metadata: {
        name: script.name,
        namespace: this.#namespace,
        generation: 1,
        creationTimestamp: timeText(operations.clock.nowNs()),
        labels: { ...script.labels, "tekton.dev/pipeline": script.pipeline ?? script.name },
        annotations: { ...script.annotations },
      },
      spec: {
        ...(script.pipeline === undefined ? { pipelineSpec: spec } : { pipelineRef: { name: script.pipeline } }),
        taskRunTemplate: { serviceAccountName: "default" },
        timeouts: { pipeline: durationText(script.timeoutMs ?? 3_600_000) },
      },
    });
    this.uid = object.metadata.uid;
    this.#status = { startTime: timeText(operations.clock.nowNs()), pipelineSpec: spec, childReferences: [] };
    for (const task of [...script.tasks, ...(script.finally ?? [])]) this.#states.set(task.name, "waiting");
    this.#publishProgress();
    this.done = this.#play();
    this.settled = this.done.then(async () => {
      await Promise.all(this.tasks.map((task) => task.settled));
    });
  }

  pods(): Pod[] {
    return this.tasks.flatMap((task) => task.pods);
  }

  /** What `spec.status: Cancelled` asks for. */
  cancel(): void {
    this.#stopAll({
      reason: "Cancelled",
      message: `PipelineRun "${this.#script.name}" was cancelled`,
      taskMessage: "TaskRun cancelled as the PipelineRun it belongs to has been cancelled.",
    });
  }

  /** The object is gone; its TaskRuns are the garbage collector's. */
  abandon(): void {
    this.#stop ??= { reason: "Cancelled", message: "", taskMessage: "" };
  }

  #stopAll(stop: { reason: string; message: string; taskMessage: string }): void {
    if (this.#stop || this.#status.completionTime !== undefined) return;
    this.#stop = stop;
    const { store } = this.#operations;
    for (const { name } of this.tasks) {
      const object = store.get(resources.taskruns, this.#namespace, name);
      if (!object || object.status?.completionTime !== undefined) continue;
      store.update(resources.taskruns, this.#namespace, name, (taskRun) => ({
        ...taskRun,
        spec: { ...taskRun.spec, status: "TaskRunCancelled", statusMessage: stop.taskMessage },
      }));
    }
  }

  async #play(): Promise<void> {
    const { timeoutMs, tasks } = this.#script;
    const timer = new AbortController();
    if (timeoutMs !== undefined)
      void this.#operations.clock.sleep(timeoutMs, timer.signal).then(() => {
        if (timer.signal.aborted) return;
        this.#stopAll({
          reason: "PipelineRunTimeout",
          message: `PipelineRun "${this.#script.name}" failed to finish within "${durationText(timeoutMs)}"`,
          taskMessage: "TaskRun cancelled as the PipelineRun it belongs to has timed out.",
        });
      });
    await Promise.all(tasks.map((task) => this.#taskPlay(task)));
    const last = this.#script.finally ?? [];
    if (last.length > 0 && !this.#stop) {
      this.#status.finallyStartTime = timeText(this.#operations.clock.nowNs());
      await Promise.all(last.map((task) => this.#playTask(task, "finally")));
    }
    timer.abort();
    this.#finish();
  }

  /** Once per task, whoever asks first: the loop over all tasks or one that runs after it. */
  #taskPlay(task: TaskScript): Promise<void> {
    const known = this.#plays.get(task.name);
    if (known) return known;
    const parents = (task.runAfter ?? []).map((name) => {
      const parent = this.#script.tasks.find((other) => other.name === name);
      if (!parent) throw new Error(`task ${task.name} runs after ${name}, which does not exist`);
      return this.#taskPlay(parent);
    });
    const play = Promise.all(parents).then(() => this.#playTask(task, "tasks"));
    this.#plays.set(task.name, play);
    return play;
  }

  async #playTask(task: TaskScript, memberOf: "tasks" | "finally"): Promise<void> {
    if (this.#stop) return;
    if (task.skipped) {
      this.#skip(task.name, task.skipped.reason, task.skipped.when);
      return;
    }
    const stopping = memberOf === "tasks" && [...this.#states.values()].includes("failed");
    if (stopping) {
      this.#skip(task.name, "PipelineRun was stopping");
      return;
    }
    this.#states.set(task.name, "running");
    const players = combinations(task.matrix).map((params, index) => this.#startTask(task, memberOf, params, index));
    this.#publishProgress();
    const outcomes = await Promise.all(players.map((player) => player.done));
    this.#states.set(task.name, combinedState(outcomes, task));
    this.#publishProgress();
  }

  #startTask(task: TaskScript, memberOf: string, params: Record<string, string>, index: number): TaskPlayer {
    const { name, labels, annotations, pipeline } = this.#script;
    const taskRunName = `${name}-${task.name}${task.matrix ? `-${index}` : ""}`;
    const player = new TaskPlayer(
      this.#operations,
      {
        namespace: this.#namespace,
        name: taskRunName,
        labels: {
          ...labels,
          "tekton.dev/memberOf": memberOf,
          "tekton.dev/pipeline": pipeline ?? name,
          "tekton.dev/pipelineRun": name,
          "tekton.dev/pipelineRunUID": this.uid,
          "tekton.dev/pipelineTask": task.name,
        },
        annotations: { ...annotations },
        owner: ownerReference("PipelineRun", name, this.uid),
        params,
      },
      task,
      this.#times,
    );
    this.tasks.push(player);
    this.#onTask(player);
    const children = this.#status.childReferences as JsonObject[];
    children.push({ apiVersion: "tekton.dev/v1", kind: "TaskRun", name: taskRunName, pipelineTaskName: task.name });
    return player;
  }

  #skip(name: string, reason: string, when?: JsonObject): void {
    this.#states.set(name, "skipped");
    this.#skipped.push({ name, reason, ...(when ? { whenExpressions: [when] } : {}) });
    this.#publishProgress();
  }

  #publishProgress(): void {
    this.#publish(condition("Unknown", "Running", this.#message(true), this.#operations.clock.nowNs()));
  }

  #finish(): void {
    this.#status.completionTime = timeText(this.#operations.clock.nowNs());
    const nowNs = this.#operations.clock.nowNs();
    if (this.#stop) {
      this.#publish(condition("False", this.#stop.reason, this.#stop.message, nowNs));
      return;
    }
    const states = [...this.#states.values()];
    const failed = states.includes("failed") || states.includes("cancelled");
    const reason = failed ? "Failed" : states.includes("skipped") ? "Completed" : "Succeeded";
    this.#publish(condition(failed ? "False" : "True", reason, this.#message(false), nowNs));
  }

  #message(running: boolean): string {
    const states = [...this.#states.values()];
    const count = (...wanted: TaskState[]): number => states.filter((state) => wanted.includes(state)).length;
    const ignored = count("ignored");
    const failed = `Failed: ${count("failed", "ignored")}${ignored > 0 ? ` (Ignored: ${ignored})` : ""}`;
    const completed = count("succeeded", "failed", "ignored", "cancelled");
    const incomplete = running ? `, Incomplete: ${count("waiting", "running")}` : "";
    return `Tasks Completed: ${completed} (${failed}, Cancelled ${count("cancelled")})${incomplete}, Skipped: ${count("skipped")}`;
  }

  #publish(newCondition: JsonObject): void {
    const { store } = this.#operations;
    this.#status.conditions = [newCondition];
    if (this.#skipped.length > 0) this.#status.skippedTasks = this.#skipped;
    if (store.get(resources.pipelineruns, this.#namespace, this.#script.name)?.metadata.uid !== this.uid) return;
    store.update(resources.pipelineruns, this.#namespace, this.#script.name, (object) => ({
      ...object,
      status: structuredClone(this.#status),
    }));
  }
}

function combinedState(outcomes: TaskOutcome[], task: TaskScript): TaskState {
  if (outcomes.includes("cancelled")) return "cancelled";
  if (!outcomes.includes("failed")) return "succeeded";
  return task.onError === "continue" ? "ignored" : "failed";
}
