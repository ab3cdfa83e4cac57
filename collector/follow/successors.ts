import { setTimeout as sleep } from "node:timers/promises";
import { timeNs } from "../../archive/line.ts";
import { Alarm } from "./alarm.ts";
import { Junction } from "./junction.ts";
import type { LogStream } from "./log-stream.ts";

export type SuccessorTiming = {
  /** How often a fast log gets a new stream: at least once for each file that the node writes. */
  fastAgeMs: number;
  /** A log is fast above this. */
  fastBytesPerSecond: number;
  /** And so long after: a node that is too busy to send anything may rotate meanwhile. */
  fastForMs: number;
  /** Less than a file is written for as a rule: kubelet looks every 10 s, unless it is told otherwise. */
  lookMs: number;
  /** By how much two writers of one file may stamp out of order; a file is written for longer. */
  orderMs: number;
  /** A node that has not shown for so long which file it writes may have begun and left one that nobody has seen. */
  unseenMs: number;
  /** How long what is being opened is waited for where the log has no other stream. */
  settleMs: number;
};

export type SuccessorDeps = {
  /** Opens a further stream of the same log, from the beginning of the file that the node writes now. */
  open: () => Promise<LogStream>;
  timing: SuccessorTiming;
  /** Told why a further stream is opened, for logs and metrics. */
  onSuccessor?: (reason: Successor) => void;
};

/** What the present stream tells and is told. */
export type Present = {
  /** The time of the newest line that it gave. */
  head: () => string | undefined;
  /** A stream was opened, or could not be, or `rate` has gone off. */
  onChange: () => void;
};

/** Why a stream is opened before the last one is given up. */
export type Successor = "silence" | "age" | "rate";

/** A stream of a newer file. `isNext`: no file can have been begun and left since the one before it was seen. */
export type Waiting = { stream: LogStream; junction: Junction; isNext: boolean };

/** Files that wait for their turn. The node keeps five, and what it has open. */
const MAX_WAITING = 8;
/** A stream's second line follows its first one at once, if it is there. */
const LINE_MS = 1_000;

/**
 * The streams that go on with a log after the present one. One that begins at or before the log's end is ready to take
 * over, unless it was only to hold a new file open and there is none; one that begins behind it holds its file open.
 */
export class Successors {
  readonly #deps: SuccessorDeps;
  readonly #present: Present;
  /** Goes off when a fast log is to get a new stream. */
  readonly rate: Alarm;
  /** Of newer files, oldest first. */
  #waiting: Waiting[] = [];
  /** Overlaps with what has been read. */
  #ready: LogStream | undefined;
  /** Asked for and silent so far. */
  #opening: LogStream | undefined;
  #preparing: Promise<void> | undefined;
  #refused = false;
  #closed = false;
  /** When the node was last asked which file it writes, and told it. */
  #lastAsked = Date.now();
  /** When it was last asked, and answered. */
  #lastAnswered = Date.now();
  #recentBytes = 0;
  #recentSince = Date.now();
  #fastUntil = 0;

  constructor(deps: SuccessorDeps, present: Present) {
    this.#deps = deps;
    this.#present = present;
    this.rate = new Alarm(deps.timing.fastAgeMs, present.onChange);
  }

  get ready(): LogStream | undefined {
    return this.#ready;
  }

  get opening(): LogStream | undefined {
    return this.#opening;
  }

