import { setImmediate as nextTurn } from "node:timers/promises";
import type { ContainerRun } from "./container-run.ts";
import { formatTime } from "./cri-log.ts";
import type { JsonObject } from "./kubernetes-objects.ts";
import type { Pod } from "./pod.ts";
import type { PodOperations } from "./pod-operations.ts";
import { linesOf, type SidecarScript, type StepScript, type TaskScript } from "./script.ts";
import { nopImage, type StepProgress } from "./tekton-objects.ts";

export type PlayerTimes = {
  /** From the pod's creation to its first running container. */
  startupMs: number;
  /** From a cancelled pod's deletionTimestamp to its containers' end. */
  killMs: number;
  /** From a TaskRun's end to its sidecars' restart with the nop image (about 30 s on a real cluster). */
  sidecarStopMs: number;
  /** How long the sidecar's real log is `previous` after that (about 2 s on Kubernetes 1.34). */
  previousMs: number;
};

export type Failure = {
  reason: string;
  message: string;
  cancelled?: boolean;
  /** Tekton deletes the pod of what it cancels, times out or cannot start. */
  deletesPod?: boolean;
};

/** Tells the TaskRun's status how the pod stands. */
export type Report = (reason?: string, message?: string) => void;

/** The processes of one attempt's pod: init containers, then all containers at once, the steps waiting for their turn. */
export class PodPlayer {
  readonly pod: Pod;
  readonly steps: readonly StepScript[];
  readonly progress: Map<string, StepProgress>;
  readonly #operations: PodOperations;
  readonly #task: TaskScript;
  readonly #times: PlayerTimes;
  readonly #report: Report;

