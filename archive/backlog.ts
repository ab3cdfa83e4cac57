const LF = 0x0a;
/** Above this much waiting text a backlog in memory counts as full. */
const FULL_BYTES = 4 * 1024 * 1024;

/**
 * Text that was read and is not in the store yet, first in, first out. It never refuses text: who fills it looks at
 * `full` and waits for room before reading on.
 */
export interface Backlog {
  /** Bytes that wait. */
  readonly bytes: number;
  readonly full: boolean;
  push(text: Buffer): void;
  /**
   * The oldest text: all of it if it is not more than `limit` bytes, else as many whole lines as fit in, or `limit`
   * bytes of a line that is longer. Empty when nothing waits. One call at a time.
   */
  take(limit: number): Promise<Buffer>;
  /** Resolves when as much is in memory as may be: at once, as a rule. */
  pace(): Promise<void>;
  /** Resolves when there is room for more, or when it is closed. */
  room(): Promise<void>;
  /** What waits is given up. */
  close(): void;
}

/** How much of `text` to take so that it ends with a line where it can. */
export function cutAt(text: Buffer, limit: number): number {
  if (text.byteLength <= limit) return text.byteLength;
  const newline = text.lastIndexOf(LF, limit - 1);
  return newline === -1 ? limit : newline + 1;
}

/** Tells those who wait, all of them, once. */
export class Notifier {
  #waited: PromiseWithResolvers<void> | undefined;

  wait(): Promise<void> {
    this.#waited ??= Promise.withResolvers();
    return this.#waited.promise;
  }

  notify(): void {
    this.#waited?.resolve();
    this.#waited = undefined;
  }
}

/** Buffers in a row, taken from the front. */
export class BufferQueue {
  #buffers: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(buffer: Buffer): void {
    this.#buffers.push(buffer);
    this.#bytes += buffer.byteLength;
  }

  /** Everything, as one buffer. */
  takeAll(): Buffer {
    const all = this.#buffers.length === 1 ? (this.#buffers[0] as Buffer) : Buffer.concat(this.#buffers);
    this.#buffers = [];
    this.#bytes = 0;
    return all;
  }

  /** As Backlog.take. */
  take(limit: number): Buffer {
    if (this.#bytes <= limit) return this.takeAll();
    const front: Buffer[] = [];
    let bytes = 0;
    while (bytes <= limit) {
      const next = this.#buffers.shift() as Buffer;
      front.push(next);
      bytes += next.byteLength;
    }
    const text = front.length === 1 ? (front[0] as Buffer) : Buffer.concat(front);
    const cut = cutAt(text, limit);
    this.#buffers.unshift(text.subarray(cut));
    this.#bytes -= cut;
    return text.subarray(0, cut);
  }
}

/** A backlog that holds everything in memory. */
export class MemoryBacklog implements Backlog {
  readonly #queue = new BufferQueue();
  readonly #room = new Notifier();
  #closed = false;

  get bytes(): number {
    return this.#queue.bytes;
  }

  get full(): boolean {
    return !this.#closed && this.#queue.bytes >= FULL_BYTES;
  }

  push(text: Buffer): void {
    this.#queue.push(text);
  }

  async take(limit: number): Promise<Buffer> {
    const text = this.#queue.take(limit);
    if (!this.full) this.#room.notify();
    return text;
  }

  async pace(): Promise<void> {}

  async room(): Promise<void> {
    if (this.full) await this.#room.wait();
  }

  close(): void {
    this.#closed = true;
    this.#queue.takeAll();
    this.#room.notify();
  }
}
