import { timeNs } from "../../archive/line.ts";
import type { LogWriter } from "../../archive/log-writer.ts";
import { Alarm } from "./alarm.ts";
import { Junction } from "./junction.ts";
import type { Parsed } from "./line-parser.ts";
import type { LogStream, StreamEnd } from "./log-stream.ts";
import { Reading, type ReadingOptions } from "./reading.ts";

export type RelayTiming = {
  /** A follow so silent may be dead, whatever the connection says (kubernetes-logs.md §7). */
  silenceMs: number;
  /** kubelet cuts after 4 h, balancers after less. */
  maxAgeMs: number;
  /** How often a fast log gets a new stream: once for each file that the node writes, which it looks at every 10 s. */
  fastAgeMs: number;
  /** A log is fast above this. */
  fastBytesPerSecond: number;
  /** A stream of a pod that has gone may be silent for so long, and then nothing more comes. */
  drainMs: number;
  /** How long a replay may be still before what it holds decides, and how long text is held for a doubt. */
  settleMs: number;
  /** How long a replay may last at most. */
  replayMs: number;
};

/** Streams that wait for their turn: the node keeps five files. */
const MAX_WAITING = 4;

export type RelayDeps = {
  /** Opens a further stream of the same log, from the beginning of the file that the node writes now. */
  open: () => Promise<LogStream>;
  writer: LogWriter;
  reading: ReadingOptions;
  timing: RelayTiming;
  /** Resolves when the pod has gone: no further stream can be opened. */
  podLeft: Promise<void>;
  /** Told why a further stream is opened, for logs and metrics. */
  onSuccessor?: (reason: Successor) => void;
};

/** Why a stream is opened before the last one is given up. */
export type Successor = "silence" | "age" | "rate";

/** `full`: the store is so far behind that reading was given up. */
export type RelayEnd = StreamEnd | { type: "full" };

/**
 * Reads a log that is followed from stream to stream. The next one is open before the last one is given up: because
 * it is old, silent, or fast enough for the node to begin a new file before the last one is read. A stream that begins
 * at or before the log's end takes over at once, unless it was only to hold a new file open and there is none; one that
 * begins behind it holds its file open and waits until the present one has come there.
 */
export class Relay {
  readonly #deps: RelayDeps;
  #stream: LogStream;
  #reading: Reading;
  #arrived: { parsed: Parsed[] | undefined } | undefined;
  #asked = false;
  /** Asked for and silent so far. */
  #opening: LogStream | undefined;
  #connecting = false;
  /** The last further stream that was asked for could not be had. */
  #refused = false;
  #over = false;
  #draining = false;
  #lastArrival = Date.now();
  #waiting: { stream: LogStream; junction: Junction }[] = [];
  /** Overlaps with what has been read. */
  #ready: LogStream | undefined;
  #fastBytes = 0;
  #fastSince = Date.now();
  #wake: () => void = () => {};
  readonly #timers: Record<"silence" | "age" | "settle" | "doubt" | "replay", Alarm>;

  constructor(deps: RelayDeps, stream: LogStream, reading: Reading) {
    this.#deps = deps;
    this.#stream = stream;
    this.#reading = reading;
    const alarm = (ms: number) => new Alarm(ms, () => this.#wake());
    const { silenceMs, maxAgeMs, settleMs, replayMs } = deps.timing;
    this.#timers = {
      silence: alarm(silenceMs),
      age: alarm(maxAgeMs),
      settle: alarm(settleMs),
      doubt: alarm(settleMs),
      replay: alarm(replayMs),
    };
  }

  /** Resolves when no stream is open any more. @throws WrongRun, and what keeps the writer from taking text */
  async run(): Promise<{ end: RelayEnd; reading: Reading; silentMs: number }> {
    this.#timers.silence.start();
    void this.#deps.podLeft.then(() => {
      this.#draining = true;
      if (!this.#over) this.#timers.silence.restart(this.#deps.timing.drainMs);
    });
    this.#timers.age.start();
    this.#watchReplay();
    try {
      let end: RelayEnd | undefined;
      while (!end) end = await this.#step();
      return { end, reading: this.#reading, silentMs: Date.now() - this.#lastArrival };
    } finally {
      for (const timer of Object.values(this.#timers)) timer.stop();
      this.#closeAll();
    }
  }

  async #step(): Promise<RelayEnd | undefined> {
    await this.#event();
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived && !arrived.parsed) return this.#ended();
    if (arrived?.parsed) await this.#consume(arrived.parsed);
    if (this.#deps.writer.full) return { type: "full" };
    return this.#attend();
  }

  #restartSilence(): void {
    const { silenceMs, drainMs } = this.#deps.timing;
    this.#refused = false;
    this.#timers.silence.restart(this.#draining ? drainMs : silenceMs);
  }

  /** Something arrived, a timer went off or a further stream is ready. */
  async #event(): Promise<void> {
    // It may have come while something else was attended to; asking again would put the next part in its place.
    if (this.#arrived) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (!this.#asked) this.#ask();
    if (this.#ready || Object.values(this.#timers).some((timer) => timer.due)) return;
    await promise;
  }

  #ask(): void {
    const stream = this.#stream;
    this.#asked = true;
    void stream.next().then((parsed) => {
      if (stream !== this.#stream) return;
      this.#asked = false;
      this.#arrived = { parsed };
      this.#wake();
    });
  }

  async #consume(parsed: Parsed[]): Promise<void> {
    this.#lastArrival = Date.now();
    this.#restartSilence();
    for (const part of parsed) {
      const next = this.#waiting[0];
      if (!next || part.type === "stray") {
        await this.#take(part);
        continue;
      }
      const joined = next.junction.push(part.bytes);
      if (joined.type !== "passed" && joined.text.byteLength > 0) await this.#take({ ...part, bytes: joined.text });
      if (joined.type === "met") next.stream.leaveOut(joined.leaveOut);
      if (joined.type !== "before") return this.#handOver(next.stream, joined.type === "met");
    }
  }

