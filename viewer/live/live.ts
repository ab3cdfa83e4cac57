import { segmentPrefix } from "../../archive/keys.ts";
import type { LogReader } from "../../archive/log-reader.ts";
import type { ArchiveReader } from "../../archive/reader.ts";
import { type ContainerRow, containersOf, isFinished, logIdOf, type RunRecord, runIdOf } from "../../archive/record.ts";
import { StorageError } from "../../storage-adapters/store.ts";
import { Problem } from "../problem.ts";
import type { Logger } from "../site.ts";
import { Poll } from "./poll.ts";
import { type Lease, Pool } from "./pool.ts";
import { RunLookups } from "./run-lookups.ts";
import { SharedBytes } from "./shared-bytes.ts";
import { sharedReads } from "./shared-reads.ts";

export type LiveOptions = {
  archive: ArchiveReader;
  logger: Logger;
  /** How many may follow at the same time. */
  maxReaders?: number;
  /** Ends all following. */
  signal?: AbortSignal;
  pauses?: { log: Pauses; run: Pauses };
  /** How long a reader may take nothing of what there is for it. */
  stallMs?: number;
};

type Pauses = { min: number; max: number };

/** A chunk comes every 2 to 10 s: it is seen a second later, and nobody pays for more. */
const LOG_PAUSES = { min: 1_000, max: 2_500 };
const RUN_PAUSES = { min: 2_000, max: 5_000 };
export const MAX_READERS = 4_000;
const STALL_MS = 60_000;
/** Parts of logs, and rows of them, that many readers want at the same time. */
const SHARED_BYTES = 32 * 1024 * 1024;
const DRAWN_AT_ONCE = 4;
const READ_AT_ONCE = 32;

export type FollowedRun = { record: Poll<RunRecord> };
/** A log that many may be reading while it grows. */
export type FollowedLog = FollowedRun & {
  key: string;
  log: Poll<LogReader>;
  /** Opens the log anew where this one's parts have moved from chunks to a segment; once for all who ask. */
  reopen: (stale: LogReader) => Promise<void>;
};

type SharedLog = Pick<FollowedLog, "log" | "reopen"> & { stop(): void };

/** The container run in a record of any time; undefined where it has none. */
export type RowIn = (record: RunRecord) => ContainerRow | undefined;

/**
 * What is followed in this process. However many read a log, the bucket is asked for it by one: the log and the
 * record of its run are looked at as long as somebody reads.
 */
export class Live {
  /** Reads parts of logs once for all who want them. */
  readonly archive: ArchiveReader;
  /** Rows that have been made, ready to be sent. */
  readonly rows = new SharedBytes(SHARED_BYTES, DRAWN_AT_ONCE);
  /** Runs that are looked up for readers who come at the same time. */
  readonly lookups = new RunLookups();
  readonly signal: AbortSignal;
  /** A reader that takes nothing for so long is let go; it comes back with the line it has. */
  readonly stallMs: number;
  readonly #logger: Logger;
  readonly #maxReaders: number;
  readonly #pauses: { log: Pauses; run: Pauses };
  readonly #runs = new Pool<Poll<RunRecord>>();
  readonly #logs = new Pool<SharedLog>();
  #readers = 0;

  constructor({ archive, logger, maxReaders = MAX_READERS, signal, pauses, stallMs = STALL_MS }: LiveOptions) {
    const parts = new SharedBytes(SHARED_BYTES, READ_AT_ONCE);
    this.archive = archive.through((store) => sharedReads(store, parts));
    this.signal = signal ?? new AbortController().signal;
    this.stallMs = stallMs;
    this.#logger = logger;
    this.#maxReaders = maxReaders;
    this.#pauses = pauses ?? { log: LOG_PAUSES, run: RUN_PAUSES };
  }

