import { type ObjectStore, readBytes, StorageError } from "../storage-adapters/store.ts";
import { type ChunkEnd, type ChunkHeader, decodeHeader, encodeChunk, type Mark } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import { chunkKey, chunkPrefix, type LogId, type Position, parseKey, START, segmentPrefix } from "./keys.ts";
import { advance, timeSpan } from "./line.ts";
import { type PersistOptions, persist } from "./persist.ts";
import type { Gap, Log, Segment } from "./record.ts";
import { type ChainLink, Sealer } from "./sealer.ts";
import { Window } from "./window.ts";

/** A chunk is written when this much text waits. */
const CHUNK_BYTES = 256 * 1024;
/** What waits is cut into chunks of at most this; one chunk is one frame. */
const MAX_CHUNK_BYTES = 1024 * 1024;
/** Above this much waiting text, ready() asks the source to wait. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

/** Another writer has gone on with this log: what is in memory may be there already. Open it again and align. */
export class LogConflict extends Error {
  override readonly name = "LogConflict";
}

/** The chain of this log belongs to another pod of the same name. */
export class ForeignChain extends Error {
  override readonly name = "ForeignChain";
}

export type LogWriterOptions = PersistOptions & {
  /** How long text may wait, by the log's age in ms; see flushInterval. */
  intervalMs?: (ageMs: number) => number;
  /** Told when text is safe in the store. */
  onFlush?: () => void;
  /** Told when chunks have been replaced by a segment and can go in a while. */
  onSealed?: (chunks: string[]) => void;
  /** Segments that the record describes already, so that a resumed log need not read them. */
  known?: readonly Segment[];
  now?: () => number;
};

/** 2 s for a young log, 10 s from eight minutes on: nobody waits long, and a long log costs few puts. */
export const flushInterval = (ageMs: number): number => Math.min(10_000, Math.max(2_000, ageMs / 48));

/**
 * Appends to one log. Text becomes chunks, created in a chain of which each link's name is where the one before
 * ended: of two writers one gets LogConflict. Finished stretches of the chain are sealed into segments.
 */
export class LogWriter {
  readonly id: LogId;
  readonly #store: ObjectStore;
  readonly #podUid: string;
  readonly #options: LogWriterOptions;
  readonly #sealer: Sealer;
  readonly #openedAt: number;
  readonly #window: Window;
  #next = START;
  #totalBytes = 0;
  #firstTime: string | undefined;
  #lastTime: string | undefined;
  #gaps: Gap[] = [];
  #end: ChunkEnd | undefined;
  #written = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #drained: PromiseWithResolvers<void> | undefined;

  private constructor(store: ObjectStore, id: LogId, podUid: string, options: LogWriterOptions, tip?: ChunkHeader) {
    this.id = id;
    this.#store = store;
    this.#podUid = podUid;
    this.#options = options;
    this.#openedAt = this.#now();
    this.#window = new Window(tip?.window);
    this.#sealer = new Sealer(store, id, options);
    if (!tip) return;
    this.#next = tip.next;
    this.#totalBytes = tip.totalBytes;
    this.#firstTime = tip.firstTime;
    this.#lastTime = tip.lastTime;
    this.#gaps = tip.gaps;
    this.#end = tip.end;
    this.#written = true;
  }

  /**
   * Opens a log where the bucket has it: at its start, or behind the last chunk of the chain.
   * @throws ForeignChain, if the chain is another pod's
   * @throws ArchiveError, if what is there cannot be continued
   */
  static async open(store: ObjectStore, id: LogId, podUid: string, options: LogWriterOptions = {}): Promise<LogWriter> {
    const signal = options.signal && { signal: options.signal };
    const chain: ChainLink[] = [];
    for await (const item of store.list(chunkPrefix(id), signal)) {
      const parsed = parseKey(item.key);
      if (item.type === "object" && parsed?.type === "chunk")
        chain.push({ key: item.key, size: item.size, at: parsed.at });
    }
    const tip = chain.at(-1);
    if (!tip) {
      for await (const item of store.list(segmentPrefix(id), signal)) {
        throw new ArchiveError("damaged", `${item.key} is there without a chunk after it: this log is finished`);
      }
      return new LogWriter(store, id, podUid, options);
    }
    const header = decodeHeader(await readBytes(store, tip.key, signal), tip.key);
    if (header.podUid !== podUid) throw new ForeignChain(`${tip.key} belongs to the pod with UID ${header.podUid}`);
    const writer = new LogWriter(store, id, podUid, options, header);
    await writer.#sealer.resume(chain, options.known ?? []);
    return writer;
  }

