import type { ObjectStore } from "../storage-adapters/store.ts";
import { type Aligned, Alignment, type Place } from "./alignment.ts";
import { type Backlog, cutAt, Notifier } from "./backlog.ts";
import { Chain, type ChainOptions, type GapHere, LogConflict } from "./chain.ts";
import { type ChunkEnd, packText } from "./chunk.ts";
import { timeAt } from "./line.ts";
import { NewestTimes } from "./newest-times.ts";
import { persist } from "./persist.ts";

/** A chunk is written when this much text waits. */
export const CHUNK_BYTES = 256 * 1024;
/** What waits is cut into chunks of at most this; one chunk is one frame. */
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** So much is worth a chunk of its own while there is a chunk before it to wait for. */
const AHEAD_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);

export type ChainFeedOptions = ChainOptions & {
  /** Told when another collector turned out to write this log too. */
  onConflict?: (conflict: LogConflict) => void;
};

/** A gap and its place in what was pushed. */
type GapAt = { at: number; gap: GapHere };

/**
 * Feeds a chain with what waits in a backlog. Where another collector turns out to have written the same stretch, what
 * waits is aligned with what is there, and both go on: nothing that was pushed is lost or stored twice. One call of
 * store() or end() at a time.
 */
export class ChainFeed {
  readonly #store: ObjectStore;
  readonly #podUid: string;
  readonly #options: ChainFeedOptions;
  readonly #backlog: Backlog;
  #chain: Chain;
  readonly #times: NewestTimes;
  #pushed = 0;
  #taken = 0;
  #gaps: GapAt[] = [];
  /** Declared since the last chunk, or passed while text is compared. */
  #reached: GapAt[] = [];
  /** Taken from the backlog and not stored. */
  #carried: Buffer = NOTHING;
  /** The next text to store, while the one before it is on its way. */
  #ahead: Buffer = NOTHING;
  readonly #comeAhead = new Notifier();
  /** Set while what waits is compared with what another collector has written. */
  #alignment: Alignment | undefined;

  constructor(store: ObjectStore, podUid: string, options: ChainFeedOptions, chain: Chain, backlog: Backlog) {
    this.#store = store;
    this.#podUid = podUid;
    this.#options = options;
    this.#chain = chain;
    this.#backlog = backlog;
    this.#times = new NewestTimes(chain.newestTime);
  }

  /** As far as it is stored; another object once another collector has gone on with the log. */
  get chain(): Chain {
    return this.#chain;
  }

  /** The latest time of all that is stored or waits. */
  get newestTime(): string | undefined {
    return this.#times.newest;
  }

  /** Nothing is stored, by anyone, and nothing has been pushed. */
  get empty(): boolean {
    return this.#pushed === 0 && this.#chain.empty;
  }

  /** There is text that is not stored. */
  get textWaits(): boolean {
    return this.#backlog.bytes > 0 || this.#carried.byteLength > 0;
  }

  /** There is something to seal. */
  get sealingWaits(): boolean {
    return this.#chain.sealingWaits;
  }

  /** What waits is being compared with what another collector has written. */
  get comparing(): boolean {
    return this.#alignment !== undefined;
  }

