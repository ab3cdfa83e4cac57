import type { ObjectStore } from "../storage-adapters/store.ts";
import { type Aligned, Alignment } from "./alignment.ts";
import { type Backlog, cutAt, MemoryBacklog } from "./backlog.ts";
import { Chain, type ChainOptions, LogConflict } from "./chain.ts";
import { type ChunkEnd, type Mark, packText } from "./chunk.ts";
import type { LogId } from "./keys.ts";
import { lineStart, timeAt } from "./line.ts";
import { NewestTimes } from "./newest-times.ts";
import { persist } from "./persist.ts";
import type { Gap, Log } from "./record.ts";
import { Window } from "./window.ts";

/** A chunk is written when this much text waits. */
const CHUNK_BYTES = 256 * 1024;
/** What waits is cut into chunks of at most this; one chunk is one frame. */
const MAX_CHUNK_BYTES = 1024 * 1024;
/** How long text may wait to be aligned with what another collector wrote. */
const SETTLE_MS = 5_000;
const NOTHING = Buffer.alloc(0);

export type LogWriterOptions = ChainOptions & {
  /** How long text may wait, by the log's age in ms; see flushInterval. */
  intervalMs?: (ageMs: number) => number;
  /** Where text waits for the store. */
  backlog?: Backlog;
  /** Told when another collector turned out to write this log too. */
  onConflict?: (conflict: LogConflict) => void;
};

/** A gap at the place that the log has come to; `from` is the newest line's time unless it is given. */
export type GapHere = Omit<Gap, "afterLine">;

/** A gap and its place in what was appended. */
type GapAt = { at: number; gap: GapHere };

/** 2 s for a young log, 10 s from eight minutes on: nobody waits long, and a long log costs few puts. */
export const flushInterval = (ageMs: number): number => Math.min(10_000, Math.max(2_000, ageMs / 48));

/**
 * Appends to one log. Text waits in a backlog until it becomes chunks. Where another collector turns out to have
 * written the same stretch, what waits is aligned with what is there, and both go on: nothing that was appended is
 * lost or stored twice.
 */
export class LogWriter {
  readonly #store: ObjectStore;
  readonly #podUid: string;
  readonly #options: LogWriterOptions;
  readonly #backlog: Backlog;
  readonly #openedAt: number;
  /** The newest lines that were appended, whether stored or waiting. */
  readonly #head: Window;
  #chain: Chain;
  readonly #times: NewestTimes;
  #appended = 0;
  #taken = 0;
  #gaps: GapAt[] = [];
  /** Declared since the last chunk, or passed while text is compared. */
  #reached: GapAt[] = [];
  /** Taken from the backlog and not stored. */
  #carried: Buffer = NOTHING;
  /** The next text to store, while the one before it is on its way. */
  #ahead: Buffer = NOTHING;
  /** Set while what waits is compared with what another collector has written. */
  #alignment: Alignment | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #ended: ChunkEnd | undefined;
  /** finish() or abandon() has been called: nothing is flushed by itself any more. */
  #closing = false;

  private constructor(store: ObjectStore, podUid: string, options: LogWriterOptions, chain: Chain) {
    this.#store = store;
    this.#podUid = podUid;
    this.#options = options;
    this.#chain = chain;
    this.#backlog = options.backlog ?? new MemoryBacklog();
    this.#openedAt = this.#now();
    this.#head = new Window(chain.marks());
    this.#times = new NewestTimes(chain.newestTime);
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
    return this.#chain.id;
  }

  /** The newest lines, waiting ones included: where a source is to be aligned. */
  marks(): Mark[] {
    return this.#head.marks();
  }

  /** How the log ended, if it has. */
  get end(): ChunkEnd | undefined {
    return this.#ended ?? this.#chain.end;
  }

  /** Nothing has been appended to it, by anyone. */
  get empty(): boolean {
    return this.#appended === 0 && this.#chain.empty;
  }

