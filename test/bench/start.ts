import { pathToFileURL } from "node:url";
import { type IndexName, indexPrefix, indexRoot } from "../../archive/keys.ts";
import { openStore } from "../../storage-adapters/open.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { startCollector } from "../collector/harness.ts";
import { createSimulator, type TaskRunScript } from "../simulator/index.ts";
import { archived } from "./archived-run.ts";
import type { Figure } from "./figure.ts";
import { until } from "./wait.ts";

/** As many as a busy cluster keeps; they take some minutes to archive on two cores. */
const RUNS = 5_000;
const ARCHIVING_MS = 900_000;
const START_MS = 60_000;

/**
 * What a start asks of the store where everything that the cluster has is archived already. In this process, because
 * the operations are counted at the port.
 */
export async function* measureStart(folder: string): AsyncGenerator<Figure> {
  await using cleanup = new AsyncDisposableStack();
  const simulator = await createSimulator();
  cleanup.defer(() => simulator.close());
  for (let n = 0; n < RUNS; n++) await simulator.insertHistory(tinyRun(`done-${n}`), Date.now() - 3_600_000);
  const store = await openStore(pathToFileURL(folder).href);
  const first = startCollector(simulator, store);
  cleanup.defer(first.stop);
  await until(`${RUNS} runs to be archived`, () => allArchived(store), { ms: ARCHIVING_MS, everyMs: 500 });
  await first.stop();

  const { counted, reads, lists } = counting(store);
  const begun = performance.now();
  const second = startCollector(simulator, counted);
  cleanup.defer(second.stop);
  const isReady = () => (second.collector.notReady === undefined ? true : undefined);
  await until("the collector to be ready", isReady, { ms: START_MS });
  const seconds = (performance.now() - begun) / 1000;
  // A run that comes later is archived only when the start is over.
  const { namespace, name, uid } = await simulator.insertHistory(tinyRun("newcomer"), Date.now() - 60_000);
  await archived(store, { namespace, name, uid, pod: `${name}-pod` }, START_MS);
  yield {
    name: `reads at a start with ${RUNS} archived runs`,
    unit: "objects",
    ours: reads.filter((key) => !key.includes(uid)).length,
    goal: { of: "ours", most: 0 },
    note: `the first lists were read after ${seconds.toFixed(2)} s`,
  };
  yield {
    name: `listings at a start with ${RUNS} archived runs`,
    unit: "prefixes",
    ours: lists.filter((prefix) => !prefix.includes(uid)).length,
  };
}

const tinyRun = (name: string): TaskRunScript => ({
  kind: "TaskRun",
  namespace: NAMESPACE,
  name,
  task: { name: "print", steps: [{ name: "print", lines: [`${name} is done`], paceMs: 0 }] },
});

const NAMESPACE = "default";
const RUNS_OF_NAMESPACE: IndexName = { by: "namespace", values: [NAMESPACE] };

async function allArchived(store: ObjectStore): Promise<true | undefined> {
  if ((await count(store, indexPrefix(RUNS_OF_NAMESPACE))) < RUNS) return undefined;
  return (await count(store, indexRoot("open"))) === 0 ? true : undefined;
}

async function count(store: ObjectStore, prefix: string): Promise<number> {
  let found = 0;
  for await (const _ of store.list(prefix)) found++;
  return found;
}

/** The same store, with the keys that are read and the prefixes that are listed. */
function counting(store: ObjectStore): { counted: ObjectStore; reads: string[]; lists: string[] } {
  const reads: string[] = [];
  const lists: string[] = [];
  const counted: ObjectStore = {
    ...store,
    get: (key, options) => {
      reads.push(key);
      return store.get(key, options);
    },
    stat: (key, options) => {
      reads.push(key);
      return store.stat(key, options);
    },
    list: (prefix, options) => {
      lists.push(prefix);
      return store.list(prefix, options);
    },
  };
  return { counted, reads, lists };
}
