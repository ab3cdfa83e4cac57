import { hash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isConflict, isForbidden, isNotFound, type KubernetesClient } from "./kubernetes/client.ts";
import { listPages } from "./kubernetes/watch.ts";
import type { Logger } from "./logger.ts";
import { ownerAmong, type Replicas } from "./replicas.ts";

export const TIMING = {
  renewMs: 3_000,
  leaseSeconds: 10,
  /** With the pause, shorter than a lease lasts: one slow answer must not cost it. */
  requestMs: 4_000,
  /** A lease that nobody has renewed for so long is one of a replica that was killed: it is deleted. */
  forgetMs: 600_000,
};

const LABEL = { "afterlog.dev/component": "collector" };
const SELECTOR = "afterlog.dev/component=collector";

/** `afterlog-<name>` as Kubernetes allows it; a name that had to be changed for it is told from others by a hash. */
export function leaseName(replica: string): string {
  const words = replica.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const name = words.join("-").slice(0, 200);
  if (name === replica && name !== "") return `afterlog-${name}`;
  return ["afterlog", ...(name ? [name] : []), hash("sha256", replica).slice(0, 8)].join("-");
}

type Lease = {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; uid?: string; resourceVersion?: string; labels?: Record<string, string> };
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** RFC 3339 with exactly six digits of a second. */
    acquireTime?: string;
    renewTime?: string;
  };
};

/** A lease of another replica: `stillMs` is how long it has been watched without being renewed. */
type Peer = { renewal: string | undefined; stillMs: number };

export type LeaseReplicasDeps = {
  client: KubernetesClient;
  logger: Logger;
  namespace: string;
  /** This replica's name, which no other has. */
  replica: string;
  timing?: Partial<typeof TIMING>;
};

/**
 * Replicas that know of each other by leases. A replica counts as long as this process sees its lease change: clocks
 * are not compared. When in doubt it works: two that do the same lose nothing, a run that nobody owns loses its logs.
 */
export class LeaseReplicas implements Replicas {
  readonly #deps: LeaseReplicasDeps;
  readonly #timing: typeof TIMING;
  readonly #path: string;
  readonly #name: string;
  /** Tells this process from another of the same name. */
  readonly #identity: string;
  readonly #joined = Promise.withResolvers<void>();
  readonly #listeners: (() => void)[] = [];
  readonly #peers = new Map<string, Peer>();
  readonly #troubled = new Set<string>();
  #members: readonly string[];
  /** As it was last written; undefined: to be read first. */
  #lease: Lease | undefined;
  #renewedOnce = false;
  #saidShared = false;
  #lookedAt = 0;

  constructor(deps: LeaseReplicasDeps) {
    this.#deps = deps;
    this.#timing = { ...TIMING, ...deps.timing };
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(deps.namespace)}/leases`;
    this.#name = leaseName(deps.replica);
    this.#identity = `${deps.replica}_${randomUUID()}`;
    this.#members = [this.#name];
  }

  get joined(): Promise<void> {
    return this.#joined.promise;
  }

  owns(runUid: string): boolean {
    return ownerAmong(this.#members, runUid) === this.#name;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = sleep(this.#timing.renewMs, undefined, { signal }).catch(() => {}); // the loop ends by the signal
      await this.#try("renew its lease", signal, (limit) => this.#renew(limit));
      await this.#try("see the other replicas", signal, (limit) => this.#look(limit));
      this.#joined.resolve();
      await pause;
    }
    await this.#leave();
  }

  /** One failure is no reason to stop; it is said when it begins and when it is over. */
  async #try(what: string, signal: AbortSignal, action: (limit: AbortSignal) => Promise<void>): Promise<void> {
    const { logger, namespace } = this.#deps;
    if (signal.aborted) return;
    try {
      await action(AbortSignal.any([signal, AbortSignal.timeout(this.#timing.requestMs)]));
      if (this.#troubled.delete(what)) logger.info({ lease: this.#name }, `this replica can ${what} again`);
    } catch (error) {
      if (signal.aborted || this.#troubled.has(what)) return;
      this.#troubled.add(what);
      const advice = isForbidden(error)
        ? `: grant get, list, create, update and delete on leases (coordination.k8s.io) in ${namespace}, as deploy/components/replicas does`
        : "";
      logger.warn(
        { lease: this.#name, err: error },
        `this replica cannot ${what} and works on with what it has${advice}`,
      );
    }
  }

  async #renew(signal: AbortSignal, tries = 3): Promise<void> {
    const { client, logger } = this.#deps;
    const before = this.#lease ?? (await this.#find(signal));
    const holder = before?.spec?.holderIdentity;
    if (this.#renewedOnce && holder !== undefined && holder !== this.#identity && !this.#saidShared) {
      this.#saidShared = true;
      logger.warn(
        { lease: this.#name, holder },
        "another collector has this replica's name, and both do the same work: set AFTERLOG_REPLICA",
      );
    }
    try {
      this.#lease = before
        ? await client.send<Lease>("PUT", this.#leasePath(), this.#renewed(before), {}, signal)
        : await client.send<Lease>("POST", this.#path, this.#renewed({ metadata: { name: this.#name } }), {}, signal);
      this.#renewedOnce = true;
    } catch (error) {
      // Only an answer tells that it is another one now: a request that was given up leaves it to be deleted at the end.
      if (!isConflict(error)) throw error;
      // It was changed, made or deleted meanwhile (a lease that is not there any more is a conflict, too).
      this.#lease = undefined;
      if (tries === 0) throw error;
      await this.#renew(signal, tries - 1);
    }
  }

  async #find(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#deps.client.get<Lease>(this.#leasePath(), {}, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #renewed({ metadata, spec }: Lease): Lease {
    const now = new Date().toISOString().replace("Z", "000Z");
    const since = spec?.holderIdentity === this.#identity ? spec.acquireTime : undefined;
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { ...metadata, labels: { ...metadata.labels, ...LABEL } },
      spec: {
        holderIdentity: this.#identity,
        leaseDurationSeconds: this.#timing.leaseSeconds,
        acquireTime: since ?? now,
        renewTime: now,
      },
    };
  }

  #leasePath(name = this.#name): string {
    return `${this.#path}/${encodeURIComponent(name)}`;
  }

