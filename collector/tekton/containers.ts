import type { Attempt, Container, Log } from "../../archive/record.ts";
import { containerStatus } from "../follow/container-view.ts";
import type { ContainerState, ContainerStatus, Pod, StepState, TaskRunStatus } from "../kubernetes/objects.ts";
import { containerOutcome } from "./status.ts";

export const NO_LOG_YET: Log = { state: "waiting", lines: 0, bytes: 0, gaps: [], segments: [] };

type Kind = Container["kind"];
type Named = { name: string; kind: Kind };

const STEP = "step-";
const SIDECAR = "sidecar-";
const ORDER: Record<Kind, number> = { init: 0, step: 1, sidecar: 2 };

const kindOf = (name: string, fallback: Kind): Kind =>
  name.startsWith(STEP) ? "step" : name.startsWith(SIDECAR) ? "sidecar" : fallback;

const titleOf = (name: string): string => name.replace(/^(step|sidecar)-/, "");

/**
 * The container runs of one attempt: what its pods and its status show, joined to what `before` knew. A row that has
 * once been seen stays, whatever happens to the pod.
 */
export function containersOfAttempt(
  pods: readonly Pod[],
  status: TaskRunStatus,
  before: Attempt | undefined,
): Container[] {
  const rows = new Map<string, Container>((before?.containers ?? []).map((row) => [rowKey(row), row]));
  for (const pod of pods) addPod(rows, pod, status);
  addStatus(rows, pods, status);
  // Rows of one container stay together; steps keep the order of the pod, which is the task's.
  const all = [...rows.values()];
  const place = new Map<string, number>();
  for (const { name } of all) if (!place.has(name)) place.set(name, place.size);
  return all.sort(
    (a, b) =>
      ORDER[a.kind] - ORDER[b.kind] || (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0) || a.restart - b.restart,
  );
}

const rowKey = ({ name, restart }: { name: string; restart: number }): string => `${name}.${restart}`;

function addPod(rows: Map<string, Container>, pod: Pod, status: TaskRunStatus): void {
  for (const { name, kind } of containerNames(pod)) {
    const first = firstRestart(rows, name, pod.metadata.uid);
    const state = containerStatus(pod, name);
    for (let count = 0; count <= lastRestart(pod, name, state, status); count++) {
      const key = rowKey({ name, restart: first + count });
      const known = rows.get(key);
      const step = status.steps?.find((step) => (step.container ?? STEP + step.name) === name && isAbout(step, state));
      const newest = count === (state?.restartCount ?? 0);
      rows.set(key, {
        name,
        kind,
        title: titleOf(name),
        restart: first + count,
        log: known?.log ?? NO_LOG_YET,
        ...(state?.image && { image: state.image }),
        podUid: pod.metadata.uid,
        ...outcomeAt(state, count, newest ? step : undefined),
      });
    }
  }
}

/** While a retry's pod starts, the TaskRun still shows the steps of the attempt before (seen with Tekton 1.15). */
const isAbout = (step: StepState, state: ContainerStatus | undefined): boolean =>
  step.terminated?.containerID === undefined || step.terminated.containerID === state?.containerID;

function outcomeAt(state: ContainerStatus | undefined, count: number, step: StepState | undefined) {
  const behind = (state?.restartCount ?? 0) - count;
  if (behind > 1) return { status: "unknown" as const };
  const own: ContainerState = (behind === 1 ? state?.lastState : state?.state) ?? {};
  return stepOutcome(own, step);
}

/** The TaskRun knows more of a step than its container: the exit code of the step itself, and why it ended. */
function stepOutcome(own: ContainerState, step: StepState | undefined) {
  const state = step?.terminated ? step : own;
  const ignored = step?.terminationReason === "Continued" && (step.terminated?.exitCode ?? 0) !== 0;
  return { ...containerOutcome(state, step?.terminationReason), ...(ignored && { ignored: true }) };
}

function containerNames(pod: Pod): Named[] {
  const init = (pod.spec?.initContainers ?? []).map(({ name }) => ({ name, kind: kindOf(name, "init") }));
  const main = (pod.spec?.containers ?? []).map(({ name }) => ({ name, kind: kindOf(name, "sidecar") }));
  return [...init, ...main];
}

/** Where this pod's restarts begin: behind those of the pods that had its name before. */
function firstRestart(rows: Map<string, Container>, name: string, podUid: string): number {
  const same = [...rows.values()].filter((row) => row.name === name);
  const own = same.filter((row) => row.podUid === podUid || row.podUid === undefined);
  if (own.length > 0) return Math.min(...own.map((row) => row.restart));
  return same.length === 0 ? 0 : Math.max(...same.map((row) => row.restart)) + 1;
}

/** Tekton stops a sidecar by giving it an image that does nothing; what that prints is no part of the run. */
function lastRestart(pod: Pod, name: string, state: ContainerStatus | undefined, status: TaskRunStatus): number {
  const count = state?.restartCount ?? 0;
  const now = pod.spec?.containers?.find((container) => container.name === name)?.image;
  const wanted = status.taskSpec?.sidecars?.find((sidecar) => SIDECAR + sidecar.name === name)?.image;
  const replaced = wanted !== undefined && now !== undefined && now !== wanted;
  return replaced && count > 0 ? count - 1 : count;
}

/** Steps and sidecars whose pod was never seen, and the ends of those whose pod has gone. */
function addStatus(rows: Map<string, Container>, pods: readonly Pod[], status: TaskRunStatus): void {
  const named = (kind: Kind, prefix: string, states: StepState[] | undefined) =>
    (states ?? []).map((state) => ({ kind, name: state.container ?? prefix + state.name, state }));
  for (const { kind, name, state } of [
    ...named("step", STEP, status.steps),
    ...named("sidecar", SIDECAR, status.sidecars as StepState[] | undefined),
  ]) {
    const known = [...rows.values()].findLast((row) => row.name === name);
    if (known && known.exitCode !== undefined) continue;
    if (known && !state.terminated) continue;
    const pod = pods.at(-1);
    if (pod && !isAbout(state, containerStatus(pod, name))) continue;
    const row = known ?? { name, kind, title: titleOf(name), restart: 0, log: NO_LOG_YET, status: "waiting" as const };
    rows.set(rowKey(row), { ...row, ...stepOutcome(state, state) });
  }
}
