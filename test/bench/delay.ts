import { timeNs } from "../../archive/line.ts";
import { openStore } from "../../storage-adapters/open.ts";
import { openLog } from "./archived-run.ts";
import { startCluster } from "./cluster.ts";
import { startCollector } from "./collector-process.ts";
import { type Figure, percentile } from "./figure.ts";
import { until } from "./wait.ts";

const PACE_MS = 100;
const LINES = 200;
const POLL_MS = 25;

/** From a line's printing to its being readable in the store, for a log in its first seconds. */
export async function* measureDelay(folder: string): AsyncGenerator<Figure> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = await startCluster(cleanup);
  const collector = await startCollector({ kubeconfig: await cluster.kubeconfig(), folder }, cleanup);
  const store = await openStore(collector.store);
  const [run] = await cluster.startPrinting(["young"], PACE_MS);
  if (!run) throw new Error("no run was started");
  const seconds: number[] = [];
  const readOn = async () => {
    const log = await openLog(store, run);
    for await (const lines of log?.linesOf(seconds.length + 1) ?? []) {
      for (const { number, time, text } of lines) {
        if (!time || !text.includes(` line ${number} `))
          throw new Error(`line ${number} of the archived log is: ${text}`);
        seconds.push(Date.now() / 1000 - Number(timeNs(time)) / 1e9);
      }
    }
    return seconds.length >= LINES ? true : undefined;
  };
  await until(`${LINES} lines to be readable`, readOn, { ms: LINES * PACE_MS + 20_000, everyMs: POLL_MS });
  const note = `${seconds.length} lines, one every ${PACE_MS} ms; the store was asked every ${POLL_MS} ms`;
  yield { name: "delay until readable, p50", unit: "s", ours: percentile(seconds, 50), note };
  yield {
    name: "delay until readable, p95",
    unit: "s",
    ours: percentile(seconds, 95),
    goal: { of: "ours", most: 2.5 },
  };
}
