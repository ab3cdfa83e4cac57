/** A value larger than this part of all room is not kept. */
const LARGEST_PART = 4;

/** Bytes that are made once for all who ask meanwhile, and kept until newer ones need the room. */
export class SharedBytes {
  readonly #limit: number;
  /** Those that wait for their turn to be made. */
  readonly #waiting: (() => void)[] = [];
  #free: number;
  readonly #making = new Map<string, Promise<Buffer>>();
  readonly #kept = new Map<string, Buffer>();
  #bytes = 0;

  /** `limit`: bytes that are kept. `atOnce`: how many are made at the same time, so that memory has a bound. */
  constructor(limit: number, atOnce: number) {
    this.#limit = limit;
    this.#free = atOnce;
  }

  /** The buffer is shared: nobody may change it. A failure is everybody's who waits, and is not kept. */
  get(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return Promise.resolve(kept);
    }
    const making =
      this.#making.get(key) ??
      this.#inTurn(make)
        .then((bytes) => {
          this.#keep(key, bytes);
          return bytes;
        })
        .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  async #inTurn(make: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await make();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #keep(key: string, bytes: Buffer): void {
    if (bytes.byteLength > this.#limit / LARGEST_PART) return;
    this.#kept.set(key, bytes);
    this.#bytes += bytes.byteLength;
    for (const [oldest, { byteLength }] of this.#kept) {
      if (this.#bytes <= this.#limit) return;
      this.#kept.delete(oldest);
      this.#bytes -= byteLength;
    }
  }
}
