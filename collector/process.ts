import { KubeConfig } from "@kubernetes/client-node";
import { StartError } from "../settings.ts";
import type { ObjectStore } from "../storage-adapters/store.ts";
import { Collector } from "./collector.ts";
import type { CollectorConfig } from "./config.ts";
import { Finalizers } from "./finalizer.ts";
import { rotatedFiles } from "./follow/rotated-files.ts";
import { type KubernetesClient, KubernetesError, kubernetesClient } from "./kubernetes/client.ts";
import { LeaseReplicas } from "./lease-replicas.ts";
import type { Logger } from "./logger.ts";
import { Metrics } from "./metrics.ts";
import { operationsServer } from "./operations-server.ts";
import { alone } from "./replicas.ts";
import { Spool } from "./spool.ts";

/** The cluster cannot be used; the message says which and what to do. */
export class ClusterError extends StartError {
  override readonly name = "ClusterError";
}

const RECORD_INTERVAL_MS = 2_000;
/** Longer than text may wait to be flushed. */
const CLOSE_WAIT_MS = 15_000;
const FIRST_ANSWER_MS = 15_000;

/**
 * The cluster of the usual kubeconfig.
 * @throws ClusterError, when there is none, or it does not answer or has no Tekton
 */
export async function connect(signal: AbortSignal): Promise<KubernetesClient> {
  const kubeConfig = loadKubeConfig();
  const client = kubernetesClient(kubeConfig);
  await checkCluster(client, kubeConfig.getCurrentCluster()?.server ?? "", signal);
  return client;
}

function loadKubeConfig(): KubeConfig {
  const kubeConfig = new KubeConfig();
  try {
    kubeConfig.loadFromDefault();
  } catch (error) {
    const [message] = String(error instanceof Error ? error.message : error).split("\n");
    throw new ClusterError(
      `KUBECONFIG: the kubeconfig cannot be read: ${message}. Name one that "kubectl" works with.`,
    );
  }
  if (!kubeConfig.getCurrentCluster()?.server)
    throw new ClusterError(
      "KUBECONFIG: the kubeconfig has no current context with a cluster: choose one by kubectl config use-context.",
    );
  return kubeConfig;
}

/**
 * Connects to the cluster and collects until `stopping` aborts; then what was read is stored, which may take five
 * seconds.
 * @throws ClusterError, when the cluster does not answer or has no Tekton
 * @throws StartError, when the spool's directory takes no files
 */
export async function startCollector(
  config: CollectorConfig,
  store: ObjectStore,
  logger: Logger,
  stopping: AbortSignal,
): Promise<{ finished: Promise<void> }> {
  const client = await connect(stopping);
  const spool = await openSpool(config, logger);
  const metrics = new Metrics();
  const stopped = new AbortController();
  const { signal } = stopped;
  const collector = new Collector({
    client,
    store,
    spool,
    logger,
    metrics,
    signal,
    namespaces: config.namespaces,
    followsPerNode: config.followsPerNode,
    ...(config.nodeProxy && { recover: (run, redact) => rotatedFiles({ client, logger, signal }, run, redact) }),
    finalizers: new Finalizers({ client, logger, signal, seconds: config.finalizerSeconds }),
    replicas: config.lease ? new LeaseReplicas({ client, logger, ...config.lease }) : alone,
    settings: {
      sidecarWaitMs: config.sidecarWaitMs,
      chunkGraceMs: config.chunkGraceMs,
      closeWaitMs: CLOSE_WAIT_MS,
      recordIntervalMs: RECORD_INTERVAL_MS,
    },
  });
  metrics.watch({
    runsWaiting: () => collector.runsWaiting,
    logsOpen: () => collector.openLogs,
    logsAtRisk: () => collector.logsAtRisk,
    spoolBytes: () => spool.bytes,
    backlogBytes: () => spool.waitingBytes,
    ready: () => collector.notReady === undefined,
  });
  if (config.metricsPort !== undefined) {
    const server = operationsServer(collector, metrics).listen(config.metricsPort);
    signal.addEventListener("abort", () => server.close());
  }
  stopping.addEventListener("abort", async () => {
    await collector.release();
    stopped.abort();
  });
  return { finished: collector.run() };
}

async function openSpool(config: CollectorConfig, logger: Logger): Promise<Spool> {
  const { spoolDirectory: directory, spoolBytes: limitBytes } = config;
  const onError = (error: unknown) => logger.error({ err: error, directory }, "the spool could not be used");
  const spool = new Spool({ directory, limitBytes, onError });
  await spool.probe().catch((error: unknown) => {
    throw new StartError(
      `AFTERLOG_SPOOL_DIRECTORY: no file can be made in ${directory} (${error instanceof Error ? error.message : error}): name a directory on a disk of this machine that can be written to`,
    );
  });
  return spool;
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
