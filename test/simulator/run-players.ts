import type { Kubelet } from "./kubelet.ts";
import { type KubernetesObject, resources } from "./kubernetes-objects.ts";
import type { ObjectStore, StoredEvent } from "./object-store.ts";
import { PipelinePlayer } from "./pipeline-player.ts";
import type { Pod } from "./pod.ts";
import type { PodOperations } from "./pod-operations.ts";
import type { PlayerTimes } from "./pod-player.ts";
import type { RunScript } from "./script.ts";
import { TaskPlayer } from "./task-player.ts";

export type RunHandle = {
  kind: RunScript["kind"];
  namespace: string;
  name: string;
  uid: string;
  /** The run is complete. */
  done: Promise<void>;
  /** Its sidecars are stopped too. */
  settled: Promise<void>;
  /** As a user does it: by `spec.status`. */
  cancel(): void;
  /** Deletes the run's object; TaskRuns and pods follow. */
  delete(): void;
  /** All pods so far, of all attempts. */
  pods(): Pod[];
};

type Player = { cancel(message?: string): void; abandon(): void };

/** Tekton's controllers see `spec.status`, and the garbage collector sees vanished owners, whoever changed them. */
export class RunPlayers {
  readonly #store: ObjectStore;
  readonly #kubelet: Kubelet;
  readonly #operations: PodOperations;
  readonly #times: PlayerTimes;
  readonly #players = new Map<string, Player>();

  constructor(operations: PodOperations, times: PlayerTimes) {
    this.#operations = operations;
    this.#store = operations.store;
    this.#kubelet = operations.kubelet;
    this.#times = times;
    this.#store.subscribe((event) => {
      if (event.resource.group === "tekton.dev") this.#react(event);
    });
  }

  play(script: RunScript, operations: PodOperations): RunHandle {
    const namespace = script.namespace ?? "default";
    const resource = script.kind === "PipelineRun" ? resources.pipelineruns : resources.taskruns;
    const player =
      script.kind === "PipelineRun" ? this.#playPipeline(script, operations) : this.#playTask(script, operations);
    return {
      kind: script.kind,
      namespace,
      name: script.name,
      ...player,
      cancel: () => {
        const status = script.kind === "PipelineRun" ? "Cancelled" : "TaskRunCancelled";
        this.#store.update(resource, namespace, script.name, (object) => ({
          ...object,
          spec: { ...object.spec, status },
        }));
      },
      delete: () => {
        this.#store.remove(resource, namespace, script.name);
      },
    };
  }

  #playPipeline(script: Extract<RunScript, { kind: "PipelineRun" }>, operations: PodOperations) {
    const player = new PipelinePlayer(operations, script, this.#times, (task) => this.#register(task.uid, task));
    this.#register(player.uid, player);
    const { uid, done, settled } = player;
    return { uid, done, settled, pods: () => player.pods() };
  }

  #playTask(script: Extract<RunScript, { kind: "TaskRun" }>, operations: PodOperations) {
    const { namespace = "default", name, labels = {}, annotations = {}, task } = script;
    const identity = { namespace, name, labels, annotations, params: {} };
    const player = new TaskPlayer(operations, identity, task, this.#times);
    this.#register(player.uid, player);
    return {
      uid: player.uid,
      done: player.done.then(() => undefined),
      settled: player.settled,
      pods: () => player.pods,
    };
  }

  #register(uid: string, player: Player): void {
    this.#players.set(uid, player);
  }

  #react({ type, object, previous }: StoredEvent): void {
    const player = this.#players.get(object.metadata.uid);
    if (type === "DELETED") {
      player?.abandon();
      this.#players.delete(object.metadata.uid);
      // The garbage collector is never as quick as the deletion itself.
      queueMicrotask(() => this.#collect(object));
    } else if (object.spec?.status !== undefined && object.spec.status !== previous?.spec?.status) {
      const message = object.spec.statusMessage;
      player?.cancel(typeof message === "string" ? message : undefined);
    }
  }

  #collect(owner: KubernetesObject): void {
    const { namespace, uid } = owner.metadata;
    const owned = (object: KubernetesObject): boolean =>
      object.metadata.ownerReferences?.some((reference) => reference.uid === uid) ?? false;
    for (const { metadata } of this.#store.list(resources.taskruns, namespace).filter(owned))
      this.#store.remove(resources.taskruns, namespace, metadata.name);
    for (const { metadata } of this.#store.list(resources.pods, namespace).filter(owned)) {
      const pod = this.#kubelet.pod(metadata.uid);
      if (!pod || pod.deletion) continue;
      this.#operations.beginDeletion(pod);
      this.#operations.killContainers(pod);
      this.#operations.finishDeletion(pod);
    }
  }
}