  async #take(part: Parsed): Promise<void> {
    await this.#reading.take(part);
    await this.#deps.writer.pace();
    this.#fastBytes += part.bytes.byteLength;
    this.#watchReplay();
  }

  /** While text is compared or held, somebody must decide when no more comes, and at last in any case. */
  #watchReplay(): void {
    const { settle, doubt, replay } = this.#timers;
    if (this.#reading.aligning) {
      settle.restart();
      replay.start();
    } else {
      settle.stop();
      replay.stop();
    }
    if (this.#reading.doubting) doubt.start();
    else doubt.stop();
  }

  /** The present stream has ended; what waits goes on from there, or shows what is missing. */
  async #ended(): Promise<RelayEnd | undefined> {
    const end = this.#stream.end;
    if (!end) throw new Error("a stream ended without saying how");
    const next = this.#ready ?? this.#waiting[0]?.stream;
    if (next) {
      await this.#reading.settle(end.type === "closed");
      this.#handOver(next, false);
      return undefined;
    }
    await this.#reading.end(end);
    return end;
  }

  async #attend(): Promise<RelayEnd | undefined> {
    const { silence, age, settle, doubt, replay } = this.#timers;
    if (settle.due || doubt.due || replay.due) {
      const complete = replay.due;
      for (const timer of [settle, doubt, replay]) timer.stop();
      await this.#reading.settle(complete);
    }
    if (this.#ready) return this.#handOver(this.#ready, false);
    const next = this.#waiting[0]?.stream ?? this.#opening;
    // Two silent streams: the younger connection is the one to trust.
    if (silence.due && next) return this.#handOver(next, false);
    if (silence.due) {
      if (this.#draining || this.#refused) return { type: "broken", error: new Error("the log's stream fell silent") };
      silence.restart(this.#deps.timing.settleMs);
      this.#openNext("silence");
    } else if (age.due) this.#openNext("age");
    else if (this.#isFast()) this.#openNext("rate");
    return undefined;
  }

  #isFast(): boolean {
    const { fastAgeMs, fastBytesPerSecond } = this.#deps.timing;
    const ms = Date.now() - this.#fastSince;
    if (ms < fastAgeMs) return false;
    const fast = (this.#fastBytes / ms) * 1000 >= fastBytesPerSecond;
    this.#fastBytes = 0;
    this.#fastSince = Date.now();
    return fast;
  }

  /** In the background: the present stream is read on meanwhile. */
  #openNext(reason: Successor): void {
    this.#timers.age.restart();
    if (this.#connecting || this.#opening || this.#waiting.length >= MAX_WAITING) return;
    this.#deps.onSuccessor?.(reason);
    this.#connecting = true;
    void this.#prepare(reason).finally(() => this.#wake());
  }

  async #prepare(reason: Successor): Promise<void> {
    const stream = await this.#deps.open();
    this.#connecting = false;
    if (this.#over) return stream.close();
    this.#opening = stream;
    const first = await stream.peek();
    // It may have taken over while it was silent.
    if (this.#opening !== stream) return;
    this.#opening = undefined;
    const text = first?.find((part) => part.type === "text")?.bytes;
    // Refused, or nothing in it: the present stream goes on, and it is tried again.
    if (text) this.#place(stream, new Junction(text), reason);
    else {
      this.#refused = stream.end?.type !== "closed";
      stream.close();
    }
  }

  #place(stream: LogStream, junction: Junction, reason: Successor): void {
    const head = this.#deps.writer.lastTime;
    const last = this.#waiting.at(-1);
    const overlaps = head === undefined || junction.timeNs <= timeNs(head);
    if (overlaps && reason !== "rate") this.#ready = stream;
    else if (overlaps) stream.close();
    else if (last && junction.timeNs <= last.junction.timeNs) stream.close();
    else this.#waiting.push({ stream, junction });
  }

  /** @param joined the next stream's first line is what comes next in the log */
  #handOver(next: LogStream, joined: boolean): undefined {
    this.#stream.close();
    if (next === this.#opening) this.#opening = undefined;
    if (next === this.#ready) this.#ready = undefined;
    const place = this.#waiting.findIndex(({ stream }) => stream === next);
    if (place !== -1) this.#waiting = this.#waiting.slice(place + 1);
    this.#stream = next;
    this.#asked = false;
    this.#arrived = undefined;
    this.#reading = new Reading(this.#deps.writer, { ...this.#deps.reading, joined });
    this.#restartSilence();
    this.#timers.age.restart();
    this.#timers.replay.stop();
    this.#watchReplay();
  }

  #closeAll(): void {
    this.#over = true;
    const waiting = this.#waiting.map(({ stream }) => stream);
    for (const stream of [this.#stream, this.#opening, this.#ready, ...waiting]) stream?.close();
    this.#opening = this.#ready = undefined;
    this.#waiting = [];
  }
}
