import { createServer, type Server } from "node:http";
import { KubeConfig } from "@kubernetes/client-node";
import { StartError } from "../settings.ts";
import type { ObjectStore } from "../storage-adapters/store.ts";
import { Collector } from "./collector.ts";
import type { CollectorConfig } from "./config.ts";
import { Finalizers } from "./finalizer.ts";
import { type KubernetesClient, KubernetesError, kubernetesClient } from "./kubernetes/client.ts";
import { LeaseReplicas } from "./lease-replicas.ts";
import type { Logger } from "./logger.ts";
import { alone } from "./replicas.ts";

/** The cluster cannot be used; the message says which and what to do. */
export class ClusterError extends StartError {
  override readonly name = "ClusterError";
}

const RECORD_INTERVAL_MS = 2_000;
const FIRST_ANSWER_MS = 15_000;

/**
 * The cluster of the usual kubeconfig.
 * @throws ClusterError, when it does not answer or has no Tekton
 */
export async function connect(signal: AbortSignal): Promise<KubernetesClient> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const client = kubernetesClient(kubeConfig);
  await checkCluster(client, kubeConfig.getCurrentCluster()?.server ?? "", signal);
  return client;
}

/**
 * Connects to the cluster and collects until the signal aborts.
 * @throws ClusterError, when the cluster does not answer or has no Tekton
 */
export async function startCollector(
  config: CollectorConfig,
  store: ObjectStore,
  logger: Logger,
  signal: AbortSignal,
): Promise<{ finished: Promise<void> }> {
  const client = await connect(signal);
  const collector = new Collector({
    client,
    store,
    logger,
    signal,
    namespaces: config.namespaces,
    followsPerNode: config.followsPerNode,
    finalizers: new Finalizers({ client, logger, signal, seconds: config.finalizerSeconds }),
    replicas: config.lease ? new LeaseReplicas({ client, logger, ...config.lease }) : alone,
    settings: {
      sidecarWaitMs: config.sidecarWaitMs,
      chunkGraceMs: config.chunkGraceMs,
      recordIntervalMs: RECORD_INTERVAL_MS,
    },
  });
  if (config.healthPort !== undefined) {
    const health = healthServer(collector).listen(config.healthPort);
    signal.addEventListener("abort", () => health.close());
  }
  return { finished: collector.run() };
}

async function checkCluster(client: KubernetesClient, server: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(FIRST_ANSWER_MS)]);
  try {
    await client.get("/apis/tekton.dev/v1", {}, limit);
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) {
      throw new ClusterError(
        `the cluster at ${server} has no tekton.dev/v1: install Tekton Pipelines there, or set KUBECONFIG to another cluster`,
      );
    }
    if (error instanceof KubernetesError) {
      throw new ClusterError(
        `the cluster at ${server} refused with ${error.status}: ${error.message}; check the credentials in your kubeconfig`,
      );
    }
    const why = limit.aborted ? "no answer in time" : error instanceof Error ? error.message : String(error);
    throw new ClusterError(
      `the Kubernetes API at ${server} does not answer (${why}): check KUBECONFIG, its current context, and that the cluster runs`,
    );
  }
}

function healthServer(collector: Collector): Server {
  return createServer((request, response) => {
    const reason = request.url === "/readyz" ? collector.notReady : undefined;
    const known = request.url === "/healthz" || request.url === "/readyz";
    response.writeHead(known ? (reason ? 503 : 200) : 404, { "content-type": "text/plain" });
    response.end(known ? `${reason ?? "ok"}\n` : "not found\n");
  });
}
