import type { ObjectStore } from "../storage-adapters/store.ts";
import { Alignment } from "./alignment.ts";
import { type Backlog, MemoryBacklog } from "./backlog.ts";
import { Chain, type GapHere } from "./chain.ts";
import { CHUNK_BYTES, ChainFeed, type ChainFeedOptions } from "./chain-feed.ts";
import type { ChunkEnd, Mark } from "./chunk.ts";
import type { LogId } from "./keys.ts";
import { later, lineStart, timeAt } from "./line.ts";
import type { Log } from "./record.ts";
import { Window } from "./window.ts";

/** How long text may wait to be aligned with what another collector wrote. */
const SETTLE_MS = 5_000;

export type LogWriterOptions = ChainFeedOptions & {
  /** How long text may wait, by the log's age in ms; see flushInterval. */
  intervalMs?: (ageMs: number) => number;
  /** Where text waits for the store. */
  backlog?: Backlog;
};

/** 2 s for a young log, 10 s from eight minutes on: nobody waits long, and a long log costs few puts. */
export const flushInterval = (ageMs: number): number => Math.min(10_000, Math.max(2_000, ageMs / 48));

/** Appends to one log. Text waits in a backlog until there is a chunk of it, or until its time has come. */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #backlog: Backlog;
  readonly #feed: ChainFeed;
  readonly #openedAt: number;
  /** The newest lines that were appended, whether stored or waiting. */
  readonly #head: Window;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #ended: ChunkEnd | undefined;
  /** finish() or abandon() has been called: nothing is flushed by itself any more. */
  #closing = false;

  private constructor(store: ObjectStore, podUid: string, options: LogWriterOptions, chain: Chain) {
    this.#options = options;
    this.#backlog = options.backlog ?? new MemoryBacklog();
    this.#feed = new ChainFeed(store, podUid, options, chain, this.#backlog);
    this.#openedAt = this.#now();
    this.#head = new Window(chain.marks());
  }

  /**
   * Opens a log where the store has it: at its start, or behind the last chunk.
   * @throws ForeignChain, if the chain is another pod's
   * @throws ArchiveError, if what is there cannot be continued
   */
  static async open(store: ObjectStore, id: LogId, podUid: string, options: LogWriterOptions = {}): Promise<LogWriter> {
    return new LogWriter(store, podUid, options, await Chain.open(store, id, podUid, options));
  }

  get id(): LogId {
    return this.#feed.chain.id;
  }

  /** The newest lines, waiting ones included: where a source is to be aligned. */
  marks(): Mark[] {
    return this.#head.marks();
  }

  /** How the log ended, if it has. */
  get end(): ChunkEnd | undefined {
    return this.#ended ?? this.#feed.chain.end;
  }

  /** Nothing has been appended to it, by anyone. */
  get empty(): boolean {
    return this.#feed.empty;
  }

  /** The time of the newest line, waiting ones included. */
  get lastTime(): string | undefined {
    return this.#head.lastTime;
  }

  /** The newest time of all lines: after a clock's step back, not that of the newest line. */
  get newestTime(): string | undefined {
    return later(this.#feed.newestTime, this.#head.lastTime);
  }

  /** A line of this time is among the newest ones, or is older than all of them. */
  mayHave(time: string): boolean {
    return this.#head.mayHave(time);
  }

  /** The text so far does not end with a newline. */
  get inLine(): boolean {
    return this.#head.inLine;
  }

  /** The store is so far behind that the source should not be read on. */
  get full(): boolean {
    return this.#backlog.full;
  }

  /** What aligns a source with the log: undefined while there is nothing in it. */
  alignment(): Alignment | undefined {
    const marks = this.marks();
    return marks.length > 0 ? new Alignment(marks, this.#feed.newestTime, { tail: this.#head.tail }) : undefined;
  }

  /** To be awaited between two texts of a fast source. */
  pace(): Promise<void> {
    return this.#backlog.pace();
  }

  /**
   * Adds text that continues the log; every line in it begins with its time, and none is older than the one before
   * it, unless that is the text's first line. The buffer must not change after.
   */
  append(text: Buffer): void {
    if (this.#ended) throw new Error(`the log of ${this.id.container} has ended`);
    // Another collector may have ended it; whoever reads the source learns it from `end`.
    if (text.byteLength === 0 || this.end) return;
    this.#head.push(text);
    this.#feed.push(text, timeAt(text, lineStart(text, text.byteLength - 1)));
    if (this.#isChunk && !this.#closing) void this.#startFlush();
    else this.#schedule();
  }

  /** Declares that something is missing here; `from` is the newest line's time unless it is given. A line that was begun is ended. */
  declare(gap: GapHere): void {
    if (this.inLine) this.append(Buffer.from("\n"));
    const from = this.lastTime;
    this.#feed.declare({ ...(from && { from }), ...gap });
  }

  /** Resolves when more text may come. @throws what keeps the store from taking any, or the log from going on */
  async ready(): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.full) return;
    await this.#backlog.room();
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when everything that was appended is in the store. */
  async flush(): Promise<void> {
    while (this.#feed.textWaits || this.#flushing) await this.#startFlush();
  }

  /**
   * Ends the log: what waits is written with the last chunk, and the chain is sealed. A log with gaps is not whole,
   * whatever `end` says; one that another collector has ended stays as that one ended it. A log of no lines leaves no
   * object.
   */
  async finish(end: ChunkEnd): Promise<Log> {
    this.#stopFlushing();
    await this.#flushing;
    if (this.#failure) throw this.#failure;
    this.#ended ??= await this.#feed.end(end);
    this.#backlog.close();
    await this.#feed.chain.seal();
    return this.log();
  }

  /** Stops without ending the log; what waits is given up, the source still has it. */
  abandon(): void {
    this.#stopFlushing();
    this.#failure ??= new Error("the log was abandoned");
    this.#backlog.close();
  }

  /** What the record says of the log, as far as it is in the store. */
  log(): Log {
    return { ...this.#feed.chain.log(), ...this.#ended };
  }

  #stopFlushing(): void {
    this.#closing = true;
    clearTimeout(this.#timer);
  }

  get #isChunk(): boolean {
    return this.#backlog.bytes >= CHUNK_BYTES;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #schedule(ms = (this.#options.intervalMs ?? flushInterval)(this.#now() - this.#openedAt)): void {
    if (this.#timer || this.#flushing || this.#closing) return;
    this.#timer = setTimeout(() => void this.#startFlush(), ms);
  }

  /** One flush at a time; its failure is kept for ready(), flush() and finish(). */
  #startFlush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
      if (this.#isChunk && !this.#closing && !this.#failure) void this.#startFlush();
      else if (this.#feed.textWaits || this.#feed.sealingWaits) this.#schedule();
      else if (this.#feed.comparing) this.#schedule(SETTLE_MS);
    });
    this.#flushing.catch((error: unknown) => {
      this.#failure ??= error;
      // What cannot be stored must not fill the disk; the source is read again once the reason has gone.
      this.#backlog.close();
    });
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    if (this.#failure) throw this.#failure;
    await this.#feed.store();
  }
}
