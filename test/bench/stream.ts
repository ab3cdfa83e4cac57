import { execFile, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { openStore } from "../../storage-adapters/open.ts";
import { archived, openLog } from "./archived-run.ts";
import { cpuSeconds } from "./child.ts";
import { type Cluster, type StartedRun, startCluster } from "./cluster.ts";
import { startCollector } from "./collector-process.ts";
import { type Figure, median } from "./figure.ts";
import { logLines, type RecordedLog, recordLog } from "./recorded-log.ts";
import { until } from "./wait.ts";

/** Long enough for the start of the collector, when V8 compiles what it runs, to be a small part of it. */
const LOG_BYTES = 900e6;
/** At least three rounds within the longer time, at most five within the shorter. */
const ROUNDS = { least: 3, most: 5 };
const ROUNDS_MS = { least: 120_000, most: 40_000 };
const ROUND_MS = 90_000;
/** The times in the log are past by so much, so that none lies in the future. */
const AGO_MS = 3_600_000;

/**
 * What one reading of the whole log took; `tailSeconds` of it after its last byte had been sent. `readableSeconds`:
 * until all of it could be read in the store, in chunks or segments.
 */
type Reading = { seconds: number; cpuSeconds: number; tailSeconds?: number; readableSeconds?: number };

type Round = { ours: Reading; rival?: Reading; source?: Reading };

/** One stream through the whole collector, beside `curl | zstd -3` on the same log from the same server. */
export async function* measureStream(folder: string): AsyncGenerator<Figure> {
  const lines = logLines();
  const log = await recordLog(join(folder, "recorded.log"), lines, { bytes: LOG_BYTES, startMs: Date.now() - AGO_MS });
  const missing = missingPrograms();
  const rounds: Round[] = [];
  const begun = performance.now();
  while (goesOn(rounds.length, performance.now() - begun)) {
    const own = join(folder, `round-${rounds.length}`);
    rounds.push(await measureRound(log, own, missing.length === 0));
    await rm(own, { recursive: true });
  }
  yield* figures(log, rounds, missing);
}

/** A cluster each time: a run that is left from before would be archived beside the one that is measured. */
async function measureRound(log: RecordedLog, folder: string, hasRival: boolean): Promise<Round> {
  await using cleanup = new AsyncDisposableStack();
  const cluster = await startCluster(cleanup);
  const { run, reading } = await collect(cluster, log, folder);
  if (!hasRival) return { ours: reading };
  const url = await cluster.logUrl(run);
  const source = await timed('curl -sfN "$1" >/dev/null', [url]);
  const packed = join(folder, "rival.zst");
  const rival = await timed('curl -sfN "$1" | zstd -3 -q -c >"$2"', [url, packed]);
  await promisify(execFile)("sh", ["-c", 'zstd -dc "$1" | cmp - "$2"', "sh", packed, log.path]);
  return { ours: reading, rival, source };
}

const goesOn = (rounds: number, ms: number): boolean =>
  rounds < ROUNDS.least ? ms < ROUNDS_MS.least : rounds < ROUNDS.most && ms < ROUNDS_MS.most;

function figures(log: RecordedLog, rounds: Round[], missing: string[]): Figure[] {
  const ours = rounds.map((round) => round.ours);
  const rival = rounds.flatMap((round) => round.rival ?? []);
  const source = rounds.flatMap((round) => round.source ?? []);
  const speed = (readings: Reading[]) =>
    readings.length > 0 ? log.bytes / 1e6 / median(readings.map(({ seconds }) => seconds)) : undefined;
  const cpu = (readings: Reading[]) =>
    readings.length > 0 ? median(readings.map(({ cpuSeconds }) => cpuSeconds)) / (log.bytes / 1e9) : undefined;
  const tail = median(ours.map(({ tailSeconds = 0 }) => tailSeconds));
  const absent = missing.length > 0 ? `no rival without ${missing.join(" and ")} on PATH: install it` : undefined;
  const sizes = `${Math.round(log.bytes / 1e6)} MB in ${log.lines} lines, ${log.origin}, median of ${ours.length} rounds`;
  const about = `${sizes}; the last ${tail.toFixed(2)} s after the last byte was sent`;
  return [
    { name: "source: curl >/dev/null", unit: "MB/s", rival: speed(source), note: absent },
    {
      name: "throughput of a stream, until it can be read",
      unit: "MB/s",
      ours: log.bytes / 1e6 / median(ours.map(({ readableSeconds = Number.NaN }) => readableSeconds)),
      rival: speed(rival),
      goal: { of: "ratio", least: 1 },
      note: absent,
    },
    {
      name: "throughput of a stream, until its record is final",
      unit: "MB/s",
      ours: speed(ours),
      rival: speed(rival),
      goal: { of: "ratio", least: 1 },
      note: absent ?? about,
    },
    {
      name: "CPU of a stream",
      unit: "s/GB",
      ours: cpu(ours),
      rival: cpu(rival),
      goal: { of: "ratio", most: 1 },
      note: absent,
    },
  ];
}

const missingPrograms = (): string[] =>
  ["curl", "zstd"].filter((name) => spawnSync(name, ["--version"]).error !== undefined);

/** From the collector's request for the log until its run's final record is in the store. */
async function collect(
  cluster: Cluster,
  log: RecordedLog,
  folder: string,
): Promise<{ run: StartedRun; reading: Reading }> {
  await using cleanup = new AsyncDisposableStack();
  const collector = await startCollector({ kubeconfig: await cluster.kubeconfig(), folder }, cleanup);
  const store = await openStore(collector.store);
  const cpuBefore = cpuSeconds(collector.child);
  const run = await cluster.startReplay("stream", log);
  const readable = until(
    "all of the log to be readable",
    async () => (((await openLog(store, run))?.lines ?? 0) >= log.lines ? Date.now() : undefined),
    { ms: ROUND_MS, everyMs: 100 },
  );
  await archived(store, run, ROUND_MS);
  const end = Date.now();
  const cpu = cpuSeconds(collector.child) - cpuBefore;
  const { askedAt, sentAt } = await cluster.replayTimes(run);
  if (!askedAt || !sentAt) throw new Error("the log was archived without having been read");
  await expectSame(log, (await openLog(store, run))?.text());
  return {
    run,
    reading: {
      seconds: (end - askedAt) / 1000,
      cpuSeconds: cpu,
      tailSeconds: (end - sentAt) / 1000,
      readableSeconds: ((await readable) - askedAt) / 1000,
    },
  };
}

/** A fast archive that is not the log would be none. */
async function expectSame(log: RecordedLog, archived: AsyncIterable<Buffer> = emptyText()): Promise<void> {
  const expected = createReadStream(log.path, { highWaterMark: 1024 * 1024 })[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (let text of archived) {
    while (text.byteLength > 0) {
      if (rest.byteLength === 0) rest = ((await expected.next()).value as Buffer | undefined) ?? Buffer.alloc(0);
      const length = Math.min(text.byteLength, rest.byteLength);
      if (length === 0 || !text.subarray(0, length).equals(rest.subarray(0, length)))
        throw new Error(`the archived log differs from what was sent after ${offset} bytes`);
      text = text.subarray(length);
      rest = rest.subarray(length);
      offset += length;
    }
  }
  if (offset !== log.bytes) throw new Error(`of ${log.bytes} bytes that were sent ${offset} are archived`);
}

async function* emptyText(): AsyncGenerator<Buffer> {}

/** Runs a pipe in a shell, which tells by `times` the CPU of all that it ran. */
async function timed(pipe: string, args: string[]): Promise<Reading> {
  const begun = performance.now();
  const { stdout } = await promisify(execFile)("sh", ["-ec", `${pipe}; times`, "sh", ...args], { timeout: ROUND_MS });
  const seconds = (performance.now() - begun) / 1000;
  // The shell's own times, then its children's: `0m0.000000s 0m0.000000s`.
  const times = [...stdout.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  const [user, system] = times.slice(2);
  if (user === undefined || system === undefined) throw new Error(`the shell's times are not understood: ${stdout}`);
  return { seconds, cpuSeconds: user + system };
}
