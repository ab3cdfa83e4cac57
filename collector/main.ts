import { pino } from "pino";
import { explain } from "../settings.ts";
import { openStore, probeStore } from "../storage-adapters/open.ts";
import { parseCommand, USAGE } from "./command-line.ts";
import { type CollectorConfig, parseCollectorConfig } from "./config.ts";
import { describeRemoval, removeFinalizers } from "./finalizer-removal.ts";
import { connect, startCollector } from "./process.ts";

/** The collector's process: arguments and settings in, one collector, signals out. */
async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2));
  if (command === "help") {
    console.log(USAGE);
    return;
  }
  const config = parseCollectorConfig(process.env, process.cwd());
  const stopped = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopped.abort());
  if (command === "remove-finalizers") await removeAll(config, stopped.signal);
  else await collect(config, stopped.signal);
}

async function collect(config: CollectorConfig, signal: AbortSignal): Promise<void> {
  const store = await openStore(config.store);
  await probeStore(store, { write: true, signal });
  const logger = pino({ level: config.logLevel });
  const { finished } = await startCollector(config, store, logger, signal);
  await finished;
}

async function removeAll({ namespaces }: CollectorConfig, signal: AbortSignal): Promise<void> {
  const removal = await removeFinalizers(await connect(signal), namespaces, signal);
  console.log(describeRemoval(removal));
  if (removal.failed.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
