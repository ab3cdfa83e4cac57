import { timeText } from "./clock.ts";
import type { ContainerRun } from "./container-run.ts";
import type { JsonObject, KubernetesObject } from "./kubernetes-objects.ts";

export type ContainerKind = "init" | "container";

export type Waiting = { reason: string; message?: string };

/** A container of a pod as the runtime sees it: what it waits for, or its runs so far. */
export class Container {
  readonly name: string;
  readonly kind: ContainerKind;
  image: string;
  waiting: Waiting = { reason: "PodInitializing" };
  readonly runs: ContainerRun[] = [];

  constructor(name: string, kind: ContainerKind, image: string) {
    this.name = name;
    this.kind = kind;
    this.image = image;
  }

  get current(): ContainerRun | undefined {
    return this.runs.at(-1);
  }

  /** The one dead container that kubelet keeps, until it is removed. */
  get previous(): ContainerRun | undefined {
    const run = this.runs.at(-2);
    return run?.filesDeleted ? undefined : run;
  }

  /** The run that writes; it is an error of the test to write into a container that does not run. */
  running(): ContainerRun {
    const run = this.current;
    if (!run?.running) throw new Error(`container ${this.name} is not running`);
    return run;
  }
}

/** A pod on its node. The API object is separate: it may be gone while containers still end. */
export class Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly containers = new Map<string, Container>();
  nodeName: string | undefined;
  /** Overrides the phase, and says why where kubelet does: Evicted, DeadlineExceeded. */
  failure: { reason?: string; message?: string } | undefined;
  deletion: "graceful" | "forced" | undefined;
  readonly #createdNs: bigint;
  readonly #conditions = new Map<string, { status: boolean; sinceNs: bigint }>();

  constructor(object: KubernetesObject, createdNs: bigint) {
    this.namespace = object.metadata.namespace ?? "";
    this.name = object.metadata.name;
    this.uid = object.metadata.uid;
    this.#createdNs = createdNs;
    const spec = object.spec ?? {};
    this.nodeName = typeof spec.nodeName === "string" ? spec.nodeName : undefined;
    for (const [field, kind] of [
      ["initContainers", "init"],
      ["containers", "container"],
    ] as const) {
      for (const { name, image } of containerSpecs(spec[field]))
        this.containers.set(name, new Container(name, kind, image));
    }
  }

  container(name: string): Container {
    const container = this.containers.get(name);
    if (!container) throw new Error(`pod ${this.namespace}/${this.name} has no container ${name}`);
    return container;
  }

  of(kind: ContainerKind): Container[] {
    return [...this.containers.values()].filter((container) => container.kind === kind);
  }

  status(nowNs: bigint): JsonObject {
    if (this.nodeName === undefined) return { phase: "Pending", qosClass: "BestEffort" };
    const containers = this.of("container");
    const initialised = this.of("init").every((container) => container.current?.exitCode === 0);
    const ready = containers.length > 0 && containers.every((container) => container.current?.running);
    return {
      phase: this.#phase(containers),
      ...(this.failure ?? {}),
      conditions: [
        this.#condition("PodReadyToStartContainers", true, nowNs),
        this.#condition("Initialized", initialised, nowNs),
        this.#condition("Ready", ready, nowNs),
        this.#condition("ContainersReady", ready, nowNs),
        this.#condition("PodScheduled", true, nowNs),
      ],
      hostIP: "127.0.0.1",
      podIP: "10.244.0.10",
      startTime: timeText(this.#createdNs),
      initContainerStatuses: this.of("init").map(containerStatus),
      // kubelet sorts these by name, not as the spec has them; init containers keep the spec's order.
      containerStatuses: containers.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(containerStatus),
      qosClass: "BestEffort",
    };
  }

  #phase(containers: Container[]): string {
    if (this.failure) return "Failed";
    if (this.of("init").some((container) => (container.current?.exitCode ?? 0) !== 0)) return "Failed";
    if (containers.every((container) => container.current && !container.current.running))
      return containers.every((container) => container.current?.exitCode === 0) ? "Succeeded" : "Failed";
    return containers.every((container) => !container.current) ? "Pending" : "Running";
  }

  #condition(type: string, status: boolean, nowNs: bigint): JsonObject {
    let condition = this.#conditions.get(type);
    if (condition?.status !== status) {
      condition = { status, sinceNs: nowNs };
      this.#conditions.set(type, condition);
    }
    return {
      type,
      status: status ? "True" : "False",
      lastProbeTime: null,
      lastTransitionTime: timeText(condition.sinceNs),
    };
  }
}

function containerSpecs(list: unknown): { name: string; image: string }[] {
  if (!Array.isArray(list)) return [];
  return list.map((spec: JsonObject) => ({ name: String(spec.name), image: String(spec.image) }));
}

function containerStatus(container: Container): JsonObject {
  const run = container.current;
  const previous = container.previous;
  return {
    name: container.name,
    state: run ? runState(run) : { waiting: { ...container.waiting } },
    lastState: previous ? runState(previous) : {},
    ready: run !== undefined && (container.kind === "init" ? run.exitCode === 0 : run.running),
    restartCount: run?.restart ?? 0,
    image: container.image,
    imageID: run ? imageIdOf(container.image) : "",
    ...(run ? { containerID: run.containerId } : {}),
    started: run?.running ?? false,
  };
}

/** Any stable digest: nobody pulls it. */
export const imageIdOf = (image: string): string =>
  `sha256:${Buffer.from(image).toString("hex").padEnd(64, "0").slice(0, 64)}`;

export function runState(run: ContainerRun): JsonObject {
  if (run.finishedNs === undefined) return { running: { startedAt: timeText(run.startedNs) } };
  return {
    terminated: {
      exitCode: run.exitCode ?? 0,
      reason: run.reason ?? "Completed",
      ...(run.terminationMessage === undefined ? {} : { message: run.terminationMessage }),
      startedAt: timeText(run.startedNs),
      finishedAt: timeText(run.finishedNs),
      containerID: run.containerId,
    },
  };
}
