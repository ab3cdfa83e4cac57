import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { KubeConfig } from "@kubernetes/client-node";
import { pino } from "pino";
import { Collector } from "../../collector/collector.ts";
import { Finalizers } from "../../collector/finalizer.ts";
import { kubernetesClient } from "../../collector/kubernetes/client.ts";
import { Metrics } from "../../collector/metrics.ts";
import { alone } from "../../collector/replicas.ts";
import { Spool } from "../../collector/spool.ts";
import { explain } from "../../settings.ts";
import { openStore } from "../../storage-adapters/open.ts";
import { parseViewerConfig } from "../../viewer/config.ts";
import { startViewer } from "../../viewer/viewer.ts";
import { createSimulator } from "../simulator/index.ts";
import { demoScripts } from "./scripts.ts";

/** The whole of Afterlog with nothing else installed: a simulated Tekton, the real collector, a folder, the real viewer. */
async function main(): Promise<void> {
  const stopped = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopped.abort());
  const folder = await mkdtemp(join(tmpdir(), "afterlog-demo-"));
  const store = await openStore(pathToFileURL(folder).href);
  const logger = pino({ level: process.env.AFTERLOG_LOG_LEVEL ?? "warn" });

  const simulator = await createSimulator({ sidecarStopMs: 3_000 });
  const { past, live } = demoScripts(new Date());
  for (const { script, startMs } of past) await simulator.insertHistory(script, startMs);

  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(simulator.kubeconfig);
  const { signal } = stopped;
  const client = kubernetesClient(kubeConfig);
  const collector = new Collector({
    client,
    store,
    logger,
    signal,
    finalizers: new Finalizers({ client, logger, signal, seconds: 0 }),
    replicas: alone,
    namespaces: "*",
    followsPerNode: 1_000,
    spool: new Spool({ directory: tmpdir(), limitBytes: 256 * 1024 * 1024, onError: (error) => logger.error(error) }),
    metrics: new Metrics(),
    settings: {
      sidecarWaitMs: 5_000,
      chunkGraceMs: 20_000,
      closeWaitMs: 5_000,
      recordIntervalMs: 500,
      // As if it had been there when the past runs ran: one that comes later fears for the beginning of each log.
      follow: { lateMs: 366 * 86_400_000 },
    },
  });
  const collecting = collector.run();
  const config = parseViewerConfig({ ...process.env, AFTERLOG_NAMESPACES: "*" });
  const viewer = await startViewer({ config, store, logger, signal: stopped.signal });
  console.log(`
Afterlog shows ${past.length + live.length} runs of a simulated Tekton at ${viewer.url}

  a pull request     ${viewer.url}/example/project/pull/42
  two weeks of nights ${viewer.url}/namespaces/nightly/pipelines/project-nightly
  as text            curl ${viewer.url}/example/project/pull/42

Its archive is in ${folder} until this ends (Ctrl-C).`);

  for (const { script, cancelAfterMs } of live) {
    const run = simulator.run(script);
    if (cancelAfterMs !== undefined) setTimeout(() => run.cancel(), cancelAfterMs).unref();
  }
  await collecting;
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}
