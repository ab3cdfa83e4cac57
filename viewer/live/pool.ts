/** One of several users' hold on a thing. */
export type Lease<T> = { value: T; release: () => void };

type Stoppable = { stop(): void };

/** Things that are opened for the first who needs them, shared by all who do, and stopped after the last. */
export class Pool<T extends Stoppable> {
  readonly #held = new Map<string, { opening: Promise<T>; users: number }>();

  /** @throws what `open` throws; the next who asks opens anew */
  async take(key: string, open: () => Promise<T>): Promise<Lease<T>> {
    const held = this.#held.get(key) ?? { opening: open(), users: 0 };
    this.#held.set(key, held);
    held.users++;
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      if (--held.users > 0) return;
      if (this.#held.get(key) === held) this.#held.delete(key);
      held.opening.then(
        (value) => value.stop(),
        () => {}, // whoever asked for it was told
      );
    };
    try {
      return { value: await held.opening, release };
    } catch (error) {
      if (this.#held.get(key) === held) this.#held.delete(key);
      release();
      throw error;
    }
  }

  /** How many there are. */
  get size(): number {
    return this.#held.size;
  }

  /** What is open under this key already, without a hold on it. */
  peek(key: string): Promise<T> | undefined {
    return this.#held.get(key)?.opening;
  }
}