  /** @param lastTime of the last line that begins in the text */
  push(text: Buffer, lastTime: string | undefined): void {
    this.#backlog.push(text);
    this.#pushed += text.byteLength;
    if (this.#isAhead) this.#comeAhead.notify();
    this.#times.note(lastTime, this.#pushed);
  }

  /** Declares a gap behind what has been pushed. */
  declare(gap: GapHere): void {
    this.#gaps.push({ at: this.#pushed, gap });
  }

  /**
   * Stores what waits until less than a chunk of it is left. Where it came faster than that, what is finished is sealed
   * at a later call.
   */
  async store(): Promise<void> {
    const isFast = this.#backlog.bytes >= CHUNK_BYTES;
    // Nothing has come since the last look at what is being compared.
    const settled = this.textWaits ? undefined : this.#settle();
    if (settled) await this.#put(settled);
    let storing: Promise<void> = Promise.resolve();
    while (this.textWaits) {
      // What is declared or compared refers to what is stored.
      if (this.#gaps.length > 0 || this.#alignment) await storing;
      const chain = this.#chain;
      await this.#take();
      // Compressed while the chunk before is on its way.
      const packed = this.#alignment ? undefined : packText(this.#ahead);
      packed?.catch(() => {}); // whoever puts it is told
      await storing;
      if (this.#chain !== chain) {
        this.#putBack();
        continue;
      }
      const text = this.#pass() ?? NOTHING;
      storing = this.#put(text, undefined, packed);
      storing.catch(() => {}); // awaited above or below
      if (!this.#isAhead) await Promise.race([storing, this.#comeAhead.wait()]);
      if (this.#carried.byteLength === 0 && this.#backlog.bytes < CHUNK_BYTES) break;
    }
    await storing;
    if (!isFast) this.#chain.settle();
  }

  /**
   * Stores all that waits, the last of it with `end`; a log with gaps is not whole. A chain that another collector has
   * ended stays as that one ended it. Resolves with the end; a log of no lines leaves no object.
   */
  async end(end: ChunkEnd): Promise<ChunkEnd> {
    while (!this.#chain.end) {
      await this.#take();
      let text = this.#pass();
      if (!text && !this.#waits) text = this.#settle() ?? this.#agree();
      if (!text) continue;
      if (this.#waits) await this.#put(text);
      else if (text.byteLength === 0 && this.#chain.empty) return this.#endOf(end);
      else await this.#put(text, this.#endOf(end));
    }
    return this.#chain.end;
  }

  get #waits(): boolean {
    return this.textWaits || this.#gaps.length > 0;
  }

  #endOf(end: ChunkEnd): ChunkEnd {
    const [gap] = this.#chain.gaps;
    return end.state === "whole" && gap ? { state: "incomplete", words: gap.words } : end;
  }

  /** So much waits that it is compressed while the chunk before is on its way. */
  get #isAhead(): boolean {
    return this.#carried.byteLength > 0 || this.#backlog.bytes >= AHEAD_BYTES;
  }

  /** Where in what was pushed the next text for the chain begins. */
  get #place(): number {
    return this.#taken - this.#carried.byteLength - this.#ahead.byteLength;
  }

  /** Takes the next text, to be `ahead`. What is put meanwhile may bring another chain: see putBack. */
  async #take(): Promise<void> {
    this.#reachGaps();
    const limit = this.#gaps[0] ? Math.min(MAX_CHUNK_BYTES, this.#gaps[0].at - this.#place) : MAX_CHUNK_BYTES;
    if (this.#carried.byteLength > 0) {
      this.#ahead = this.#uncarry(limit);
      return;
    }
    const text = await this.#backlog.take(limit);
    this.#taken += text.byteLength;
    this.#ahead = text;
  }

  /** What was taken while the chain was taken up anew stands behind what is to be stored again. */
  #putBack(): void {
    if (!this.#chain.end) this.#carried = Buffer.concat([this.#carried, this.#ahead]);
    this.#ahead = NOTHING;
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

  /** What was taken, for the chain; undefined while it is compared with what another collector wrote. */
  #pass(): Buffer | undefined {
    const text = this.#ahead;
    this.#ahead = NOTHING;
    return this.#alignment ? this.#join(this.#alignment.push(text)) : text;
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
    this.#chain.declare(betweenCollectors(this.#chain.lastTime, timeAt(aligned.text, 0)));
    return inLine ? Buffer.from("\n") : NOTHING;
  }

  async #put(text: Buffer, end?: ChunkEnd, packed?: Promise<Buffer>): Promise<void> {
    // A chunk of nothing would stand where the next one has to.
    if (text.byteLength === 0 && !end) return;
    const { begun, lastTime: time } = this.#chain;
    try {
      await this.#chain.put(text, { newest: this.#times.take(this.#place), end, packed });
      this.#reached = [];
    } catch (error) {
      if (!(error instanceof LogConflict)) throw error;
      this.#options.onConflict?.(error);
      await this.#rebase(text, { begun, time });
    }
  }

  /**
   * Takes up the chain where the other has come to; what is not stored is aligned with it.
   * @param behind where `text` begins
   */
  async #rebase(text: Buffer, behind: Place): Promise<void> {
    const { id } = this.#chain;
    this.#chain = await persist(() => Chain.open(this.#store, id, this.#podUid, this.#options), this.#options);
    const marks = this.#chain.marks();
    this.#alignment = marks.length > 0 ? new Alignment(marks, this.#chain.newestTime, { behind }) : undefined;
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
