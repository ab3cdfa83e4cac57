/** A watch that has failed for so long is more than interrupted: an API server is restarted in less. */
const PATIENCE_MS = 30_000;

type Failure = { sinceMs: number; error: unknown };

/** Whether the collector sees the cluster as it is, and if not, why. Each watch is told by its path. */
export class Readiness {
  readonly #now: () => number;
  readonly #unlisted = new Set<string>();
  readonly #failing = new Map<string, Failure>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get hasListed(): boolean {
    return this.#unlisted.size === 0;
  }

  /** In words; undefined when all that exists has been seen, and changes are told of. */
  get notReady(): string | undefined {
    const lists = this.#unlisted.size;
    if (lists > 0) return `${lists} of the first lists have not been read yet${this.#reason(this.#unlisted)}`;
    const lost = [...this.#failing].filter(([, { sinceMs }]) => this.#now() - sinceMs >= PATIENCE_MS);
    const [first] = lost;
    if (!first) return undefined;
    const seconds = Math.round((this.#now() - first[1].sinceMs) / 1000);
    return `the cluster has not been seen for ${seconds} s${this.#reason(lost.map(([path]) => path))}`;
  }

  begun(path: string): void {
    this.#unlisted.add(path);
  }

  listed(path: string): void {
    this.#unlisted.delete(path);
  }

  failed(path: string, error: unknown): void {
    this.#failing.set(path, { sinceMs: this.#failing.get(path)?.sinceMs ?? this.#now(), error });
  }

  /** The server tells of changes. */
  opened(path: string): void {
    this.#failing.delete(path);
  }

  #reason(paths: Iterable<string>): string {
    for (const path of paths) {
      const failure = this.#failing.get(path);
      if (failure) return `: ${path}: ${failure.error instanceof Error ? failure.error.message : failure.error}`;
    }
    return "";
  }
}
