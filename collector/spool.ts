import { type Backlog, BufferQueue, Notifier } from "../archive/backlog.ts";
import { openNameless, SpoolFiles } from "./spool-files.ts";

export type SpoolOptions = {
  /** Must exist and be writable. */
  directory: string;
  /** On disk, for all logs together. */
  limitBytes: number;
  /** How much of one log waits in memory before it goes to disk. */
  memoryBytes?: number;
  /** Told when the disk does not take text; the text stays in memory. */
  onError: (error: unknown) => void;
};

const MEMORY_BYTES = 512 * 1024;
/** How much of the logs whose store keeps up waits in memory, all together. */
const SHARED_BYTES = 16 * 1024 * 1024;
/** Read back from disk at a time: after an outage all logs do so at once. */
const READ_BYTES = 1024 * 1024;
/**
 * A store that takes the next chunk within this time keeps up: with the 4 MiB that wait at most, that is more than any
 * node sends (about 6 MB/s). The way over the disk would only cost time then. One that is slower never holds up a socket.
 */
const KEEPS_UP_MS = 100;

/**
 * Where text waits for a store that is slow or away: a little of each log in memory, the rest in files that bear no
 * name any more, so that nothing stays behind when the process is killed. What is in them need not outlive it: the
 * next collector reads it again from the cluster.
 */
export class Spool {
  readonly options: Required<SpoolOptions>;
  readonly #backlogs = new Set<SpooledBacklog>();

  constructor(options: SpoolOptions) {
    this.options = { memoryBytes: MEMORY_BYTES, ...options };
  }

  /** Length of the files, in bytes. */
  get bytes(): number {
    let sum = 0;
    for (const backlog of this.#backlogs) sum += backlog.fileBytes;
    return sum;
  }

  /** Text that waits for the store, in memory and on disk. */
  get waitingBytes(): number {
    let sum = 0;
    for (const backlog of this.#backlogs) sum += backlog.bytes;
    return sum;
  }

  /** Text that waits in memory. */
  get memoryBytes(): number {
    let sum = 0;
    for (const backlog of this.#backlogs) sum += backlog.memoryBytes;
    return sum;
  }

  open(): Backlog {
    const backlog = new SpooledBacklog(this, () => this.#backlogs.delete(backlog));
    this.#backlogs.add(backlog);
    return backlog;
  }

  /** Proves that the directory takes files. @throws what the file system says */
  async probe(): Promise<void> {
    await (await openNameless(this.options.directory)).close();
  }
}

/** In the order of the text: what was read back (`front`), what is in files, what is not written (`back`). */
class SpooledBacklog implements Backlog {
  readonly #spool: Spool;
  readonly #onClose: () => void;
  readonly #room = new Notifier();
  readonly #taken = new Notifier();
  readonly #front = new BufferQueue();
  #back = new BufferQueue();
  readonly #files: SpoolFiles;
  /** A block on its way to disk, or a part of a file on its way back. */
  #work: Promise<void> = Promise.resolve();
  #writing = 0;
  #failed = false;
  #closed = false;
  /** The store has not taken the next chunk in time. */
  #isLate = false;

  constructor(spool: Spool, onClose: () => void) {
    this.#spool = spool;
    this.#onClose = onClose;
    this.#files = new SpoolFiles(() => openNameless(spool.options.directory));
  }

  get bytes(): number {
    return this.#front.bytes + this.#files.bytes + this.#writing + this.#back.bytes;
  }

  get fileBytes(): number {
    return this.#files.length + this.#writing;
  }

  /** Of what waits, what is not on disk. */
  get memoryBytes(): number {
    return this.#writing + this.#back.bytes;
  }

  /** The disk has no room, or refuses. */
  get full(): boolean {
    if (this.#closed) return false;
    const { limitBytes, memoryBytes } = this.#spool.options;
    if (this.memoryBytes < memoryBytes) return false;
    return this.#failed || this.#spool.bytes >= limitBytes;
  }

  /** The store, or the disk, is only slower than the source: that takes moments, in which a socket may wait. */
  async pace(): Promise<void> {
    if (this.full || this.memoryBytes < 8 * this.#spool.options.memoryBytes) return;
    if (this.#keepsUp) await this.#nextTake();
    else await this.#work;
  }

  push(text: Buffer): void {
    if (this.#closed) return;
    this.#back.push(text);
    this.#spill();
  }

  async take(limit: number): Promise<Buffer> {
    this.#isLate = false;
    this.#taken.notify();
    await this.#next(() => this.#fetch(limit));
    const text = this.#front.bytes > 0 ? this.#front.take(limit) : this.#back.take(limit);
    this.#giveRoom();
    return text;
  }

  async room(): Promise<void> {
    if (this.full) await this.#room.wait();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#front.takeAll();
    this.#back.takeAll();
    this.#onClose();
    this.#room.notify();
    this.#taken.notify();
    this.#next(() => this.#files.close()).catch(this.#spool.options.onError);
  }

  /** Nothing of it is on disk, and the store takes chunk after chunk. */
  get #keepsUp(): boolean {
    return !this.#isLate && this.fileBytes === 0;
  }

  async #nextTake(): Promise<void> {
    const timer = setTimeout(() => {
      this.#isLate = true;
      this.#taken.notify();
    }, KEEPS_UP_MS);
    await this.#taken.wait();
    clearTimeout(timer);
    this.#spill();
  }

  /** To disk with what waits, unless the store is about to take it. */
  #spill(): void {
    if (this.#mayWrite() && !this.#mayStay()) void this.#next(() => this.#write());
  }

  #mayStay(): boolean {
    const { memoryBytes } = this.#spool.options;
    return this.#keepsUp && this.#back.bytes < 16 * memoryBytes && this.#spool.memoryBytes < SHARED_BYTES;
  }

  /** Asked for every text of every log: what all logs hold is summed up only where this one has much. */
  #mayWrite(): boolean {
    const { limitBytes, memoryBytes } = this.#spool.options;
    return this.#back.bytes >= memoryBytes && !this.#failed && this.#spool.bytes < limitBytes;
  }

  #giveRoom(): void {
    if (!this.full) this.#room.notify();
  }

  #next(action: () => Promise<void>): Promise<void> {
    const done = this.#work.then(action);
    this.#work = done.catch(() => {}); // whoever asked is told; the next action does not depend on it
    return done;
  }

  async #write(): Promise<void> {
    if (!this.#mayWrite() || this.#closed) return;
    const block = this.#back.takeAll();
    this.#writing = block.byteLength;
    try {
      await this.#files.write(block);
    } catch (error) {
      this.#failed = true;
      this.#spool.options.onError(error);
      const later = this.#back;
      this.#back = new BufferQueue();
      this.#back.push(block);
      if (later.bytes > 0) this.#back.push(later.takeAll());
    } finally {
      this.#writing = 0;
    }
    this.#giveRoom();
  }

  /** Reads back from disk where text is wanted. */
  async #fetch(limit: number): Promise<void> {
    if (this.#front.bytes > 0 || this.#files.bytes === 0) return;
    this.#front.push(await this.#files.read(Math.min(limit, READ_BYTES)));
    if (this.#files.bytes === 0) this.#failed = false;
  }
}
