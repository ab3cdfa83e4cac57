import type { RunId } from "../../../archive/keys.ts";
import { timeAt, timeNs } from "../../../archive/line.ts";
import { ArchiveReader } from "../../../archive/reader.ts";
import { type ContainerRow, containersOf, type Gap, isFinished, type RunRecord } from "../../../archive/record.ts";
import { openStore } from "../../../storage-adapters/open.ts";
import { type Cluster, type PrintedRun, until } from "./cluster.ts";

const timeOf = (line: string | undefined): string | undefined => line && timeAt(Buffer.from(line, "latin1"), 0);
const isLater = (a: string, b: string): boolean => timeNs(a) > timeNs(b);

/**
 * What is wrong with an archived log; nothing when archived lines ∪ declared gaps = printed lines, in order, no line
 * twice. Lines have their times in front and no newline.
 */
export function violations(archived: readonly string[], gaps: readonly Gap[], printed: readonly string[]): string[] {
  const found: string[] = [];
  const places = [...new Set(gaps.map((gap) => gap.afterLine))].sort((a, b) => a - b);
  const outside = places.filter((place) => place > archived.length);
  if (outside.length > 0) found.push(`gaps after lines ${outside} of ${archived.length}`);
  /** Printed lines that are missing at a gap must lie within the times of one that is declared there. */
  const missing = (place: number, from: number, to: number) => {
    const covered = gaps.some((gap) => gap.afterLine === place && covers(gap, printed.slice(from, to)));
    if (from < to && !covered) found.push(`lines ${from + 1} to ${to} are missing after archived line ${place}`);
  };
  let next = 0;
  let start = 0;
  for (const end of [...places.filter((place) => place <= archived.length), archived.length]) {
    // The first stretch begins with the log; every other one where its first line was printed.
    const isAfterGap = places.includes(start);
    const first = archived[start] as string;
    let from = isAfterGap && start < end ? printed.indexOf(first, next) : next;
    if (from === -1) {
      // The gap ended inside a line: a file begins with its end, which has a time of its own (containerd's `P` and `F`).
      const second = start + 1 < end ? archived[start + 1] : undefined;
      const cut = printed.findIndex(
        (line, i) => i >= next && isEndOf(first, line) && (second === undefined || printed[i + 1] === second),
      );
      if (cut !== -1) {
        missing(start++, next, cut + 1);
        from = next = cut + 1;
      }
    }
    if (from !== -1) missing(start, next, from);
    const length = from === -1 ? 0 : commonLength(archived.slice(start, end), printed, from);
    if (length < end - start) {
      found.push(wrongLine(archived, start + length, printed, (from === -1 ? next : from) + length));
      return found;
    }
    next = from + length;
    start = end;
  }
  missing(archived.length, next, printed.length);
  return found;
}

const textOf = (line: string): string => line.slice(line.indexOf(" ") + 1);

const isEndOf = (line: string, whole: string): boolean =>
  textOf(line) !== "" && textOf(line).length < textOf(whole).length && textOf(whole).endsWith(textOf(line));

/** An end that is absent is open. */
function covers({ from, to }: Gap, lines: readonly string[]): boolean {
  const times = lines.flatMap((line) => timeOf(line) ?? []);
  return times.every((time) => !(from && isLater(from, time)) && !(to && isLater(time, to)));
}

function commonLength(archived: readonly string[], printed: readonly string[], from: number): number {
  const different = archived.findIndex((line, i) => line !== printed[from + i]);
  return different === -1 ? archived.length : different;
}

function wrongLine(archived: readonly string[], at: number, printed: readonly string[], expected: number): string {
  const line = archived[at] as string;
  const place = printed.indexOf(line);
  const what =
    place === -1
      ? "was never printed"
      : place < expected
        ? "is there twice or too late"
        : "comes too early: lines are missing before it";
  const wanted = printed[expected] === undefined ? "the end" : JSON.stringify(printed[expected]);
  return `archived line ${at + 1} ${what}: ${JSON.stringify(line)} (printed line ${place + 1}), not ${wanted} (printed line ${expected + 1})`;
}

export type Oracle = Awaited<ReturnType<typeof openOracle>>;

