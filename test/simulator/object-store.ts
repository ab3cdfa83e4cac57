import { randomUUID } from "node:crypto";
import { apiVersionOf, type KubernetesObject, type NewObject, type Resource, resources } from "./kubernetes-objects.ts";
import { alreadyExists, notFound } from "./status.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED";

export type StoredEvent = {
  type: EventType;
  version: number;
  resource: Resource;
  object: KubernetesObject;
  /** The state before: a watch with a selector needs it to tell "stopped matching" from "never matched". */
  previous: KubernetesObject | undefined;
};

export type ObjectStoreOptions = {
  /** RFC 3339 time for creationTimestamp and deletionTimestamp. */
  timeText: () => string;
  /** Events kept; watches from before the oldest one get 410. */
  historyLimit?: number;
};

/**
 * etcd and the watch cache: one resourceVersion counter for all kinds, a bounded history of events.
 * Stored objects are never changed in place, so a listing stays what it was.
 */
export class ObjectStore {
  #version = 1000;
  #oldest = 1000;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #history: StoredEvent[] = [];
  readonly #listeners = new Set<(event: StoredEvent) => void>();
  readonly #timeText: () => string;
  readonly #historyLimit: number;

  constructor(options: ObjectStoreOptions) {
    this.#timeText = options.timeText;
    this.#historyLimit = options.historyLimit ?? 10_000;
  }

  get version(): number {
    return this.#version;
  }

  /** The version a watch may still start from; anything smaller is "too old". */
  get oldestVersion(): number {
    return this.#oldest;
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubernetesObject | undefined {
    return this.#objects.get(objectKey(resource, namespace, name));
  }

  /** Sorted by namespace and name, as etcd's keys are. */
  list(resource: Resource, namespace?: string): KubernetesObject[] {
    const found = [...this.#objects]
      .filter(([key]) =>
        key.startsWith(namespace === undefined ? `${resource.name}\0` : `${resource.name}\0${namespace}\0`),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return found.map(([, object]) => object);
  }

  create(resource: Resource, object: NewObject): KubernetesObject {
    const { name, namespace } = object.metadata;
    if (resource.namespaced && namespace !== undefined) this.#ensureNamespace(namespace);
    const key = objectKey(resource, namespace, name);
    if (this.#objects.has(key)) throw alreadyExists(resource, name);
    const created: KubernetesObject = {
      ...structuredClone(object),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        uid: randomUUID(),
        creationTimestamp: this.#timeText(),
        ...structuredClone(object.metadata),
        resourceVersion: "",
      },
    };
    return this.#commit("ADDED", resource, key, created, undefined);
  }

  /** Nothing happens when the change leaves the object as it was, like an API server's no-op update. */
  update(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    change: (object: KubernetesObject) => KubernetesObject,
  ): KubernetesObject {
    const key = objectKey(resource, namespace, name);
    const previous = this.#objects.get(key);
    if (!previous) throw notFound(resource, name);
    const changed = change(structuredClone(previous));
    if (JSON.stringify(changed) === JSON.stringify(previous)) return previous;
    if (changed.metadata.deletionTimestamp !== undefined && isReleased(resource, changed))
      return this.#commit("DELETED", resource, key, changed, previous);
    return this.#commit("MODIFIED", resource, key, changed, previous);
  }

  /** Deletes, or only marks the object when finalizers hold it. */
  remove(resource: Resource, namespace: string | undefined, name: string): KubernetesObject {
    const key = objectKey(resource, namespace, name);
    const previous = this.#objects.get(key);
    if (!previous) throw notFound(resource, name);
    if (previous.metadata.finalizers?.length)
      return this.update(resource, namespace, name, (object) => ({
        ...object,
        metadata: { deletionTimestamp: this.#timeText(), deletionGracePeriodSeconds: 0, ...object.metadata },
      }));
    return this.#commit("DELETED", resource, key, structuredClone(previous), previous);
  }

  eventsAfter(version: number): StoredEvent[] {
    return this.#history.filter((event) => event.version > version);
  }

  subscribe(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets all events so far (etcd's compaction): watches and continue tokens from before get 410. */
  compact(): void {
    this.#history.length = 0;
    this.#oldest = this.#version;
  }

  #ensureNamespace(namespace: string): void {
    if (this.get(resources.namespaces, undefined, namespace)) return;
    this.create(resources.namespaces, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { "kubernetes.io/metadata.name": namespace } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  }

  #commit(
    type: EventType,
    resource: Resource,
    key: string,
    object: KubernetesObject,
    previous: KubernetesObject | undefined,
  ): KubernetesObject {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    if (type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, object);
    const event = { type, version: this.#version, resource, object, previous };
    this.#history.push(event);
    if (this.#history.length > this.#historyLimit) this.#oldest = this.#history.shift()?.version ?? this.#oldest;
    for (const listener of [...this.#listeners]) listener(event);
    return object;
  }
}

/** A pod stays until kubelet has ended its containers; other kinds go as soon as no finalizer holds them. */
const isReleased = (resource: Resource, object: KubernetesObject): boolean =>
  resource.name !== "pods" && !object.metadata.finalizers?.length;

// NUL keeps `a/b` and `a-b` in the order of their namespaces.
const objectKey = (resource: Resource, namespace: string | undefined, name: string): string =>
  `${resource.name}\0${namespace ?? ""}\0${name}`;
