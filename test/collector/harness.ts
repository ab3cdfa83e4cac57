import { tmpdir } from "node:os";
import { KubeConfig } from "@kubernetes/client-node";
import { pino } from "pino";
import type { Entry } from "../../archive/entry.ts";
import type { IndexName } from "../../archive/keys.ts";
import { ArchiveReader } from "../../archive/reader.ts";
import { containersOf, type RunRecord } from "../../archive/record.ts";
import { Collector, type CollectorDeps } from "../../collector/collector.ts";
import { Finalizers } from "../../collector/finalizer.ts";
import { rotatedFiles } from "../../collector/follow/rotated-files.ts";
import { type KubernetesClient, kubernetesClient } from "../../collector/kubernetes/client.ts";
import { LeaseReplicas } from "../../collector/lease-replicas.ts";
import { Metrics } from "../../collector/metrics.ts";
import { alone } from "../../collector/replicas.ts";
import { Spool } from "../../collector/spool.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { createSimulator, type Simulator, type SimulatorOptions } from "../simulator/index.ts";

/** Everything that waits in real life for minutes waits here for milliseconds. */
export const SETTINGS: CollectorDeps["settings"] = {
  sidecarWaitMs: 300,
  chunkGraceMs: 0,
  closeWaitMs: 100,
  recordIntervalMs: 10,
  flushMs: () => 10,
  follow: {
    pollMs: 50,
    backoffMs: 10,
    maxBackoffMs: 100,
    settleMs: 200,
    drainMs: 1_000,
    waitMs: 200,
    statusLagMs: 50,
    goneMs: 200,
    unreadableMs: 1_000,
  },
};

/** Leases that are renewed and expire in fractions of a second. */
export const LEASES = { renewMs: 50, leaseSeconds: 0.5, requestMs: 1_000 };

export type CollectorOptions = Partial<CollectorDeps> & {
  finalizerSeconds?: number;
  /** Its name among those that share the work. */
  replica?: string;
  leases?: typeof LEASES;
};

export function clientOf(simulator: Simulator): KubernetesClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(simulator.kubeconfig);
  return kubernetesClient(kubeConfig);
}

export function startCollector(
  simulator: Simulator,
  store: ObjectStore,
  { finalizerSeconds: seconds = 0, replica, leases = LEASES, ...more }: CollectorOptions = {},
) {
  const stopped = new AbortController();
  const { signal } = stopped;
  const logger = more.logger ?? pino({ level: process.env.AFTERLOG_LOG_LEVEL ?? "silent" });
  const client = more.client ?? clientOf(simulator);
  const finalizerTiming = { backoffMs: 10, maxBackoffMs: 50, forbiddenMs: 50 };
  const collector = new Collector({
    client,
    store,
    spool: new Spool({
      directory: tmpdir(),
      limitBytes: 64 * 1024 * 1024,
      onError: (error) => logger.error({ err: error }, "spool"),
    }),
    metrics: new Metrics(),
    recover: (run, redact) => rotatedFiles({ client, logger, signal }, run, redact),
    logger,
    signal,
    finalizers: new Finalizers({ client, logger, signal, seconds, timing: finalizerTiming }),
    replicas: replica ? new LeaseReplicas({ client, logger, namespace: "afterlog", replica, timing: leases }) : alone,
    namespaces: "*",
    followsPerNode: 1_000,
    watchTiming: { backoffMs: 10, maxBackoffMs: 50 },
    ...more,
    settings: { ...SETTINGS, ...more.settings },
  });
  const finished = collector.run();
  return {
    collector,
    /** As a killed process: nothing is written any more. */
    stop: async () => {
      stopped.abort();
      await finished;
    },
  };
}

/** A simulated cluster and an archive of its own. */
export async function openWorld(options: SimulatorOptions = {}) {
  const simulator = await createSimulator({ startupMs: 20, sidecarStopMs: 50, previousMs: 10_000, ...options });
  const store = memoryStore();
  const archive = new ArchiveReader(store);
  const collectors: ReturnType<typeof startCollector>[] = [];

  async function entries(index: IndexName): Promise<Entry[]> {
    const found = await Array.fromAsync(archive.entries(index));
    return found.map((item) => {
      if ("damage" in item) throw item.damage;
      return item.entry;
    });
  }

  async function record(kind: "PipelineRun" | "TaskRun", name: string, namespace = "default") {
    const [entry] = await entries({ by: "name", values: [namespace, kind, name] });
    return entry && archive.run({ namespace, runUid: entry.run.uid });
  }

  return {
    simulator,
    store,
    archive,
    entries,
    record,
    /** Starts a collector, with a store of its own where one is given; it stops when the world is closed. */
    collect(options?: CollectorOptions, ownStore: ObjectStore = store) {
      const collector = startCollector(simulator, ownStore, options);
      collectors.push(collector);
      return collector;
    },
    /** The record, once it is final. */
    async finished(kind: "PipelineRun" | "TaskRun", name: string, namespace?: string): Promise<RunRecord> {
      return eventually(`${name} to be archived`, async () => {
        const found = await record(kind, name, namespace);
        return found?.final ? found : undefined;
      });
    },
    /** Each log of the record beside what its container wrote: [where, archived, truth]. */
    async logs(found: RunRecord): Promise<{ where: string; state: string; archived: string; truth: string }[]> {
      const all: { where: string; state: string; archived: string; truth: string }[] = [];
      for (const { task, attempt, container } of containersOf(found)) {
        const reader = await archive.logOf(found, { task, attempt, container });
        const archived = Buffer.concat(await Array.fromAsync(reader.text())).toString("latin1");
        const [truth] = simulator
          .truths({ pod: attempt.pod?.name ?? "", container: container.name })
          .filter((run) => run.podUid === container.podUid)
          .slice(container.restart);
        all.push({
          where: `${task.name}/${attempt.number}/${container.name}.${container.restart}`,
          state: container.log.state,
          archived,
          truth: truth?.bytes.toString("latin1") ?? "",
        });
      }
      return all;
    },
    async close(): Promise<void> {
      for (const { stop } of collectors) await stop();
      await simulator.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Asks until there is an answer. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, ms = 15_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
