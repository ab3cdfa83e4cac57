import type { Findings } from "../archive/findings.ts";
import type { RunId } from "../archive/keys.ts";
import { type ContainerRow, logIdOf } from "../archive/record.ts";
import { StorageError } from "../storage-adapters/store.ts";
import { keyOf } from "./log-jobs.ts";
import type { LogSearch } from "./log-search.ts";
import type { Logger } from "./logger.ts";

export type RunFindingsDeps = {
  search: LogSearch;
  logger: Logger;
  signal: AbortSignal;
  /** All that was begun has come to an end. */
  changed: () => void;
  /** How long a search that the store made fail waits for its next try. */
  searchAgainMs?: number;
};

const SEARCH_AGAIN_MS = 5_000;

/** What the logs of one run's steps say of its failure. After a restart the search is simply done again. */
export class RunFindings {
  readonly #run: RunId;
  readonly #deps: RunFindingsDeps;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** By log; without findings where the log cannot be read. */
  readonly #found = new Map<string, Findings | undefined>();
  readonly #searching = new Set<string>();

  constructor(run: RunId, deps: RunFindingsDeps) {
    this.#run = run;
    this.#deps = deps;
    this.#signal = AbortSignal.any([deps.signal, this.#stop.signal]);
  }

  /**
   * Gives the rows of a run that is over, and whose logs are finished, their findings, as far as they are known, and
   * begins to look for the others. True when there is nothing to wait for.
   */
  attend(rows: readonly ContainerRow[]): boolean {
    for (const row of rows) {
      const { kind, log } = row.container;
      if (kind !== "step" || log.lines === 0 || log.findings) continue;
      const key = keyOf(row);
      const findings = this.#found.get(key);
      if (findings) row.container.log = { ...log, findings };
      else if (!this.#found.has(key) && !this.#searching.has(key)) void this.#search(key, row);
    }
    return this.#searching.size === 0;
  }

  /** Another collector goes on. */
  stop(): void {
    this.#stop.abort();
  }

  async #search(key: string, row: ContainerRow): Promise<void> {
    const { status, exitCode, reason, log } = row.container;
    const ending = status === "failed" ? { exitCode, reason } : undefined;
    const id = logIdOf(this.#run, row);
    this.#searching.add(key);
    try {
      this.#found.set(key, await this.#deps.search.search(id, log, ending, this.#signal));
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error instanceof StorageError && error.retryable) return this.#searchAgain(key, row, error);
      // The record of a run must not wait for ever for a log that nobody can read.
      this.#found.set(key, undefined);
      this.#deps.logger.error({ ...id, err: error }, "the log could not be searched; its record has no findings");
    }
    this.#end(key);
  }

  #searchAgain(key: string, row: ContainerRow, error: StorageError): void {
    const where = logIdOf(this.#run, row);
    this.#deps.logger.warn({ ...where, err: error }, "the log could not be searched; it is tried again");
    setTimeout(() => this.#end(key), this.#deps.searchAgainMs ?? SEARCH_AGAIN_MS).unref();
  }

  #end(key: string): void {
    this.#searching.delete(key);
    if (this.#searching.size === 0 && !this.#signal.aborted) this.#deps.changed();
  }
}