  /** Without the right to look, all others stay unseen, and then everything is its own; without an answer all stays. */
  async #look(signal: AbortSignal): Promise<void> {
    const leases: Lease[] = [];
    try {
      const { client } = this.#deps;
      const pages = listPages<Lease>({ client, path: this.#path, labelSelector: SELECTOR, signal });
      for await (const { items } of pages) leases.push(...items);
    } catch (error) {
      if (isForbidden(error)) this.#setMembers([]);
      throw error;
    }
    const now = performance.now();
    // Only time in which one could look counts: after an outage of the API server nobody has renewed.
    const passed = Math.min(now - this.#lookedAt, 2 * this.#timing.renewMs);
    this.#lookedAt = now;
    const others = leases.filter(({ metadata }) => metadata.name !== this.#name);
    for (const name of this.#peers.keys())
      if (!others.some(({ metadata }) => metadata.name === name)) this.#peers.delete(name);
    for (const lease of others) this.#note(lease, passed);
    this.#setMembers(others.filter((lease) => this.#isAlive(lease)).map(({ metadata }) => metadata.name));
    for (const lease of others) await this.#forget(lease, signal);
  }

  #note({ metadata, spec }: Lease, passed: number): void {
    const renewal = spec?.renewTime ?? metadata.resourceVersion;
    const known = this.#peers.get(metadata.name);
    const stillMs = known?.renewal === renewal ? (known?.stillMs ?? 0) + passed : 0;
    this.#peers.set(metadata.name, { renewal, stillMs });
  }

  #isAlive({ metadata, spec }: Lease): boolean {
    const lastsMs = (spec?.leaseDurationSeconds ?? this.#timing.leaseSeconds) * 1000;
    return (this.#peers.get(metadata.name)?.stillMs ?? 0) < lastsMs;
  }

  /** Pods have a new name each: without this, the leases of those that were killed would pile up. */
  async #forget({ metadata }: Lease, signal: AbortSignal): Promise<void> {
    const { name, uid, resourceVersion } = metadata;
    if ((this.#peers.get(name)?.stillMs ?? 0) < this.#timing.forgetMs) return;
    await this.#delete(name, { uid, resourceVersion }, signal);
  }

  #setMembers(others: string[]): void {
    const members = [this.#name, ...others].sort();
    if (members.join() === this.#members.join()) return;
    this.#members = members;
    this.#deps.logger.info({ replica: this.#name, members }, "the replicas that share the runs have changed");
    for (const listener of this.#listeners) listener();
  }

  async #leave(): Promise<void> {
    const { uid } = this.#lease?.metadata ?? {};
    if (!uid) return;
    try {
      await this.#delete(this.#name, { uid }, AbortSignal.timeout(this.#timing.requestMs));
    } catch (error) {
      this.#deps.logger.warn(
        { lease: this.#name, err: error },
        "this replica's lease was not deleted: others take over when it has expired",
      );
    }
  }

  /** Quiet when it is not there any more, or not what it was. */
  async #delete(name: string, preconditions: object, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.client.send("DELETE", this.#leasePath(name), { preconditions }, {}, signal);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