  /** The time of the newest line, waiting ones included. */
  get lastTime(): string | undefined {
    return this.#head.lastTime;
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
    return marks.length > 0 ? new Alignment(marks, this.#times.newest) : undefined;
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
    if (this.#ended) throw new Error(`the log of ${this.#chain.id.container} has ended`);
    // Another collector may have ended it; whoever reads the source learns it from `end`.
    if (text.byteLength === 0 || this.#chain.end) return;
    this.#head.push(text);
    this.#backlog.push(text);
    this.#appended += text.byteLength;
    this.#times.note(timeAt(text, lineStart(text, text.byteLength - 1)), this.#appended);
    if (this.#backlog.bytes >= CHUNK_BYTES && !this.#closing) void this.#startFlush();
    else this.#schedule();
  }

  /** Declares that something is missing here. A line that was begun is ended. */
  declare(gap: GapHere): void {
    if (this.inLine) this.append(Buffer.from("\n"));
    const from = this.lastTime;
    this.#gaps.push({ at: this.#appended, gap: { ...(from && { from }), ...gap } });
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
    while (this.#textWaits || this.#flushing) await this.#startFlush();
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
    while (!this.end) {
      let text = await this.#next();
      if (!text && !this.#isWaiting) text = this.#settle() ?? this.#agree();
      if (!text) continue;
      if (this.#isWaiting) await this.#put(text);
      else if (text.byteLength === 0 && this.#chain.empty) this.#ended = this.#endOf(end);
      else await this.#put(text, this.#endOf(end));
    }
    this.#ended = this.end;
    this.#backlog.close();
    await this.#chain.seal();
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
    return { ...this.#chain.log(), ...this.#ended };
  }

  #stopFlushing(): void {
    this.#closing = true;
    clearTimeout(this.#timer);
  }

  get #isWaiting(): boolean {
    return this.#textWaits || this.#gaps.length > 0;
  }

  get #textWaits(): boolean {
    return this.#backlog.bytes > 0 || this.#carried.byteLength > 0;
  }

  #endOf(end: ChunkEnd): ChunkEnd {
    const [gap] = this.#chain.gaps;
    return end.state === "whole" && gap ? { state: "incomplete", words: gap.words } : end;
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
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
      if (this.#backlog.bytes >= CHUNK_BYTES && !this.#closing && !this.#failure) void this.#startFlush();
      else if (this.#textWaits) this.#schedule();
      else if (this.#alignment) this.#schedule(SETTLE_MS);
    });
    this.#flushing.catch((error: unknown) => {
      this.#failure ??= error;
      // What cannot be stored must not fill the disk; the source is read again once the reason has gone.
      this.#backlog.close();
    });
    return this.#flushing;
  }

  async #flushAll(): Promise<void> {
    if (this.#failure) throw this.#failure;
    // Nothing has come since the last look at what is being compared.
    const settled = this.#textWaits ? undefined : this.#settle();
    if (settled) await this.#put(settled);
    let storing: Promise<void> = Promise.resolve();
    while (this.#textWaits) {
      // What is declared or compared refers to what is stored.
      if (this.#gaps.length > 0 || this.#alignment) await storing;
      this.#ahead = (await this.#next()) ?? NOTHING;
      // Compressed while the chunk before is on its way.
      const packed = packText(this.#ahead);
      packed.catch(() => {}); // whoever puts it is told
      await storing;
      const text = this.#ahead;
      this.#ahead = NOTHING;
      storing = this.#put(text, undefined, packed);
      storing.catch(() => {}); // awaited above or below
      if (this.#carried.byteLength === 0 && this.#backlog.bytes < CHUNK_BYTES) break;
    }
    await storing;
  }

  /** Where in what was appended the next text for the chain begins. */
  get #place(): number {
    return this.#taken - this.#carried.byteLength - this.#ahead.byteLength;
  }

  /** The next text for the chain; undefined while what waits is compared with what another collector wrote. */
  async #next(): Promise<Buffer | undefined> {
    this.#reachGaps();
    const limit = this.#gaps[0] ? Math.min(MAX_CHUNK_BYTES, this.#gaps[0].at - this.#place) : MAX_CHUNK_BYTES;
    if (this.#carried.byteLength > 0) return this.#pass(this.#uncarry(limit));
    const text = await this.#backlog.take(limit);
    this.#taken += text.byteLength;
    return this.#pass(text);
  }

  #uncarry(limit: number): Buffer {
    const cut = cutAt(this.#carried, limit);
    const text = this.#carried.subarray(0, cut);
    this.#carried = this.#carried.subarray(cut);
    return text;
  }

  /** Gaps are declared where the text before them is in the chain. */
  #reachGaps(): void {
    while (this.#gaps[0] && this.#gaps[0].at <= this.#place) {
      const gap = this.#gaps.shift() as GapAt;
      this.#reached.push(gap);
      if (!this.#alignment) this.#chain.declare(gap.gap);
    }
  }

  /**
   * Where text from the present place on is not in the other's chain, the gaps from there on are to be declared there;
   * before it the other's account holds.
   */
  #reviewGaps(): void {
    this.#gaps.unshift(...this.#reached.filter(({ at }) => at >= this.#place));
    this.#reached = [];
  }

  #pass(text: Buffer): Buffer | undefined {
    if (!this.#alignment) return text;
    return this.#join(this.#alignment.push(text));
  }

  /** Nothing more comes for now: what there is decides. undefined if it holds nothing that the other has not. */
  #settle(): Buffer | undefined {
    return this.#join(this.#alignment?.settle(false));
  }

  /** All that was held is there already: only what may be missing behind the end of it is still to be said. */
  #agree(): Buffer {
    this.#alignment = undefined;
    this.#reviewGaps();
    return NOTHING;
  }

  #join(aligned: Aligned | undefined): Buffer | undefined {
    if (!aligned) return undefined;
    this.#alignment = undefined;
    this.#carried = Buffer.concat([aligned.text, this.#carried]);
    this.#reviewGaps();
    if (aligned.type === "continuous") return NOTHING;
    this.#gaps = this.#gaps.filter(({ at }) => at > this.#place);
    const inLine = this.#chain.inLine;
    this.#chain.declare(betweenCollectors(this.#chain.log().lastTime, timeAt(aligned.text, 0)));
    return inLine ? Buffer.from("\n") : NOTHING;
  }

  async #put(text: Buffer, end?: ChunkEnd, packed?: Promise<Buffer>): Promise<void> {
    // A chunk of nothing would stand where the next one has to.
    if (text.byteLength === 0 && !end) return;
    try {
      await this.#chain.put(text, { newest: this.#times.take(this.#place), end, packed });
      this.#reached = [];
    } catch (error) {
      if (!(error instanceof LogConflict)) throw error;
      this.#options.onConflict?.(error);
      await this.#rebase(text);
    }
  }

  /** Takes up the chain where the other has come to; what is not stored is aligned with it. */
  async #rebase(text: Buffer): Promise<void> {
    const { id } = this.#chain;
    this.#chain = await persist(() => Chain.open(this.#store, id, this.#podUid, this.#options), this.#options);
    const marks = this.#chain.marks();
    this.#alignment = marks.length > 0 ? new Alignment(marks, this.#chain.newestTime) : undefined;
    this.#times.join(this.#chain.newestTime);
    this.#carried = Buffer.concat([text, this.#ahead, this.#carried]);
    this.#ahead = NOTHING;
    if (!this.#chain.end) return;
    this.#carried = NOTHING;
    this.#gaps = this.#reached = [];
    this.#backlog.close();
  }
}

function betweenCollectors(from: string | undefined, to: string | undefined): GapHere {
  const words = "Lines between these two may be missing: two collectors wrote this log, and neither had them.";
  return { ...(from && { from }), ...(to && { to }), cause: "two-collectors", words };
}
