import { execFile, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LogId } from "../../archive/keys.ts";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import { openStore } from "../../storage-adapters/open.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { parsePattern } from "../../viewer/grep/pattern.ts";
import { Searches } from "../../viewer/grep/searches.ts";
import { type Figure, median } from "./figure.ts";
import { logLines, type RecordedLog, recordLog } from "./recorded-log.ts";

const LOG_BYTES = 2 ** 30;
const ROUNDS = 5;
const ROUND_MS = 120_000;
const GOAL = 1.5;
const ID: LogId = {
  namespace: "bench",
  runUid: "0f3c9d2e-1111-4222-8333-000000000001",
  taskRunUid: "0f3c9d2e-1111-4222-8333-000000000002",
  attempt: 0,
  container: "step-search",
  restart: 0,
};

type Case = { name: string; text: string; isRegex: boolean; ignoresCase: boolean };

/** Nothing that a time could contain: the rival looks at times, too. */
const CASES: Case[] = [
  { name: "a rare word", text: "NullPointerException", isRegex: false, ignoresCase: false },
  { name: "a word that is in many lines", text: "error", isRegex: false, ignoresCase: true },
  { name: "an expression", text: "exit(ed)? (with )?(code|status) [1-9]", isRegex: true, ignoresCase: false },
  { name: "alternatives that are in many lines", text: "(failed|error|panic)", isRegex: true, ignoresCase: false },
  { name: "an expression with repetitions", text: "error(s)?: [a-z]+ [a-z]+", isRegex: true, ignoresCase: false },
];

/** Searching an archived log of 1 GiB, beside `zstdcat | grep -c` on the same segments. */
export async function* measureSearch(folder: string): AsyncGenerator<Figure> {
  const recorded = await recordLog(join(folder, "recorded.log"), logLines(), { bytes: LOG_BYTES, startMs: Date.now() });
  const bucket = join(folder, "bucket");
  const store = await openStore(`file://${bucket}`);
  const log = await archive(store, recorded);
  await rm(recorded.path);
  const paths = log.segments.map(({ key }) => join(bucket, key));
  const missing = ["zstdcat", "grep"].filter((name) => spawnSync(name, ["--version"]).error !== undefined);
  const searches = new Searches();
  try {
    for (const one of CASES) yield* figures(one, { store, log, paths, recorded, searches, missing });
  } finally {
    await searches.pool.close();
  }
}

type Subject = {
  store: ObjectStore;
  log: Log;
  paths: string[];
  recorded: RecordedLog;
  searches: Searches;
  missing: string[];
};

async function* figures(one: Case, subject: Subject): AsyncGenerator<Figure> {
  const { recorded, missing, searches } = subject;
  const ours: Counted[] = [];
  const rival: Counted[] = [];
  // Side by side, so that what else the machine does meets both.
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await search(one, subject));
    if (missing.length === 0) rival.push(await grep(one, subject.paths));
  }
  const speed = (counted: Counted[]) =>
    counted.length > 0 ? recorded.bytes / 1e6 / median(counted.map(({ seconds }) => seconds)) : undefined;
  const how = one.isRegex ? "grep -cE" : "grep -c";
  yield {
    name: `search for ${one.name}`,
    unit: "MB/s",
    ours: speed(ours),
    rival: speed(rival),
    goal: { of: "ratio", least: GOAL },
    note:
      missing.length > 0
        ? `no rival without ${missing.join(" and ")} on PATH: install it`
        : `“${one.text}”, zstdcat | ${how}${one.ignoresCase ? "i" : ""}, ${recorded.origin}, ${searches.pool.threads} threads, median of ${ROUNDS}`,
  };
  yield {
    name: `lines with ${one.name}`,
    unit: "lines",
    ours: ours[0]?.count,
    rival: rival[0]?.count,
    ...((rival[0]?.count ?? 0) > 0 && { goal: { of: "ratio", least: 1 } }),
  };
}

/** As the collector archives it: chunks, then segments. */
async function archive(store: ObjectStore, { path }: RecordedLog): Promise<Log> {
  const writer = await LogWriter.open(store, ID, "pod", { intervalMs: () => Number.MAX_SAFE_INTEGER });
  for await (const text of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    writer.append(text as Buffer);
    await writer.ready();
  }
  return writer.finish({ state: "whole" });
}

type Counted = { seconds: number; count: number };

async function search({ text, isRegex, ignoresCase }: Case, { store, log, searches }: Subject): Promise<Counted> {
  const begun = performance.now();
  const reader = await LogReader.open(store, ID, log);
  const pattern = parsePattern(text, isRegex, !ignoresCase);
  let count = 0;
  for await (const part of searches.search(reader.frames(), pattern, { signal: AbortSignal.timeout(ROUND_MS) })) {
    if ("unreadable" in part) throw new Error(part.unreadable);
    count += part.lines.length;
  }
  return { seconds: (performance.now() - begun) / 1000, count };
}

async function grep({ text, isRegex, ignoresCase }: Case, paths: string[]): Promise<Counted> {
  const options = `-c${isRegex ? "E" : "F"}${ignoresCase ? "i" : ""}`;
  const begun = performance.now();
  // grep's status for no hits is 1.
  const pipe = 'zstdcat "$@" | grep "$OPTIONS" -e "$PATTERN" || test $? -eq 1';
  const { stdout } = await promisify(execFile)("sh", ["-c", pipe, "sh", ...paths], {
    timeout: ROUND_MS,
    env: { PATH: process.env.PATH, LANG: "C.UTF-8", OPTIONS: options, PATTERN: text },
  });
  return { seconds: (performance.now() - begun) / 1000, count: Number(stdout.trim()) };
}