/** Reads the archive in a store by the runs' UIDs and compares it with what the node's files say was printed. */
export async function openOracle(cluster: Cluster, storeUrl: string) {
  const store = await openStore(storeUrl);
  const reader = new ArchiveReader(store);
  const { namespace } = cluster;
  const runId = (runUid: string): RunId => ({ namespace, runUid });

  async function archivedLines(record: RunRecord, row: ContainerRow): Promise<string[]> {
    const parts = await Array.fromAsync((await reader.logOf(record, row)).text());
    const text = Buffer.concat(parts).toString("latin1");
    if (text === "") return [];
    // `truth` ends every line; whether the last one was ended is in `noEol`.
    return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  }

  /** Kubernetes' own count: in the record a pod that was replaced under its name counts on. */
  function printedRun(record: RunRecord, { attempt, container }: ContainerRow): PrintedRun | undefined {
    if (!container.podUid || !attempt.pod) return undefined;
    const same = [...containersOf(record)].filter(
      (row) => row.container.podUid === container.podUid && row.container.name === container.name,
    );
    const first = Math.min(...same.map((row) => row.container.restart));
    return {
      pod: attempt.pod.name,
      uid: container.podUid,
      container: container.name,
      restart: container.restart - first,
    };
  }

  async function violationsOf(record: RunRecord, row: ContainerRow): Promise<string[]> {
    const { log } = row.container;
    const run = printedRun(record, row);
    const printed = run ? await cluster.printed(run) : [];
    const archived = await archivedLines(record, row);
    const found = violations(archived, log.gaps, printed);
    if (!isFinished(log)) found.push(`its log is ${log.state}`);
    if (log.state === "whole" && log.gaps.length > 0) found.push("its log is whole and has gaps");
    if (log.lines !== archived.length)
      found.push(`the record counts ${log.lines} lines, the log has ${archived.length}`);
    const title = `${row.container.name}.${row.container.restart} (${log.state}, pod ${row.container.podUid})`;
    return found.map((what) => `${title}: ${what}`);
  }

  return {
    /** How many lines of a container, of all its runs, are in the archive by now. */
    async lines(runUid: string, container: string): Promise<number> {
      const record = await reader.run(runId(runUid));
      if (!record) return 0;
      const rows = [...containersOf(record)].filter((row) => row.container.name === container);
      const readers = await Promise.all(rows.map((row) => reader.logOf(record, row)));
      return readers.reduce((sum, log) => sum + log.lines, 0);
    },

    /** Every key in the store that has to do with the run. */
    async keys(runUid: string): Promise<string[]> {
      const items = await Array.fromAsync(store.list("v1/"));
      return items.map(({ key }) => key).filter((key) => key.includes(runUid));
    },

    record: (runUid: string) => reader.run(runId(runUid)),

    /** The record as soon as nothing of the run can change any more. */
    async finished(runUid: string, ms = 120_000): Promise<RunRecord> {
      let record: RunRecord | undefined;
      await until(
        `run ${runUid} to be archived`,
        async () => {
          record = await reader.run(runId(runUid));
          return record?.final === true;
        },
        ms,
      ).catch((error: unknown) => {
        throw new Error(`${error}\n${record ? summary(record) : "it has no record"}`);
      });
      return record as RunRecord;
    },

    /** What the archive of these runs breaks of the promise, all that printed and is in no record included. */
    async violations(...records: RunRecord[]): Promise<string[]> {
      const found: string[] = [];
      const recorded = new Set<string>();
      for (const record of records) {
        for (const row of containersOf(record)) {
          const run = printedRun(record, row);
          if (run) recorded.add(keyOf(run));
          found.push(...(await violationsOf(record, row)));
        }
      }
      const names = records.map(({ run }) => `${run.name}-pod`);
      for (const run of await cluster.runs()) {
        if (run.lines === 0 || !names.some((name) => run.pod.startsWith(name)) || recorded.has(keyOf(run))) continue;
        if (!isStopped(run, await cluster.printed(run)))
          found.push(`${run.lines} lines of ${keyOf(run)} are in no record`);
      }
      return found;
    },
  };
}

const keyOf = ({ uid, container, restart }: PrintedRun): string => `pod ${uid} ${container} restart ${restart}`;

/**
 * Tekton stops a sidecar by giving it an image in which there is nothing to run. What the node says of that is no
 * part of the run.
 */
const isStopped = ({ container, restart }: PrintedRun, lines: readonly string[]): boolean =>
  container.startsWith("sidecar-") &&
  restart > 0 &&
  lines.every((line) => /^\S+ exec \/tekton\/scripts\/\S+: no such file or directory$/.test(line));

function summary(record: RunRecord): string {
  const rows = [...containersOf(record)].map(({ container: { name, restart, status, log } }) =>
    [`${name}.${restart}`, status, log.state, `${log.lines} lines`, log.words].join(" "),
  );
  return [`${record.run.name} ${record.run.status}`, ...rows].join("\n");
}
