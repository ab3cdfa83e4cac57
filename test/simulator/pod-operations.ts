import { type Clock, timeText } from "./clock.ts";
import { ContainerRun, type WriteOptions } from "./container-run.ts";
import type { CriEntry } from "./cri-log.ts";
import type { Kubelet } from "./kubelet.ts";
import { type JsonObject, type KubernetesObject, type OwnerReference, resources } from "./kubernetes-objects.ts";
import type { ObjectStore } from "./object-store.ts";
import { Pod, type Waiting } from "./pod.ts";
import { withOthersConditions } from "./pod-conditions.ts";
import { containerSpec, imagesOf } from "./pod-spec.ts";

export type NewPod = {
  namespace?: string;
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  /** Names, or specs with at least name and image. */
  containers?: (string | JsonObject)[];
  initContainers?: (string | JsonObject)[];
  /** null: not scheduled yet. */
  nodeName?: string | null;
  /** Run the init containers and start all others at once; true by default. */
  started?: boolean;
  spec?: JsonObject;
};

export type PodOperationsOptions = {
  store: ObjectStore;
  kubelet: Kubelet;
  clock: Clock;
  /** Rotate a container's log as soon as its file is that large. */
  maxLogFileBytes?: number | undefined;
  minRotationMs?: number | undefined;
  maxLogFiles?: number | undefined;
};

/** Scheduler, kubelet and runtime in one: each call is one thing that happens to a pod, and is seen by watches at once. */
export class PodOperations {
  readonly clock: Clock;
  readonly store: ObjectStore;
  readonly kubelet: Kubelet;
  readonly #options: PodOperationsOptions;
  #clockStepNs = 0n;

  constructor(options: PodOperationsOptions) {
    this.clock = options.clock;
    this.store = options.store;
    this.kubelet = options.kubelet;
    this.#options = options;
  }

  /** The nodes' clocks, as kubelet and runtime see them. */
  nodeNowNs(): bigint {
    return this.clock.nowNs() + this.#clockStepNs;
  }

  /** Every node's clock jumps: later lines, and later starts and ends of containers, are off by that much more. */
  stepClock(ms: number): void {
    this.#clockStepNs += BigInt(Math.round(ms * 1000)) * 1000n;
  }

