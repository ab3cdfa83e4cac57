import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { ArchiveReader } from "../../archive/reader.ts";
import { openStore } from "../../storage-adapters/open.ts";
import type { ObjectReader } from "../../storage-adapters/store.ts";
import { createApp } from "../../viewer/app.ts";
import { generator } from "../simulator/random.ts";
import type { BigLog } from "./big-log.ts";
import { type Figure, median } from "./figure.ts";
import { Reader } from "./reader.ts";
import { startViewer } from "./viewer-process.ts";

const LINES = 100;
/** The rival takes a second for each. */
const RIVAL_LINES = 9;

/** A random line of a log of 1 GiB by its address. */
export async function* measureLines(big: BigLog): AsyncGenerator<Figure> {
  const lines = randomLines(big, LINES);
  yield {
    name: "ranged reads for any line of 1 GiB",
    unit: "reads",
    ours: await mostReads(big, lines),
    goal: { of: "ours", most: 2 },
    note: `the most of ${lines.length} random lines, each as text and as a page of a viewer that has read nothing yet, the record aside`,
  };
  await using cleanup = new AsyncDisposableStack();
  const viewer = await startViewer(big.store, cleanup);
  const rival = spawnSync("zstd", ["--version"]).error ? undefined : await rivalLines(big, lines.slice(0, RIVAL_LINES));
  const ours = await ourLines(`${viewer.url}${big.path}.txt?step=build`, lines);
  for (const [line, text] of rival?.texts ?? []) {
    if (!ours.texts.get(line)?.equals(text)) throw new Error(`line ${line} is not what zstdcat and sed find`);
  }
  yield {
    name: "a line of 1 GiB, beside zstdcat | sed -n",
    unit: "lines/s",
    ours: 1_000 / median(ours.ms),
    rival: rival && 1_000 / median(rival.ms),
    goal: { of: "ratio", least: 100 },
    note: `${big.log.lines} lines in ${big.log.segments.length} segments, ${big.origin}; median of ${LINES} random lines asked of the viewer one by one${rival ? `, of the rival ${RIVAL_LINES}; sed ends at its line` : "; no rival without zstd on PATH: install it"}`,
  };
}

export function randomLines({ log }: BigLog, count: number): number[] {
  const random = generator(7);
  return Array.from({ length: count }, () => 1 + Math.floor(random() * log.lines));
}

/** In this process, where the port can be counted; a new viewer each time. */
async function mostReads(big: BigLog, lines: readonly number[]): Promise<number> {
  const store = await openStore(big.store);
  let most = 0;
  for (const line of lines) {
    for (const address of [`${big.path}.txt?step=build&lines=${line}`, `${big.path}?step=build&line=${line}`]) {
      let reads = 0;
      const counted: ObjectReader = {
        ...store,
        get: (key, options) => {
          if (key.endsWith(".zst")) reads++;
          return store.get(key, options);
        },
      };
      const archive = new ArchiveReader(counted);
      const answer = await createApp({ archive, namespaces: "*", ready: async () => {} }).request(address);
      if (answer.status !== 200) throw new Error(`${address} is answered with ${answer.status}`);
      await answer.arrayBuffer();
      most = Math.max(most, reads);
    }
  }
  return most;
}

type FoundLines = { ms: number[]; texts: Map<number, Buffer> };

async function ourLines(address: string, lines: readonly number[]): Promise<FoundLines> {
  const reader = new Reader();
  await reader.load(`${address}&lines=1`, "identity"); // the connection
  const found = await timed(lines, async (line) => (await reader.load(`${address}&lines=${line}`, "identity")).body);
  reader.close();
  return found;
}

const rivalLines = ({ files }: BigLog, lines: readonly number[]): Promise<FoundLines> =>
  timed(lines, async (line) => {
    // zstdcat is told by a closed pipe that sed has ended.
    const pipe = 'line=$1; shift; zstdcat "$@" 2>/dev/null | sed -n "$line{p;q}"';
    const options = { encoding: "buffer" as const };
    return (await promisify(execFile)("sh", ["-c", pipe, "sh", String(line), ...files], options)).stdout;
  });

async function timed(lines: readonly number[], read: (line: number) => Promise<Buffer>): Promise<FoundLines> {
  const found: FoundLines = { ms: [], texts: new Map() };
  for (const line of lines) {
    const begun = performance.now();
    found.texts.set(line, await read(line));
    found.ms.push(performance.now() - begun);
  }
  return found;
}