  /** The next file's. */
  get next(): Waiting | undefined {
    return this.#waiting[0];
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** The last one that was asked for could not be had. */
  get refused(): boolean {
    return this.#refused;
  }

  /** The node has answered what it was asked since then, in ms since 1970. */
  answeredSince(time: number): boolean {
    return this.#lastAnswered >= time;
  }

  /** A fast log may lack a file at its end. */
  get mayLack(): boolean {
    const now = Date.now();
    return now < this.#fastUntil && now - this.#lastAsked > this.#deps.timing.unseenMs;
  }

  /** So much of the log was read just now. */
  measure(bytes: number): void {
    const { fastAgeMs, fastBytesPerSecond, fastForMs } = this.#deps.timing;
    const now = Date.now();
    if (now - this.#recentSince > fastAgeMs) {
      this.#recentSince = now;
      this.#recentBytes = 0;
    }
    this.#recentBytes += bytes;
    if (this.#recentBytes < (fastBytesPerSecond * fastAgeMs) / 1000) return;
    if (now > this.#fastUntil) this.openNext("rate");
    this.#fastUntil = now + fastForMs;
    this.rate.start();
  }

  /** `rate` has gone off. */
  attendRate(): void {
    this.rate.stop();
    if (Date.now() > this.#fastUntil) return;
    this.rate.restart();
    this.openNext("rate");
  }

  /** The present stream gives something: that another one was refused matters no more. */
  served(): void {
    this.#refused = false;
  }

  /** In the background: the present stream is read on meanwhile. */
  openNext(reason: Successor): void {
    if (this.#preparing || this.#waiting.length >= MAX_WAITING) return;
    this.#deps.onSuccessor?.(reason);
    const preparing = this.#prepare(reason).finally(() => {
      if (this.#preparing === preparing) this.#preparing = undefined;
      this.#present.onChange();
    });
    this.#preparing = preparing;
  }

  /** Resolves when what is being opened has its place, or after a while. */
  async prepared(): Promise<void> {
    await Promise.race([this.#preparing, sleep(this.#deps.timing.settleMs, undefined, { ref: false })]);
  }

  /** This one takes over. */
  take(stream: LogStream): void {
    // It may stay silent: no other one waits for that.
    if (stream === this.#opening) this.#opening = this.#preparing = undefined;
    if (stream === this.#ready) this.#ready = undefined;
    if (stream === this.#waiting[0]?.stream) this.#waiting.shift();
  }

  close(): void {
    this.#closed = true;
    this.rate.stop();
    for (const stream of [this.#opening, this.#ready, ...this.#waiting.map(({ stream }) => stream)]) stream?.close();
    this.#opening = this.#ready = undefined;
    this.#waiting = [];
  }

  async #prepare(reason: Successor): Promise<void> {
    const asked = Date.now();
    const stream = await this.#deps.open();
    // kubelet begins its answer, and opens the file, whether there is anything in it or not (kubernetes-logs.md §6).
    const answered = Date.now();
    if (this.#closed) return stream.close();
    if (!stream.end) this.#lastAnswered = asked;
    this.#opening = stream;
    // One that is only to wait has the time to be known well.
    const text = await stream.beginning(reason === "rate" ? undefined : LINE_MS);
    // It may have taken over while it was silent.
    if (this.#opening !== stream) return;
    this.#opening = undefined;
    if (text) return this.#place(stream, new Junction(text, this.#deps.timing.orderMs), reason, { asked, answered });
    // Refused, or nothing in it: the present stream goes on, and it is tried again.
    this.#refused = stream.end?.type !== "closed";
    // An empty file is rotated no more.
    if (!this.#refused) this.#lastAsked = Date.now();
    stream.close();
  }

  #place(
    stream: LogStream,
    junction: Junction,
    reason: Successor,
    { asked, answered }: { asked: number; answered: number },
  ): void {
    const head = this.#present.head();
    const last = this.#waiting.at(-1);
    const isNext = answered - this.#lastAsked < this.#deps.timing.lookMs;
    this.#lastAsked = asked;
    const overlaps = head === undefined || junction.timeNs <= timeNs(head);
    const isOfNoUse = overlaps || (last && junction.timeNs <= last.junction.timeNs);
    if (overlaps && reason !== "rate") this.#ready = stream;
    else if (isOfNoUse || (reason === "rate" && junction.isLong)) stream.close();
    else this.#waiting.push({ stream, junction, isNext });
  }
}
