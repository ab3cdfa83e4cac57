import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { openStore } from "../../storage-adapters/open.ts";
import { ArchiveFixture } from "../viewer/archive-fixture.ts";
import type { BigLog } from "./big-log.ts";
import { type Figure, median, percentile } from "./figure.ts";
import { Reader } from "./reader.ts";
import { logLines } from "./recorded-log.ts";
import { randomLines } from "./viewer-lines.ts";
import { type Server, startBareServer, startViewer } from "./viewer-process.ts";

const PAGES = 200;
/** More than the viewer keeps, and than are read in all rounds. */
const DISTINCT = 4_000;
const WARM_UP = 40;
const READERS = 8;
const ROUNDS = 5;
const ROUND_MS = 2_000;
const KB = 1_000;
const TASKS = 200;
const LINES_OF_TASK = 700;

/** Pages of steps, beside a page of the same bytes that a bare server keeps in memory. */
export async function* measurePages(big: BigLog, folder: string): AsyncGenerator<Figure> {
  const lines = randomLines(big, WARM_UP + PAGES + DISTINCT);
  yield* pagesOf({
    what: "of 1 GiB",
    store: big.store,
    paths: lines.map((line) => `${big.path}?step=build&line=${line}`),
    folder,
  });
  yield* pagesOf({ what: `of ${TASKS} tasks`, ...(await manyTasks(join(folder, "tasks"))), folder });
}

type Pages = { what: string; store: string; paths: readonly string[]; folder: string };

async function* pagesOf({ what, store, paths, folder }: Pages): AsyncGenerator<Figure> {
  await using cleanup = new AsyncDisposableStack();
  const viewer = await startViewer(store, cleanup);
  const bytes = await eachPage(viewer, paths.slice(0, WARM_UP), ({ bytes }) => bytes);
  const middle = paths[bytes.indexOf(percentile(bytes, 50))] ?? "";
  const page = await eachPage(viewer, [middle], ({ body }) => gunzipSync(body));
  const file = join(folder, "page.html");
  await writeFile(file, page[0] ?? "");
  const bare = await startBareServer(file, cleanup);
  await eachPage(bare, paths.slice(0, WARM_UP), () => 0);
  const measured = paths.slice(WARM_UP, WARM_UP + PAGES);
  const others = paths.slice(WARM_UP + PAGES);
  const ours = await eachPage(viewer, measured, (loaded) => loaded);
  const rival = await eachPage(bare, measured, ({ firstByte }) => firstByte);
  yield {
    name: `first byte of a page of a step, run ${what}, p95`,
    unit: "ms",
    ours: percentile(
      ours.map(({ firstByte }) => firstByte),
      95,
    ),
    rival: percentile(rival, 95),
    goal: { of: "ours", most: 50 },
    note: `${measured.length} pages one by one over one connection`,
  };
  yield {
    name: `HTML of a page of a step, run ${what}`,
    unit: "KB",
    ours: Math.max(...ours.map(({ bytes }) => bytes)) / KB,
    goal: { of: "ours", most: 60 },
    note: "the largest of them, with gzip as the viewer sends it",
  };
  yield {
    name: `script of a page of a step, run ${what}`,
    unit: "KB",
    ours: (await scriptBytes(viewer, page[0]?.toString() ?? "")) / KB,
    goal: { of: "ours", most: 25 },
    note: "all that the page loads as script, with gzip",
  };
  const about = `${READERS} readers at once, median of ${ROUNDS} rounds of ${ROUND_MS / 1_000} s in turn; the rival is hono on the same server with the same compression, a page of ${Math.round((page[0]?.byteLength ?? 0) / KB)} KB in memory`;
  const asked: [string, readonly string[]][] = [
    ["one page of a step, again and again", [middle]],
    ["pages of a step, each once", others],
  ];
  for (const [name, paths] of asked) {
    const rates = await ratesOf(viewer, bare, paths);
    yield { name: `${name}, run ${what}`, unit: "pages/s", ...rates, goal: { of: "ratio", least: 0.5 }, note: about };
  }
}

async function eachPage<T>(
  { url }: Server,
  paths: readonly string[],
  take: (loaded: Awaited<ReturnType<Reader["load"]>>) => T,
): Promise<T[]> {
  const reader = new Reader();
  const taken: T[] = [];
  for (const path of paths) taken.push(take(await reader.load(`${url}${path}`)));
  reader.close();
  return taken;
}

/** What the page names as script, and what that imports, each once. */
async function scriptBytes({ url }: Server, page: string): Promise<number> {
  const found = [...page.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, path = ""]) => new URL(path, url).href);
  const seen = new Set<string>();
  let bytes = 0;
  for (let address = found.pop(); address; address = found.pop()) {
    if (seen.has(address)) continue;
    seen.add(address);
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address} is answered with ${answer.status}`);
    const script = await answer.text();
    bytes += gzipSync(script).byteLength;
    for (const [, path = ""] of script.matchAll(/\b(?:import|from)\s*\(?\s*"([^"]+)"/g)) {
      found.push(new URL(path, address).href);
    }
  }
  return bytes;
}

/** Pages per second of both, in turn. */
async function ratesOf(viewer: Server, bare: Server, paths: readonly string[]) {
  const ours: number[] = [];
  const rival: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const share = Math.floor((paths.length * round) / ROUNDS);
    const turned = [...paths.slice(share), ...paths.slice(0, share)];
    ours.push(await rate(viewer, turned));
    rival.push(await rate(bare, turned));
  }
  return { ours: median(ours), rival: median(rival) };
}

async function rate({ url }: Server, paths: readonly string[]): Promise<number> {
  const begun = performance.now();
  let loaded = 0;
  const read = async (first: number) => {
    const reader = new Reader();
    for (let i = first; performance.now() - begun < ROUND_MS; i += READERS, loaded++) {
      await reader.load(`${url}${paths[i % paths.length]}`);
    }
    reader.close();
  };
  await Promise.all(Array.from({ length: READERS }, (_, i) => read(i)));
  return loaded / ((performance.now() - begun) / 1_000);
}

/** A run of many tasks, each with a log of real lines; its tasks' pages in turn. */
async function manyTasks(folder: string): Promise<{ store: string; paths: string[] }> {
  const store = pathToFileURL(folder).href;
  const { lines } = logLines();
  const tasks = Array.from({ length: TASKS }, (_, i) => ({
    name: `task-${i}`,
    containers: [{ title: "build", lines: lines.slice(i * LINES_OF_TASK, (i + 1) * LINES_OF_TASK), everyMs: 100 }],
  }));
  await new ArchiveFixture(await openStore(store)).run({ name: "many", namespace: "bench", took: 100, tasks });
  const path = "/namespaces/bench/pipelineruns/many?step=build&pipelineTask=";
  const lineOf = (i: number) => 1 + ((37 * Math.floor(i / TASKS)) % LINES_OF_TASK);
  const paths = Array.from(
    { length: WARM_UP + PAGES + DISTINCT },
    (_, i) => `${path}task-${i % TASKS}&line=${lineOf(i)}`,
  );
  return { store, paths };
}