  constructor(
    operations: PodOperations,
    { pod, task, steps }: { pod: Pod; task: TaskScript; steps: readonly StepScript[] },
    times: PlayerTimes,
    report: Report,
  ) {
    this.#operations = operations;
    this.#task = task;
    this.#times = times;
    // Tekton knows of the pod what kubelet could tell the API.
    this.#report = (reason, message) => {
      if (!operations.kubelet.isLost(pod.nodeName)) report(reason, message);
    };
    this.pod = pod;
    this.steps = steps;
    this.progress = new Map(steps.map(({ name }) => [name, {}]));
  }

  /** Resolves when the last step has ended, with why the attempt failed. */
  async play(): Promise<Failure | undefined> {
    const { pod } = this;
    const gone = (): boolean => pod.deletion !== undefined || pod.failure !== undefined;
    await this.#sleep(this.#times.startupMs / 2);
    if (gone()) return this.#failure();
    this.#operations.schedule(pod);
    this.#report(
      "Pending",
      `pod status "Initialized":"False"; message: "containers with incomplete status: [prepare place-scripts]"`,
    );
    this.#playInit("prepare", ["Entrypoint initialization"]);
    this.#playInit(
      "place-scripts",
      this.steps.map((_, index) => `Decoded script /tekton/scripts/script-${index}-4dlt4`),
    );
    await this.#sleep(this.#times.startupMs / 2);
    if (gone()) return this.#failure();
    if (this.#task.imagePullFailure) return this.#failToPull(this.#task.imagePullFailure.message);

    for (const step of this.steps) this.#operations.startContainer(pod, `step-${step.name}`);
    for (const sidecar of this.#task.sidecars ?? []) this.#startSidecar(sidecar);
    this.#operations.annotate(pod, { "tekton.dev/ready": "READY" });
    this.#reportRunning();
    for (const step of this.steps) await this.#playStep(step);
    await this.#operations.kubelet.fateKnown(pod);
    return this.#failure();
  }

  /** What Tekton does at once on cancel, timeout and image failures, unless keep-pod-on-cancel is set. */
  async deletePod(reason: string): Promise<void> {
    this.#operations.beginDeletion(this.pod);
    for (const progress of this.progress.values()) progress.stopped = { reason, atNs: this.#operations.clock.nowNs() };
    this.#report();
    // The processes go on writing until SIGTERM reaches them.
    await this.#sleep(this.#times.killMs);
    this.#operations.killContainers(this.pod);
    this.#operations.finishDeletion(this.pod);
  }

  /** Sidecars are restarted with an image that ends at once; their real log is `previous` for a moment. */
  async stopSidecars(): Promise<void> {
    const { pod } = this;
    const sidecars = this.#task.sidecars ?? [];
    if (sidecars.length === 0 || pod.deletion) return;
    await this.#sleep(this.#times.sidecarStopMs);
    for (const { name } of sidecars) {
      if (pod.deletion) return;
      const container = `sidecar-${name}`;
      const nop = this.#operations.restartContainer(pod, container, { image: nopImage });
      // The nop image has no shell for the sidecar's script.
      nop.writeLine(`exec /tekton/scripts/sidecar-script-0-lsqfg: no such file or directory`, { stream: "stderr" });
      this.#operations.exit(pod, container, 1);
    }
    this.#report();
    await this.#sleep(this.#times.previousMs);
    this.#operations.removePrevious(pod);
  }

  #playInit(name: string, lines: string[]): void {
    this.#operations.startContainer(this.pod, name);
    const date = formatTime(this.#operations.clock.nowNs()).slice(0, 19).replaceAll("-", "/").replace("T", " ");
    for (const line of lines) this.#operations.writeLine(this.pod, name, `${date} ${line}`, { stream: "stderr" });
    this.#operations.exit(this.pod, name, 0);
  }

  /** It writes beside the steps, and goes on after them until something stops it. */
  #startSidecar(sidecar: SidecarScript): void {
    const run = this.#operations.startContainer(this.pod, `sidecar-${sidecar.name}`);
    void this.#write(run, sidecar);
  }

  async #playStep(step: StepScript): Promise<void> {
    const name = `step-${step.name}`;
    const run = this.pod.container(name).current;
    const progress = this.progress.get(step.name) ?? {};
    if (!run?.running) return;
    progress.begunNs = this.#operations.clock.nowNs();
    if (this.#failedStep()) {
      progress.skipped = true;
      run.terminationMessage = terminationMessage(progress.begunNs, "Reason", "Skipped");
      this.#operations.exit(this.pod, name, 1);
      return;
    }
    await this.#write(run, step);
    if (!run.running) return;
    if (step.unfinishedLine !== undefined) run.write(step.unfinishedLine);
    const exitCode = step.exitCode ?? 0;
    const hidden = step.onError === "continue" && exitCode !== 0;
    if (hidden) progress.hiddenExitCode = exitCode;
    run.terminationMessage = hidden
      ? terminationMessage(progress.begunNs, "ExitCode", String(exitCode))
      : terminationMessage(progress.begunNs);
    this.#operations.exit(this.pod, name, hidden ? 0 : exitCode);
    this.#reportRunning();
  }

  async #write(run: ContainerRun, { lines, paceMs = 20 }: Pick<StepScript, "lines" | "paceMs">): Promise<void> {
    let sinceYield = 0;
    for (const line of linesOf(lines)) {
      const { text, afterMs = paceMs, stream } = typeof line === "string" ? { text: line } : line;
      if (afterMs > 0) await this.#sleep(afterMs, run.ended);
      else if (++sinceYield % 500 === 0) await nextTurn();
      if (!run.running) return;
      run.writeLine(text, stream === undefined ? {} : { stream });
    }
  }

  #failedStep(): StepScript | undefined {
    return this.steps.find(({ name }) => {
      const run = this.pod.containers.get(`step-${name}`)?.current;
      return run && !run.running && run.exitCode !== 0 && !this.progress.get(name)?.skipped;
    });
  }

  #failure(): Failure | undefined {
    const { pod } = this;
    if (pod.failure?.message !== undefined) return { reason: "PodEvicted", message: pod.failure.message };
    if (pod.failure) return { reason: "Failed", message: "build failed for unspecified reasons." };
    const failed = this.#failedStep();
    if (failed) {
      const run = pod.container(`step-${failed.name}`).current;
      const message = `"step-${failed.name}" exited with code ${run?.exitCode}: ${run?.reason}`;
      return { reason: "StepFailed", message };
    }
    return pod.deletion ? { reason: "Failed", message: `pod "${pod.name}" was deleted` } : undefined;
  }

  async #failToPull(message: string): Promise<Failure | undefined> {
    const [step] = this.steps;
    if (!step) return undefined;
    const container = `step-${step.name}`;
    this.#operations.setWaiting(this.pod, container, { reason: "ErrImagePull", message });
    this.#report("PullImageFailed", `build step "${container}" is pending with reason "${message}"`);
    await this.#sleep(this.#times.startupMs);
    const backOff = `Back-off pulling image "${this.pod.container(container).image}"`;
    this.#operations.setWaiting(this.pod, container, { reason: "ImagePullBackOff", message: backOff });
    const taskRun = this.pod.name.replace(/-pod(-retry\d+)?$/, "");
    return {
      reason: "TaskRunImagePullFailed",
      message: `the step "${step.name}" in TaskRun "${taskRun}" failed to pull the image "". The pod errored with the message: "${backOff}."`,
      deletesPod: true,
    };
  }

  #reportRunning(): void {
    this.#report("Running", "Not all Steps in the Task have finished executing");
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#operations.clock.sleep(ms, signal);
  }
}

/** What the entrypoint leaves for Tekton's controller. */
function terminationMessage(startedNs: bigint, key?: string, value?: string): string {
  const results: JsonObject[] = [{ key: "StartedAt", value: `${formatTime(startedNs).slice(0, 23)}Z`, type: 3 }];
  if (key !== undefined) results.push({ key, value, type: 3 });
  return JSON.stringify(results);
}
