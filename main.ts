import { pino } from "pino";
import { parseCollectorConfig } from "./collector/config.ts";
import { startCollector } from "./collector/process.ts";
import { explain } from "./settings.ts";
import { openStore, probeStore } from "./storage-adapters/open.ts";
import { parseViewerConfig } from "./viewer/config.ts";
import { startViewer } from "./viewer/viewer.ts";

/** Collector and viewer in one process, over one store. */
async function main(): Promise<void> {
  const collecting = parseCollectorConfig(process.env, process.cwd());
  const viewing = parseViewerConfig(process.env);
  const stopped = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopped.abort());
  const store = await openStore(collecting.store);
  await probeStore(store, { write: true, signal: stopped.signal });
  const logger = pino({ level: collecting.logLevel });
  const { finished } = await startCollector(collecting, store, logger, stopped.signal);
  const viewer = await startViewer({ config: viewing, store, logger, signal: stopped.signal });
  console.log(`Afterlog keeps logs in ${collecting.store} and shows them at ${viewing.url ?? viewer.url}`);
  await finished;
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
