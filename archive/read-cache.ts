import type { RunRecord } from "./record.ts";
import type { SegmentIndex } from "./segment.ts";

/** Values up to so many bytes in all; what was not asked for the longest goes first. */
export class ByteCache<T> {
  readonly #maxBytes: number;
  /** In the order of their last use. */
  readonly #kept = new Map<string, { value: T; bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): T | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.value;
  }

  /** `bytes`: what the value takes in memory. What is larger than the cache is not kept. */
  set(key: string, value: T, bytes: number): void {
    this.#drop(key);
    if (bytes > this.#maxBytes) return;
    this.#kept.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}

/**
 * Values that somebody has in hand or is making, for others who need the same at that time: a thousand who read one log
 * hold its text once. Keeps nothing that nobody holds.
 */
export class SharedValues<T extends object> {
  readonly #making = new Map<string, Promise<T>>();
  readonly #held = new Map<string, WeakRef<T>>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    if (!this.#held.get(key)?.deref()) this.#held.delete(key);
  });

  /** @throws what `make` throws, for all who wait for it */
  async get(key: string, make: () => Promise<T>): Promise<T> {
    const held = this.#held.get(key)?.deref();
    if (held) return held;
    const making = this.#making.get(key) ?? this.#make(key, make);
    return await making;
  }

  #make(key: string, make: () => Promise<T>): Promise<T> {
    const making = make()
      .then((value) => {
        this.#held.set(key, new WeakRef(value));
        this.#gone.register(value, key);
        return value;
      })
      .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }
}

/** What parsed JSON takes more than its text, roughly: V8 has an object, its shape and its numbers for each member. */
export const PARSED_FACTOR = 4;

/**
 * What readers of one process need again and again. Indexes and frames are told by the SHA-256 of their segment, and so
 * never change; a record is read every time, and only its parsing is saved while its bytes are the same.
 */
export class ReadCache {
  readonly frames: ByteCache<Buffer>;
  readonly framesInHand = new SharedValues<Buffer>();
  readonly indexes: ByteCache<SegmentIndex>;
  readonly records: ByteCache<{ bytes: Buffer; record: RunRecord }>;

  /** The bound of all of it. */
  constructor(maxBytes: number) {
    this.frames = new ByteCache(maxBytes / 2);
    this.indexes = new ByteCache(maxBytes / 4);
    this.records = new ByteCache(maxBytes / 4);
  }
}
