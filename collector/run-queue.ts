import type { Logger } from "./logger.ts";

/** What reconciling a run came to: done for now, or to be looked at again after a time. */
export type Reconciled = { againMs?: number };

const BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

/**
 * Keys that wait to be reconciled. A key is in it once, is never worked on twice at the same time, and comes back by
 * itself after a failure.
 */
export class RunQueue {
  readonly #reconcile: (key: string) => Promise<Reconciled>;
  readonly #workers: number;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  #started = false;

  constructor(reconcile: (key: string) => Promise<Reconciled>, workers: number, logger: Logger, signal: AbortSignal) {
    this.#reconcile = reconcile;
    this.#workers = workers;
    this.#logger = logger;
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      for (const timer of this.#timers.values()) clearTimeout(timer);
    });
  }

  /** Nothing is worked on before. */
  start(): void {
    this.#started = true;
    this.#next();
  }

  add(key: string): void {
    this.#ready.add(key);
    this.#next();
  }

  /** How many runs wait or are worked on. */
  get size(): number {
    return this.#ready.size + this.#working.size;
  }

  #addAfter(key: string, ms: number): void {
    clearTimeout(this.#timers.get(key));
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, ms);
    this.#timers.set(key, timer);
  }

  #next(): void {
    if (!this.#started || this.#signal.aborted) return;
    for (const key of this.#ready) {
      if (this.#working.size >= this.#workers) return;
      if (this.#working.has(key)) continue;
      this.#ready.delete(key);
      this.#working.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const { againMs } = await this.#reconcile(key);
      this.#failures.delete(key);
      if (againMs !== undefined && !this.#signal.aborted) this.#addAfter(key, againMs);
    } catch (error) {
      if (!this.#signal.aborted) {
        const failures = this.#failures.get(key) ?? 0;
        this.#failures.set(key, failures + 1);
        this.#logger.error({ run: key, err: error }, "the run could not be reconciled; it is tried again");
        this.#addAfter(key, Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** failures));
      }
    } finally {
      this.#working.delete(key);
      this.#next();
    }
  }
}
