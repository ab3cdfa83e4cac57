import { StorageError } from "../../storage-adapters/store.ts";

export type PollOptions<T> = {
  first: T;
  /** What there is now; the same value where nothing is new. */
  look: (last: T, signal: AbortSignal) => Promise<T>;
  /** Nothing can become new any more. */
  isOver: (value: T) => boolean;
  /** Between two looks: the shortest while something happens, the longest after a while of nothing. */
  pauseMs: { min: number; max: number };
  /** Told of a look that failed; another follows. */
  onFailure: (error: unknown) => void;
};

/** How long one look may take. */
const LOOK_MS = 30_000;
const LONGEST_PAUSE_MS = 30_000;
const CALMER = 1.25;

/**
 * Something in the bucket that is looked at again and again, however many are told of it. What may pass is waited out;
 * what will not (a damaged object, a refusal) ends it.
 */
export class Poll<T> {
  readonly #options: PollOptions<T>;
  readonly #stopped = new AbortController();
  readonly #listeners = new Set<() => void>();
  #value: T;
  #failure: { error: unknown } | undefined;
  #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #replacing: Promise<void> | undefined;

  constructor(options: PollOptions<T>) {
    this.#options = options;
    this.#value = options.first;
    this.#pauseMs = options.pauseMs.min;
    this.#schedule();
  }

  /** @throws what ended the looking */
  get value(): T {
    if (this.#failure) throw this.#failure.error;
    return this.#value;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Calls back after every change, and when the looking has failed for good, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A value that came another way. */
  offer(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#tell();
  }

  /** Puts another in the place of a value that is of no use any more, once for all who say so. */
  async replace(stale: T, make: () => Promise<T>): Promise<void> {
    if (this.#value !== stale) return;
    this.#replacing ??= make()
      .then((value) => this.offer(value))
      .finally(() => {
        this.#replacing = undefined;
      });
    await this.#replacing;
  }

  /** Looks at once; resolves when that has been done. */
  lookNow(): Promise<void> {
    clearTimeout(this.#timer);
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      this.#schedule();
    });
    return this.#looking;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    this.#listeners.clear();
  }

  get #isDone(): boolean {
    return this.#stopped.signal.aborted || this.#failure !== undefined || this.#options.isOver(this.#value);
  }

  #schedule(): void {
    if (this.#isDone) return;
    this.#timer = setTimeout(() => void this.lookNow(), this.#pauseMs);
  }

  async #look(): Promise<void> {
    if (this.#isDone) return;
    const { look, pauseMs, onFailure } = this.#options;
    const last = this.#value;
    try {
      const value = await look(last, AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LOOK_MS)]));
      this.#pauseMs = value === last ? Math.min(pauseMs.max, this.#pauseMs * CALMER) : pauseMs.min;
      if (!this.#stopped.signal.aborted) this.offer(value);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      onFailure(error);
      if (mayPass(error)) this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
      else {
        this.#failure = { error };
        this.#tell();
      }
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const mayPass = (error: unknown): boolean =>
  (error instanceof StorageError && error.retryable) || (error instanceof Error && error.name === "TimeoutError");

/** Resolves when one of them has changed, after `ms`, or when the signal is aborted: whatever comes first. */
export function changeOf(
  polls: readonly Pick<Poll<unknown>, "onChange">[],
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      for (const leave of leaving) leave();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const leaving = polls.map((poll) => poll.onChange(done));
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
