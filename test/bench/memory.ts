import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "../../storage-adapters/open.ts";
import type { ObjectReader } from "../../storage-adapters/store.ts";
import { archived, openLog } from "./archived-run.ts";
import { peakMemory } from "./child.ts";
import { type Cluster, type StartedRun, startCluster } from "./cluster.ts";
import { startCollector } from "./collector-process.ts";
import type { Figure } from "./figure.ts";
import { until } from "./wait.ts";

const COUNTS = [1, 100, 1_000];
const PACE_MS = 500;
const FOLLOWED_MS = 10_000;
const OPENING_MS = 60_000;
const ARCHIVING_MS = 60_000;
const MIB = 1024 * 1024;

/** The collector's peak of resident memory while it follows so many printing containers, and what it lost of them. */
export async function* measureMemory(folder: string): AsyncGenerator<Figure> {
  const largest = Math.max(...COUNTS);
  for (const count of COUNTS) {
    const { peak, lost, lines, openingMs } = await measure(`${folder}/${count}`, count);
    yield {
      name: `peak memory at ${count} ${count === 1 ? "follow" : "follows"}`,
      unit: "MiB",
      ours: peak / MIB,
      ...(count === largest && { goal: { of: "ours", most: 512 } }),
      note: `all open after ${(openingMs / 1000).toFixed(1)} s, each printing two lines a second until ${FOLLOWED_MS / 1000} s later`,
    };
    yield {
      name: `lines lost at ${count} ${count === 1 ? "follow" : "follows"}`,
      unit: "lines",
      ours: lost,
      goal: { of: "ours", most: 0 },
      note: `${lines} were printed`,
    };
  }
}

async function measure(folder: string, count: number) {
  await using cleanup = new AsyncDisposableStack();
  const cluster = await startCluster(cleanup);
  const collector = await startCollector({ kubeconfig: await cluster.kubeconfig(), folder }, cleanup);
  const store = await openStore(collector.store);
  const begun = performance.now();
  const names = Array.from({ length: count }, (_, i) => `printing-${i}`);
  const runs = await cluster.startPrinting(names, PACE_MS);
  const allOpen = async () => ((await cluster.follows()) === count ? true : undefined);
  await until(`${count} follows to be open at once`, allOpen, { ms: OPENING_MS });
  const openingMs = performance.now() - begun;
  await sleep(FOLLOWED_MS);
  await cluster.endAll();
  const end = performance.now() + ARCHIVING_MS;
  for (const run of runs) await archived(store, run, Math.max(0, end - performance.now()));
  const peak = peakMemory(collector.child);
  return { peak, openingMs, ...(await compare(cluster, store, runs)) };
}

/** Lines that were printed and are not archived, or not in their place. */
async function compare(cluster: Cluster, store: ObjectReader, runs: StartedRun[]) {
  const truths = await cluster.truths();
  let lines = 0;
  let lost = 0;
  for (const run of runs) {
    const truth = linesOf(truths.get(run.pod));
    const log = await openLog(store, run);
    const found = linesOf(log && Buffer.concat(await Array.fromAsync(log.text())));
    if (found.length > truth.length) throw new Error(`${run.name}: more lines are archived than were printed`);
    lines += truth.length;
    lost += truth.filter((line, i) => found[i] !== line).length;
  }
  return { lines, lost };
}

const linesOf = (text: Uint8Array = Buffer.alloc(0)): string[] =>
  Buffer.from(text).toString("latin1").split("\n").slice(0, -1);