  /** How many read, and how much is looked at for them. */
  get load(): { readers: number; runs: number; logs: number } {
    return { readers: this.#readers, runs: this.#runs.size, logs: this.#logs.size };
  }

  /**
   * Lets one more reader in until the returned function is called.
   * @throws Problem 503, if there are as many as may be, or the viewer is being stopped
   */
  admit(): () => void {
    if (this.signal.aborted) throw new Problem(503, "This viewer is being stopped", "Ask again: another one answers.");
    if (this.#readers >= this.#maxReaders) throw tooMany(this.#maxReaders);
    this.#readers++;
    let isIn = true;
    return () => {
      if (isIn) this.#readers--;
      isIn = false;
    };
  }

  /** What is known of a run that somebody follows already. */
  async recordOf(namespace: string, runUid: string): Promise<RunRecord | undefined> {
    return (await this.#runs.peek(runKey({ namespace, uid: runUid })))?.value;
  }

  /** `record`: what the reader's request found. */
  async followRun(record: RunRecord): Promise<Lease<FollowedRun>> {
    const { value, release } = await this.#runs.take(runKey(record.run), async () => this.#pollOfRun(record));
    if (isLaterRecord(record, value.value)) value.offer(record);
    return { value: { record: value }, release };
  }

  /** @throws what keeps the log from being opened */
  async followLog(record: RunRecord, row: ContainerRow): Promise<Lease<FollowedLog>> {
    const run = await this.followRun(record);
    const key = segmentPrefix(logIdOf(runIdOf(record), row));
    try {
      const { value, release } = await this.#logs.take(key, () => this.#shareLog(run.value.record, record, row));
      const releaseBoth = () => {
        release();
        run.release();
      };
      const { log, reopen } = value;
      return { value: { ...run.value, key, log, reopen }, release: releaseBoth };
    } catch (error) {
      run.release();
      throw error;
    }
  }

  #pollOfRun(first: RunRecord): Poll<RunRecord> {
    return new Poll({
      first,
      look: async (last, signal) => {
        const record = await this.archive.run(runIdOf(last), signal);
        return record && isLaterRecord(record, last) ? record : last;
      },
      isOver: ({ final }) => final,
      pauseMs: this.#pauses.run,
      onFailure: this.#tell("a run that is followed cannot be read"),
    });
  }

  /** The log's own end is seen in its chunks; once the record knows it, too, that counts, for the chunks will go. */
  async #shareLog(run: Poll<RunRecord>, record: RunRecord, row: ContainerRow): Promise<SharedLog> {
    const find = rowFinder(record, row);
    const rowNow = () => find(run.value) ?? row;
    const open = () => this.archive.logOf(run.value, rowNow());
    const hasFinished = () => isFinished(rowNow().container.log);
    const log = new Poll<LogReader>({
      first: await open(),
      look: (last, signal) => (hasFinished() ? open() : laterOrAnew(last, signal, open)),
      isOver: ({ log }) => isFinished(log),
      pauseMs: this.#pauses.log,
      onFailure: this.#tell("a log that is followed cannot be read"),
    });
    const leave = run.onChange(() => void (!run.hasFailed && hasFinished() && log.lookNow()));
    const reopen = (stale: LogReader) =>
      log.replace(stale, async () => {
        await run.lookNow();
        return open();
      });
    const stop = () => {
      leave();
      log.stop();
    };
    return { log, reopen, stop };
  }

  #tell(message: string): (err: unknown) => void {
    return (err) => this.#logger.warn({ err }, message);
  }
}

/** The newest chunk may have become a part of a segment, and have gone, since it was listed. */
async function laterOrAnew(last: LogReader, signal: AbortSignal, open: () => Promise<LogReader>): Promise<LogReader> {
  try {
    return await last.later(signal);
  } catch (error) {
    if (error instanceof StorageError && error.kind === "not-found") return open();
    throw error;
  }
}

const runKey = ({ namespace, uid }: { namespace: string; uid: string }): string => `${namespace}/${uid}`;

/** Finds the same container run in later records of its run. */
export const rowFinder = (record: RunRecord, row: ContainerRow): RowIn => {
  const keyOf = (row: ContainerRow) => segmentPrefix(logIdOf(runIdOf(record), row));
  const key = keyOf(row);
  return (later) => [...containersOf(later)].find((other) => keyOf(other) === key);
};

const isLaterRecord = (record: RunRecord, than: RunRecord): boolean =>
  (record.final && !than.final) ||
  (record.final === than.final && Date.parse(record.updatedAt) > Date.parse(than.updatedAt));

const tooMany = (most: number): Problem =>
  new Problem(
    503,
    "Too many follow logs here at the moment",
    `This viewer serves ${most} followers at a time. The page itself still shows the log as it is now: load it again.`,
  );