  createPod(pod: NewPod): Pod {
    const nodeName = pod.nodeName === undefined ? this.kubelet.freeNode() : pod.nodeName;
    const object = this.store.create(resources.pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: pod.name,
        namespace: pod.namespace ?? "default",
        creationTimestamp: timeText(this.clock.nowNs()),
        labels: pod.labels ?? {},
        annotations: pod.annotations ?? {},
        ...(pod.ownerReferences ? { ownerReferences: pod.ownerReferences } : {}),
      },
      spec: {
        initContainers: (pod.initContainers ?? []).map(containerSpec),
        containers: (pod.containers ?? ["step-main"]).map(containerSpec),
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 30,
        ...(nodeName === null ? {} : { nodeName }),
        ...(pod.spec ?? {}),
      },
      status: { phase: "Pending", qosClass: "BestEffort" },
    });
    const created = new Pod(object, this.clock.nowNs());
    this.kubelet.add(created);
    if (pod.started !== false && created.nodeName !== undefined) {
      for (const { name } of created.of("init")) {
        this.startContainer(created, name);
        this.exit(created, name, 0);
      }
      for (const { name } of created.of("container")) this.startContainer(created, name);
    }
    this.publish(created);
    return created;
  }

  /** Binds a pod that was created with `nodeName: null`. */
  schedule(pod: Pod, nodeName = this.kubelet.freeNode()): void {
    pod.nodeName = nodeName;
    this.updateObject(pod, (object) => ({ ...object, spec: { ...object.spec, nodeName } }));
    this.publish(pod);
  }

  setWaiting(pod: Pod, container: string, waiting: Waiting): void {
    pod.container(container).waiting = waiting;
    this.publish(pod);
  }

  startContainer(pod: Pod, name: string): ContainerRun {
    const container = pod.container(name);
    const { maxLogFileBytes, maxLogFiles, minRotationMs } = this.#options;
    const run = new ContainerRun({
      nowNs: () => this.clock.nowNs(),
      clockStepNs: () => this.#clockStepNs,
      restart: container.runs.length,
      ...(maxLogFileBytes === undefined ? {} : { maxFileBytes: maxLogFileBytes }),
      ...(minRotationMs === undefined ? {} : { minRotationMs }),
      ...(maxLogFiles === undefined ? {} : { maxFiles: maxLogFiles }),
    });
    container.runs.push(run);
    // Only one dead container is kept: older runs' files are gone.
    for (const old of container.runs.slice(0, -2)) old.filesDeleted = true;
    this.publish(pod);
    return run;
  }

  /** A whole line at the clock's time or at `timeNs`. */
  writeLine(pod: Pod, container: string, text: string | Uint8Array, options?: WriteOptions): void {
    pod.container(container).running().writeLine(text, options);
  }

  /** Raw output: no newline is added. */
  write(pod: Pod, container: string, bytes: string | Uint8Array, options?: WriteOptions): void {
    pod.container(container).running().write(bytes, options);
  }

  /** One entry of the CRI log file, exactly as given. */
  writeEntry(pod: Pod, container: string, entry: CriEntry): void {
    pod.container(container).running().writeEntry(entry);
  }

  /**
   * Rotates the log. `lateLines` are written into the old file after the new one exists: a follower that has read to
   * the end jumps and never sees them (kubernetes-logs.md §5a).
   */
  rotate(pod: Pod, container: string, { lateLines = [] }: { lateLines?: string[] } = {}): void {
    const run = pod.container(container).running();
    run.beginRotation();
    for (const line of lateLines) run.writeLine(line);
    run.endRotation();
  }

  exit(pod: Pod, container: string, exitCode = 0, reason?: string): void {
    pod.container(container).running().exit(exitCode, reason);
    this.publish(pod);
  }

  /** Ends the present run, if it still runs, and starts the next one; `image` changes for Tekton's nop sidecars. */
  restartContainer(
    pod: Pod,
    name: string,
    { exitCode = 137, image }: { exitCode?: number; image?: string } = {},
  ): ContainerRun {
    const container = pod.container(name);
    container.current?.exit(exitCode);
    if (image !== undefined) container.image = image;
    return this.startContainer(pod, name);
  }

  /** kubelet removes dead containers that were restarted, at the latest when the pod has ended: no `previous` any more. */
  removePrevious(pod: Pod): void {
    for (const container of pod.containers.values())
      for (const run of container.runs.slice(0, -1)) run.filesDeleted = true;
    this.publish(pod);
  }

  /** Deletes like `kubectl delete pod`: marked, killed after the grace, then gone. */
  async deletePod(pod: Pod, { graceMs = 0 }: { graceMs?: number } = {}): Promise<void> {
    this.beginDeletion(pod);
    if (graceMs > 0) await this.clock.sleep(graceMs);
    this.killContainers(pod);
    this.finishDeletion(pod);
  }

  /** Sets deletionTimestamp, which lies in the future by the grace period; containers go on. */
  beginDeletion(pod: Pod, graceSeconds = 30): void {
    pod.deletion ??= "graceful";
    const deletionTimestamp = timeText(this.clock.nowNs() + BigInt(graceSeconds) * 1_000_000_000n);
    this.updateObject(pod, (object) => ({
      ...object,
      metadata: { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds, ...object.metadata },
    }));
  }

  /** SIGTERM: Tekton's entrypoint ends with 255, others die. */
  killContainers(pod: Pod): void {
    for (const { name, current } of pod.containers.values())
      if (current?.running) current.exit(name.startsWith("step-") ? 255 : 137, "Error");
    this.publish(pod);
  }

  /** The API object goes, and with it the log files for new readers. */
  finishDeletion(pod: Pod): void {
    this.deleteFiles(pod);
    if (!this.owns(pod)) return;
    const deletionTimestamp = timeText(this.clock.nowNs());
    this.updateObject(pod, (object) => ({
      ...object,
      metadata: { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds: 0 },
    }));
    this.store.remove(resources.pods, pod.namespace, pod.name);
  }

  /** `--grace-period=0 --force`: the object goes at once; the containers go on until `killContainers`. */
  forceDeletePod(pod: Pod): void {
    pod.deletion = "forced";
    if (this.owns(pod)) this.store.remove(resources.pods, pod.namespace, pod.name);
  }

  annotate(pod: Pod, annotations: Record<string, string>): void {
    this.updateObject(pod, (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
    }));
  }

  /** Writes the pod's present status to its API object, as kubelet does while it can. */
  publish(pod: Pod): void {
    if (this.kubelet.isLost(pod.nodeName)) return;
    this.updateObject(pod, (object) => ({
      ...object,
      spec: { ...object.spec, ...imagesOf(pod, object) },
      status: withOthersConditions(pod.status(this.clock.nowNs()), object.status),
    }));
  }

  /** A pod of the same name may have taken its place. */
  owns(pod: Pod): boolean {
    return this.store.get(resources.pods, pod.namespace, pod.name)?.metadata.uid === pod.uid;
  }

  /** Nothing happens once the object is gone. */
  updateObject(pod: Pod, change: (object: KubernetesObject) => KubernetesObject): void {
    if (this.owns(pod)) this.store.update(resources.pods, pod.namespace, pod.name, change);
  }

  /** New readers find nothing any more. */
  deleteFiles(pod: Pod): void {
    for (const { runs } of pod.containers.values()) for (const run of runs) run.filesDeleted = true;
  }
}
