import { recordKey } from "../../archive/keys.ts";
import type { LogReader } from "../../archive/log-reader.ts";
import { ArchiveReader } from "../../archive/reader.ts";
import { containersOf } from "../../archive/record.ts";
import type { ObjectReader } from "../../storage-adapters/store.ts";
import { CONTAINER, type StartedRun } from "./cluster.ts";
import { until } from "./wait.ts";

/** Opens the log of the run's container as it is by now; undefined when the archive does not know it yet. */
export async function openLog(store: ObjectReader, run: StartedRun): Promise<LogReader | undefined> {
  const archive = new ArchiveReader(store);
  const record = await archive.run({ namespace: run.namespace, runUid: run.uid });
  const found = record && [...containersOf(record)].find(({ container }) => container.name === CONTAINER);
  return found && archive.logOf(record, found);
}

/** Resolves when the run's final record is there. */
export async function archived(store: ObjectReader, run: StartedRun, ms: number): Promise<void> {
  const key = recordKey({ namespace: run.namespace, runUid: run.uid });
  await until(`${run.name} to be archived`, async () => ((await store.stat(key)) ? true : undefined), { ms });
}
