import { type ListItem, type ObjectReader, readBytes, StorageError } from "../storage-adapters/store.ts";
import { type Entry, parseEntry } from "./entry.ts";
import { ArchiveError } from "./error.ts";
import {
  entriesBefore,
  type IndexName,
  indexPrefix,
  indexRoot,
  type LogId,
  parseEntryKey,
  type RunId,
  recordKey,
  runningKey,
} from "./keys.ts";
import { LogReader } from "./log-reader.ts";
import { PARSED_FACTOR, ReadCache } from "./read-cache.ts";
import { type ContainerRow, type Log, logIdOf, parseRecord, type RunRecord, runIdOf } from "./record.ts";

export type PageOptions = {
  /** Only entries whose key sorts after this one: the next page. */
  after?: string;
  /** Only runs created before this time. */
  before?: Date;
  signal?: AbortSignal;
};
/** A damaged entry is named and does not keep the others from being shown. */
export type FoundEntry = { key: string; entry: Entry } | { key: string; damage: ArchiveError };

/** Reads an archive. Everything it throws is a StorageError or an ArchiveError. */
export class ArchiveReader {
  readonly #store: ObjectReader;

  readonly #cache: ReadCache | undefined;

  /** `cacheBytes`: of what is read again and again so much is kept; what it gives is not to be changed then. */
  constructor(store: ObjectReader, { cacheBytes = 0 }: { cacheBytes?: number } = {}) {
    this.#store = store;
    this.#cache = cacheBytes > 0 ? new ReadCache(cacheBytes) : undefined;
  }

  /** The same archive through a store that wraps this one's. */
  through(wrap: (store: ObjectReader) => ObjectReader): ArchiveReader {
    return new ArchiveReader(wrap(this.#store));
  }

  /** The final record of a run, else the one that still grows; undefined when there is none. */
  async run(run: RunId, signal?: AbortSignal): Promise<RunRecord | undefined> {
    return (
      (await this.#record(recordKey(run), signal)) ??
      (await this.#record(runningKey(run), signal)) ??
      // It may have become final, and the running one have gone, between the two reads.
      (await this.#record(recordKey(run), signal))
    );
  }

  /** Runs found by an index, newest first, read one by one as they are asked for. */
  async *entries(index: IndexName, options: PageOptions = {}): AsyncGenerator<FoundEntry> {
    const startAfter = options.after ?? (options.before && entriesBefore(index, options.before));
    const list = this.#store.list(indexPrefix(index), {
      ...(startAfter && { startAfter }),
      ...(options.signal && { signal: options.signal }),
    });
    for await (const found of ahead(list, (item) => this.#entry(item, options.signal))) if (found) yield found;
  }

  /** The values that follow `by` in its index: with `namespace`, every namespace that has runs. */
  async *values(by: IndexName["by"], signal?: AbortSignal): AsyncGenerator<string> {
    for await (const item of this.#store.list(indexRoot(by), { delimiter: "/", ...(signal && { signal }) })) {
      const value = item.type === "prefix" ? parseEntryKey(`${item.key}0000000000000-x.json`)?.values[0] : undefined;
      if (value !== undefined) yield value;
    }
  }

  /** Opens a log as it is now. `log` is what the run's record says of it. */
  log(id: LogId, log: Log, signal?: AbortSignal): Promise<LogReader> {
    return LogReader.open(this.#store, id, log, signal, this.#cache);
  }

  /** Opens the log of one container run of a record as it is now. */
  logOf(record: RunRecord, row: ContainerRow, signal?: AbortSignal): Promise<LogReader> {
    return this.log(logIdOf(runIdOf(record), row), row.container.log, signal);
  }

  async #record(key: string, signal: AbortSignal | undefined): Promise<RunRecord | undefined> {
    const bytes = await this.#bytes(key, signal);
    if (!bytes) return undefined;
    const known = this.#cache?.records.get(key);
    if (known?.bytes.equals(bytes)) return known.record;
    const record = parseRecord(bytes, key);
    this.#cache?.records.set(key, { bytes, record }, bytes.byteLength * (1 + PARSED_FACTOR));
    return record;
  }

  async #entry(item: ListItem, signal: AbortSignal | undefined): Promise<FoundEntry | undefined> {
    const bytes = item.type === "object" ? await this.#bytes(item.key, signal) : undefined;
    if (!bytes) return undefined;
    try {
      return { key: item.key, entry: parseEntry(bytes, item.key) };
    } catch (error) {
      if (error instanceof ArchiveError) return { key: item.key, damage: error };
      throw error;
    }
  }

  /** undefined when the object is not there, or went away since it was listed. */
  async #bytes(key: string, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    try {
      return await readBytes(this.#store, key, signal && { signal });
    } catch (error) {
      if (error instanceof StorageError && error.kind === "not-found") return undefined;
      throw error;
    }
  }
}

/** How many entries are read at the same time while the first of them is awaited. */
const AHEAD = 16;

async function* ahead<T, R>(items: AsyncIterable<T>, read: (item: T) => Promise<R>): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  for await (const item of items) {
    const result = read(item);
    // Its failure is thrown where it is awaited; a reader that stops early never gets there.
    result.catch(() => {});
    pending.push(result);
    if (pending.length >= AHEAD) yield (await pending.shift()) as R;
  }
  while (pending.length > 0) yield (await pending.shift()) as R;
}