  /** The newest lines, waiting ones included: where a source is to be aligned. */
  marks(): Mark[] {
    const window = new Window(this.#window.marks());
    for (const text of this.#waiting) window.push(text);
    return window.marks();
  }

  /** How the log ended, if it has. */
  get end(): ChunkEnd | undefined {
    return this.#end;
  }

  /** The time of the newest line, waiting ones included. */
  get lastTime(): string | undefined {
    return this.marks().findLast((mark) => mark.time)?.time ?? this.#lastTime;
  }

  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** The text so far does not end with a newline. */
  get inLine(): boolean {
    return this.#tip().offset > 0;
  }

  /** Lines so far, one that has not ended included. */
  get lines(): number {
    const { line, offset } = this.#tip();
    return offset > 0 ? line : line - 1;
  }

  /** Adds text that continues the log; every line in it begins with its time. The buffer must not change after. */
  append(text: Buffer): void {
    if (this.#end) throw new Error(`the log ${chunkPrefix(this.id)} has ended`);
    if (text.byteLength === 0) return;
    this.#waiting.push(text);
    this.#waitingBytes += text.byteLength;
    if (this.#waitingBytes >= CHUNK_BYTES) void this.#startFlush();
    else this.#schedule();
  }

  /** Declares that something is missing here. */
  declare(gap: Gap): void {
    this.#gaps.push(gap);
  }

  /** Resolves when more text may come. @throws LogConflict, or why the store cannot take any */
  async ready(): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#waitingBytes < HIGH_WATER_BYTES) return;
    this.#drained ??= Promise.withResolvers();
    await this.#drained.promise;
  }

  /** Resolves when everything that was appended is in the store. @throws LogConflict */
  async flush(): Promise<void> {
    while (this.#waitingBytes > 0 || this.#flushing) await this.#startFlush();
  }

  /**
   * Ends the log: what waits is written with the last chunk, and the chain is sealed. Safe to call on a log that has
   * ended already. A log of no lines leaves no object.
   * @throws LogConflict
   */
  async finish(end: ChunkEnd): Promise<Log> {
    if (this.#flushing) await this.#flushing;
    if (this.#failure) throw this.#failure;
    clearTimeout(this.#timer);
    if (!this.#end) {
      while (this.#waitingBytes > MAX_CHUNK_BYTES) await this.#put(this.#take());
      if (this.#waitingBytes > 0 || this.#written) await this.#put(this.#take(), end);
      this.#end = end;
    }
    await this.#sealer.finish();
    return this.log();
  }

  /** Stops without ending the log; what waits is given up, the source still has it. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#failure ??= new LogConflict("the log was abandoned");
    this.#drained?.resolve();
  }

  /** What the record says of the log, as far as it is in the store. */
  log(): Log {
    const { line, offset } = this.#next;
    return {
      state: this.#end?.state ?? "open",
      ...(this.#end?.words && { words: this.#end.words }),
      lines: offset > 0 ? line : line - 1,
      bytes: this.#totalBytes,
      ...(this.#end && offset > 0 && { noEol: true }),
      ...(this.#firstTime && { firstTime: this.#firstTime }),
      ...(this.#lastTime && { lastTime: this.#lastTime }),
      gaps: [...this.#gaps],
      segments: [...this.#sealer.segments],
    };
  }

  #tip(): Position {
    return this.#waiting.reduce((at, text) => advance(at, text), this.#next);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #schedule(): void {
    if (this.#timer || this.#flushing) return;
    const interval = (this.#options.intervalMs ?? flushInterval)(this.#now() - this.#openedAt);
    this.#timer = setTimeout(() => void this.#startFlush(), interval);
  }

  /** One flush at a time; its failure is kept for ready() and flush(). */
  #startFlush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#failure) {
      const failed = Promise.reject(this.#failure);
      failed.catch(() => {}); // whoever awaits it is told; a timer is not
      return failed;
    }
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    this.#flushing.catch((error: unknown) => {
      this.#failure = error;
      this.#drained?.reject(error);
    });
    return this.#flushing;
  }

  async #flushAll(): Promise<void> {
    while (this.#waitingBytes > 0) {
      await this.#put(this.#take());
      if (this.#waitingBytes < HIGH_WATER_BYTES) {
        this.#drained?.resolve();
        this.#drained = undefined;
      }
      if (this.#waitingBytes < CHUNK_BYTES) break;
    }
    if (this.#waitingBytes > 0) queueMicrotask(() => this.#schedule());
  }

  #take(): Buffer {
    const text = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
    const rest = text.subarray(MAX_CHUNK_BYTES);
    this.#waiting = rest.byteLength > 0 ? [rest] : [];
    this.#waitingBytes = rest.byteLength;
    return text.subarray(0, MAX_CHUNK_BYTES);
  }

  async #put(text: Buffer, end?: ChunkEnd): Promise<void> {
    const at = this.#next;
    const next = advance(at, text);
    const span = timeSpan(text, at);
    this.#window.push(text);
    const totalBytes = this.#totalBytes + text.byteLength;
    const firstTime = this.#firstTime ?? span.firstTime;
    const lastTime = span.lastTime ?? this.#lastTime;
    const object = await encodeChunk(
      {
        podUid: this.#podUid,
        ...at,
        next,
        bytes: text.byteLength,
        totalBytes,
        ...(firstTime && { firstTime }),
        ...(lastTime && { lastTime }),
        window: this.#window.recent(),
        gaps: this.#gaps,
        ...(end && { end }),
      },
      text,
    );
    const key = chunkKey(this.id, at);
    await persist(() => this.#create(key, object), this.#options);
    this.#next = next;
    this.#totalBytes = totalBytes;
    this.#firstTime = firstTime;
    this.#lastTime = lastTime;
    this.#written = true;
    this.#sealer.add({ key, size: object.byteLength, at });
    this.#options.onFlush?.();
  }

  /** The same bytes at every try, so that an own put whose answer was lost is told from another writer's. */
  async #create(key: string, object: Buffer): Promise<void> {
    const signal = this.#options.signal && { signal: this.#options.signal };
    try {
      await this.#store.put(key, object, { ifAbsent: true, contentType: "application/zstd", ...signal });
    } catch (error) {
      if (!(error instanceof StorageError && error.kind === "conflict")) throw error;
      if (object.equals(await readBytes(this.#store, key, signal))) return;
      throw new LogConflict(`${key} was written by another collector`);
    }
  }
}
