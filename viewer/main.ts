import { pino } from "pino";
import { explain } from "../settings.ts";
import { openStore, probeStore } from "../storage-adapters/open.ts";
import { parseViewerConfig } from "./config.ts";
import { startViewer } from "./viewer.ts";

/** The viewer's process: settings in, one server, signals out. */
async function main(): Promise<void> {
  const config = parseViewerConfig(process.env, process.cwd());
  const store = await openStore(config.store);
  await probeStore(store, { write: false });
  const stopped = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopped.abort());
  const viewer = await startViewer({ config, store, logger: pino(), signal: stopped.signal });
  console.log(`Afterlog shows ${config.store} at ${config.url ?? viewer.url}`);
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
