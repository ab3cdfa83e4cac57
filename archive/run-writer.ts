import { type ObjectStore, readBytes, StorageError } from "../storage-adapters/store.ts";
import { entriesOf } from "./entry.ts";
import { entryKey, liveRunPrefix, type RunId, recordKey, runningKey } from "./keys.ts";
import { type PersistOptions, persist } from "./persist.ts";
import { parseRecord, type RunRecord, runIdOf } from "./record.ts";

const JSON_TYPE = "application/json";

const openKey = ({ run }: RunRecord): string =>
  entryKey({ by: "open", values: [run.namespace] }, new Date(run.createdAt), run.uid);

/** Writes what is known about runs: the record and the entries that lead to it. */
export class RunWriter {
  readonly #store: ObjectStore;
  readonly #options: PersistOptions;

  constructor(store: ObjectStore, options: PersistOptions = {}) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * What the bucket knows of a run: the final record, else the running one.
   * @throws ArchiveError, if what is there cannot be understood; it must then not be overwritten
   */
  async load(run: RunId): Promise<RunRecord | undefined> {
    return (await this.#read(recordKey(run))) ?? (await this.#read(runningKey(run)));
  }

  /**
   * Puts the record of a run that can still change. The entry under `open` comes first and goes last: a run that is
   * begun is always found again. Entries are written when they differ from those of `before`.
   */
  async update(record: RunRecord, before: RunRecord | undefined): Promise<void> {
    if (!before) await this.#put(openKey(record), { version: 1 });
    await this.#put(runningKey(runIdOf(record)), record);
    await this.#putEntries(record, before);
  }

  /**
   * Creates the final record, then its entries. False if there is one already: it stays as it is, and its entries
   * are written again in case its writer did not get so far.
   */
  async finalize(record: RunRecord, before: RunRecord | undefined): Promise<boolean> {
    const key = recordKey(runIdOf(record));
    const created = await persist(() => this.#create(key, record), this.#options);
    if (created) await this.#putEntries(record, before);
    else {
      const final = await this.#read(key);
      if (final) await this.#putEntries(final, undefined);
    }
    return created;
  }

  /** Takes away what only a growing run needs: the chunks, the running record and, last, the open entry. */
  async cleanUp(record: RunRecord): Promise<void> {
    const run = runIdOf(record);
    const signal = this.#options.signal && { signal: this.#options.signal };
    const chunks: string[] = [];
    for await (const item of this.#store.list(liveRunPrefix(run), signal)) chunks.push(item.key);
    for (const key of [...chunks, runningKey(run), openKey(record)]) {
      await persist(() => this.#store.delete(key, signal), this.#options);
    }
  }

  async #putEntries(record: RunRecord, before: RunRecord | undefined): Promise<void> {
    const old = before ? entriesOf(before) : new Map<string, unknown>();
    for (const [key, entry] of entriesOf(record)) {
      if (JSON.stringify(old.get(key)) !== JSON.stringify(entry)) await this.#put(key, entry);
    }
  }

  async #put(key: string, json: unknown): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(json));
    const signal = this.#options.signal && { signal: this.#options.signal };
    await persist(() => this.#store.put(key, bytes, { contentType: JSON_TYPE, ...signal }), this.#options);
  }

  async #create(key: string, record: RunRecord): Promise<boolean> {
    try {
      const bytes = Buffer.from(JSON.stringify(record));
      await this.#store.put(key, bytes, { contentType: JSON_TYPE, ifAbsent: true });
      return true;
    } catch (error) {
      if (error instanceof StorageError && error.kind === "conflict") return false;
      throw error;
    }
  }

  async #read(key: string): Promise<RunRecord | undefined> {
    const signal = this.#options.signal && { signal: this.#options.signal };
    try {
      const bytes = await persist(() => readBytes(this.#store, key, signal), this.#options);
      return parseRecord(bytes, key);
    } catch (error) {
      if (error instanceof StorageError && error.kind === "not-found") return undefined;
      throw error;
    }
  }
}
