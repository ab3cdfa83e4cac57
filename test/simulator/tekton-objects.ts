import { timeText } from "./clock.ts";
import type { ContainerRun } from "./container-run.ts";
import type { JsonObject, OwnerReference } from "./kubernetes-objects.ts";
import { type Container, imageIdOf, type Pod, runState } from "./pod.ts";
import { durationText, type PipelineRunScript, type StepScript, stepsOf, type TaskScript } from "./script.ts";

/** Objects as Tekton Pipelines 1.15 writes them, seen on a real cluster. */

export const entrypointImage = "localhost/tekton-entrypoint:1";
export const nopImage = "localhost/tekton-nop:1";
const defaultImage = "localhost/busybox:1";
const defaultTimeoutMs = 3_600_000;

export const ownerReference = (kind: string, name: string, uid: string): OwnerReference => ({
  apiVersion: "tekton.dev/v1",
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

export const condition = (status: string, reason: string, message: string, nowNs: bigint): JsonObject => ({
  type: "Succeeded",
  status,
  reason,
  message,
  lastTransitionTime: timeText(nowNs),
});

export function taskSpec(task: TaskScript): JsonObject {
  const params = Object.keys(task.matrix ?? {});
  return {
    ...(params.length > 0 ? { params: params.map((name) => ({ name, type: "string" })) } : {}),
    steps: stepsOf(task, { attempt: 0, params: firstParams(task) }).map((step) => ({
      computeResources: {},
      image: step.image ?? defaultImage,
      name: step.name,
      script: step.script ?? `#!/bin/sh\n./${step.name}\n`,
      ...(step.onError ? { onError: step.onError } : {}),
    })),
    ...(task.sidecars
      ? {
          sidecars: task.sidecars.map((sidecar) => ({
            computeResources: {},
            image: sidecar.image ?? defaultImage,
            name: sidecar.name,
            script: sidecar.script ?? `#!/bin/sh\n./${sidecar.name}\n`,
          })),
        }
      : {}),
  };
}

const firstParams = (task: TaskScript): Record<string, string> =>
  Object.fromEntries(Object.entries(task.matrix ?? {}).map(([name, values]) => [name, values[0] ?? ""]));

function pipelineTask(task: TaskScript): JsonObject {
  const { metadata, spec } = { metadata: {}, spec: null };
  return {
    name: task.name,
    taskSpec: { metadata, spec, ...taskSpec(task) },
    ...(task.runAfter ? { runAfter: [...task.runAfter] } : {}),
    ...(task.retries ? { retries: task.retries } : {}),
    ...(task.timeoutMs ? { timeout: durationText(task.timeoutMs) } : {}),
    ...(task.onError ? { onError: task.onError } : {}),
    ...(task.skipped?.when ? { when: [task.skipped.when] } : {}),
    ...(task.matrix
      ? { matrix: { params: Object.entries(task.matrix).map(([name, value]) => ({ name, value: [...value] })) } }
      : {}),
  };
}

export const pipelineSpec = (script: PipelineRunScript): JsonObject => ({
  tasks: script.tasks.map(pipelineTask),
  ...(script.finally ? { finally: script.finally.map(pipelineTask) } : {}),
});

export const taskRunSpec = (task: TaskScript, params: Record<string, string>): JsonObject => ({
  ...(Object.keys(params).length > 0
    ? { params: Object.entries(params).map(([name, value]) => ({ name, value })) }
    : {}),
  ...(task.retries ? { retries: task.retries } : {}),
  serviceAccountName: "default",
  taskSpec: taskSpec(task),
  timeout: durationText(task.timeoutMs ?? defaultTimeoutMs),
});

/** The init containers and containers of an attempt's pod. */
export function podContainers(task: TaskScript): { initContainers: JsonObject[]; containers: JsonObject[] } {
  const steps = stepsOf(task, { attempt: 0, params: firstParams(task) });
  return {
    initContainers: [
      {
        name: "prepare",
        image: entrypointImage,
        command: ["/ko-app/entrypoint", "init", "/ko-app/entrypoint", "/tekton/bin/entrypoint"],
      },
      { name: "place-scripts", image: defaultImage, command: ["sh"], args: ["-c", "…"] },
    ],
    containers: [
      ...steps.map((step, index) => ({
        name: `step-${step.name}`,
        image: step.image ?? defaultImage,
        command: ["/tekton/bin/entrypoint"],
        args: ["-post_file", `/tekton/run/${index}/out`, "-entrypoint", `/tekton/scripts/script-${index}`, "--"],
        terminationMessagePath: "/tekton/termination",
      })),
      ...(task.sidecars ?? []).map((sidecar, index) => ({
        name: `sidecar-${sidecar.name}`,
        image: sidecar.image ?? defaultImage,
        command: [`/tekton/scripts/sidecar-script-${index}`],
      })),
    ],
  };
}

/** How a step stands; `pod` and Tekton do not use the same words for it. */
export type StepProgress = {
  /** When the entrypoint let the step begin: later than the container's start. */
  begunNs?: bigint;
  skipped?: boolean;
  /** The step's own exit code when `onError: continue` hides it: the container then ends with 0. */
  hiddenExitCode?: number;
  /** Tekton ended the pod: it writes what it did, not what the container said. */
  stopped?: { reason: string; atNs: bigint };
};

export function stepStatus(step: StepScript, pod: Pod, progress: StepProgress): JsonObject {
  const container = pod.containers.get(`step-${step.name}`);
  const run = container?.current;
  const identity = {
    container: `step-${step.name}`,
    name: step.name,
    provenance: {},
    ...(run && container ? { imageID: imageIdOf(container.image) } : {}),
  };
  if (progress.stopped && (run === undefined || run.running || run.exitCode === 255)) {
    const { reason, atNs } = progress.stopped;
    return {
      ...identity,
      terminated: {
        exitCode: 1,
        reason,
        message: `Step ${step.name} terminated as pod ${pod.name} is terminated`,
        startedAt: timeText(run?.startedNs ?? atNs),
        finishedAt: timeText(atNs),
      },
      terminationReason: reason,
    };
  }
  if (!run) return { ...identity, waiting: { ...(container?.waiting ?? { reason: "PodInitializing" }) } };
  if (run.running) return { ...identity, ...runState(run) };
  return {
    ...identity,
    terminated: stepTerminated(run, progress),
    terminationReason: terminationReason(run, progress),
  };
}

function stepTerminated(run: ContainerRun, { begunNs, hiddenExitCode }: StepProgress): JsonObject {
  return {
    exitCode: hiddenExitCode ?? run.exitCode ?? 0,
    reason: run.reason ?? "Completed",
    startedAt: timeText(begunNs ?? run.startedNs),
    finishedAt: timeText(run.finishedNs ?? run.startedNs),
    containerID: run.containerId,
  };
}

function terminationReason(run: ContainerRun, { skipped, hiddenExitCode }: StepProgress): string {
  if (skipped) return "Skipped";
  return hiddenExitCode === undefined ? (run.reason ?? "Completed") : "Continued";
}

export function sidecarStatus(container: Container): JsonObject {
  const identity = { container: container.name, name: container.name.replace(/^sidecar-/, "") };
  const [first, replacement] = container.runs;
  if (!first) return { ...identity, waiting: { ...container.waiting } };
  const imageID = imageIdOf(container.image);
  if (!replacement || first.finishedNs === undefined) return { ...identity, imageID, ...runState(first) };
  return {
    ...identity,
    imageID,
    terminated: {
      exitCode: 137,
      reason: "Completed",
      message: "Sidecar container successfully stopped by nop image",
      startedAt: timeText(first.startedNs),
      finishedAt: timeText(first.finishedNs),
      containerID: first.containerId,
    },
  };
}
