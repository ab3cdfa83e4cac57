import { pino } from "pino";
import { explain } from "../settings.ts";
import { openStore, probeStore } from "../storage-adapters/open.ts";
import { parseCollectorConfig } from "./config.ts";
import { startCollector } from "./process.ts";

/** The collector's process: settings in, one collector, signals out. */
async function main(): Promise<void> {
  const config = parseCollectorConfig(process.env, process.cwd());
  const stopped = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopped.abort());
  const store = await openStore(config.store);
  await probeStore(store, { write: true, signal: stopped.signal });
  const logger = pino({ level: config.logLevel });
  const { finished } = await startCollector(config, store, logger, stopped.signal);
  await finished;
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
