import { later, lineStart, timeAt } from "../../archive/line.ts";
import type { LogWriter } from "../../archive/log-writer.ts";
import { Alarm } from "./alarm.ts";
import { endBeforeLeap, type FileEnd, type FileEndTiming, goesOn } from "./file-end.ts";
import type { Parsed } from "./line-parser.ts";
import type { LogStream, StreamEnd } from "./log-stream.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { type SuccessorDeps, Successors, type SuccessorTiming, type Waiting } from "./successors.ts";

export type RelayTiming = SuccessorTiming &
  FileEndTiming & {
    /** A follow so silent may be dead, whatever the connection says (kubernetes-logs.md §7). */
    silenceMs: number;
    /** kubelet cuts after 4 h, balancers after less. */
    maxAgeMs: number;
    /** A stream that gives nothing for so long may have come to its file's end, where the node writes a newer one. */
    fileEndMs: number;
    /** And after this it has. */
    fileOverMs: number;
    /** A stream of a pod that has gone may be silent for so long, and then nothing more comes. */
    drainMs: number;
    /** How long a replay may be still before what it holds decides, and how long text is held for a doubt. */
    settleMs: number;
    /** How long a replay may last at most. */
    replayMs: number;
  };

export type RelayDeps = SuccessorDeps & {
  writer: LogWriter;
  reading: ReadingOptions;
  timing: RelayTiming;
  /** Resolves when the pod has gone: no further stream can be opened. */
  podLeft: Promise<void>;
  /** Whether the container has ended; it may have done so just now. */
  hasEnded: () => Promise<boolean>;
  /** Ends every stream: what is still to be read is another's. */
  stop: AbortSignal;
};

/** How it came to an end. `mayLack`: see Successors. */
export type Relayed = { end: RelayEnd; reading: Reading; silentMs: number; mayLack: boolean };

/** `full`: the store is so far behind that reading was given up. */
export type RelayEnd = StreamEnd | { type: "full" };

/**
 * Reads a log that is followed from stream to stream. The next one is open before the last one is given up: because
 * it is old, silent, or fast enough for the node to begin a new file before the last one is read. A stream that begins
 * at or before the log's end takes over at once; one that begins behind it waits until the present one has come there.
 *
 * kubelet's reader goes from one file to the next only if it sees the rotation: it does not before it has first come
 * to its file's end, and late to several rotations it goes on with the newest file (kubernetes-logs.md §5). So it falls
 * silent at its file's end, or leaps over files. It never leaves a file before it has read it to the end: what is
 * written before a rotation is told to it before the rotation is (inotify keeps the order).
 */
export class Relay {
  readonly #deps: RelayDeps;
  #stream: LogStream;
  #reading: Reading;
  #arrived: { parsed: Parsed[] | undefined } | undefined;
  #asked = false;
  /** The last text that was taken from the present stream. */
  #taken: Buffer | undefined;
  /** What is taken next begins with a line that is older than the one before it. */
  #isBack = false;
  #over = false;
  #draining = false;
  #lastArrival = Date.now();
  readonly #successors: Successors;
  #wake: () => void = () => {};
  readonly #timers: Record<"silence" | "age" | "fileEnd" | "settle" | "doubt" | "replay", Alarm>;

  constructor(deps: RelayDeps, stream: LogStream, reading: Reading) {
    this.#deps = deps;
    this.#stream = stream;
    this.#reading = reading;
    this.#successors = new Successors(deps, { head: () => this.#head(), onChange: () => this.#wake() });
    const alarm = (ms: number) => new Alarm(ms, () => this.#wake());
    const { silenceMs, maxAgeMs, fileEndMs, settleMs, replayMs } = deps.timing;
    this.#timers = {
      silence: alarm(silenceMs),
      age: alarm(maxAgeMs),
      fileEnd: alarm(fileEndMs),
      settle: alarm(settleMs),
      doubt: alarm(settleMs),
      replay: alarm(replayMs),
    };
  }

  /** Resolves when no stream is open any more. @throws WrongRun, and what keeps the writer from taking text */
  async run(): Promise<Relayed> {
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
      const { mayLack } = this.#successors;
      return { end, reading: this.#reading, silentMs: Date.now() - this.#lastArrival, mayLack };
    } finally {
      for (const timer of Object.values(this.#timers)) timer.stop();
      this.#over = true;
      this.#stream.close();
      this.#successors.close();
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
    this.#successors.served();
    this.#timers.silence.restart(this.#draining ? drainMs : silenceMs);
  }

  /** Something arrived, a timer went off or a further stream is ready. */
  async #event(): Promise<void> {
    // It may have come while something else was attended to; asking again would put the next part in its place.
    if (this.#arrived) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (!this.#asked) this.#ask();
    const { ready, rate } = this.#successors;
    if (ready || [rate, ...Object.values(this.#timers)].some((timer) => timer.due)) return;
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
      const { next } = this.#successors;
      if (!next || part.type === "stray") {
        await this.#take(part);
        continue;
      }
      if (part.back) {
        await this.#takeText(next.junction.release());
        this.#isBack = true;
      }
      const joined = next.junction.push(part.bytes);
      await this.#takeText(joined.text);
      if (joined.type === "passed") return this.#leapt(next);
      if (joined.type !== "met") continue;
      next.stream.leaveOut(joined.leaveOut);
      return this.#handOver(next.stream, this.#reading.aligning ? undefined : "met");
    }
    this.#watchFileEnd();
  }

  async #take(part: Parsed): Promise<void> {
    if (part.type === "text") this.#taken = part.bytes;
    await this.#reading.take(part, this.#successors.next !== undefined);
    await this.#deps.writer.pace();
    this.#successors.measure(part.bytes.byteLength);
    this.#watchReplay();
  }

  /** The newest time of all that was taken, whether the log has it or it is compared with the log so far. */
  #head(): string | undefined {
    const taken = this.#taken && timeAt(this.#taken, lineStart(this.#taken, this.#taken.byteLength - 1));
    return later(taken, this.#deps.writer.newestTime);
  }

  async #takeText(bytes: Buffer): Promise<void> {
    if (bytes.byteLength === 0) return;
    const part: Parsed = this.#isBack ? { type: "text", bytes, back: true } : { type: "text", bytes };
    this.#isBack = false;
    await this.#take(part);
  }

  /** Where a newer file waits, somebody must decide when the present one has been read. */
  #watchFileEnd(): void {
    if (this.#successors.next) this.#timers.fileEnd.restart();
    else this.#timers.fileEnd.stop();
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
    const { end } = this.#stream;
    if (!end) throw new Error("a stream ended without saying how");
    const { stop, hasEnded } = this.#deps;
    // What is being opened may begin with the last file.
    if (!stop.aborted) await this.#successors.prepared();
    const { next, ready } = this.#successors;
    // Nothing is missing between two files where nobody has read the first one's end yet.
    if (next && !stop.aborted) {
      if (hasLeapt(next)) return this.#leapt(next);
      // A connection may end anywhere.
      const isOver = end.type === "closed" && (await hasEnded());
      return this.#leave(next, this.#fileEnd(next, isOver ? "over" : "cut short"));
    }
    if (ready && !stop.aborted) {
      await this.#reading.settle(end.type === "closed");
      return this.#handOver(ready);
    }
    await this.#reading.end(end);
    return end;
  }

  /** The present stream is at its file's end, or hangs; with a node that answers others it does not. */
  async #still(next: Waiting): Promise<void> {
    if (hasLeapt(next)) return this.#leapt(next);
    const isOver = Date.now() - this.#lastArrival >= this.#deps.timing.fileOverMs;
    const end = this.#fileEnd(next, isOver ? "over" : "unknown");
    const answers = this.#successors.answeredSince(this.#lastArrival);
    // Until then what it gives next shows which: the rest, or a leap.
    if (isOver || (answers && this.#goesOn(end, next))) return this.#leave(next, end);
    if (!answers) this.#successors.openNext("rate");
    this.#timers.fileEnd.restart();
  }

  /** The present stream has gone on with a newer file than the next one. */
  async #leapt(next: Waiting): Promise<undefined> {
    const { before, newer } = next.junction.parts();
    const successors = this.#successors;
    const target = () => successors.waiting.map(({ junction }) => junction.beginning(newer)).find((place) => place);
    if (!target()) {
      successors.openNext("rate");
      await successors.prepared();
    }
    return this.#leave(next, endBeforeLeap(before, target()));
  }

  #fileEnd({ junction }: Waiting, state: FileEnd["state"]): FileEnd {
    return { lines: junction.parts().before, cut: this.#stream.cutLine()?.tail, state };
  }

  /** Goes on with the next file. */
  async #leave(next: Waiting, end: FileEnd): Promise<undefined> {
    await this.#takeText(end.lines);
    const joined = this.#goesOn(end, next);
    await this.#reading.settle(this.#stream.end?.type === "closed");
    if (joined && end.cut) next.stream.continueLine(end.cut);
    this.#handOver(next.stream, joined ? "next" : undefined);
  }

  #goesOn(end: FileEnd, { junction, isNext }: Waiting): boolean {
    const next = { timeNs: junction.timeNs, isNext };
    return !this.#reading.aligning && goesOn(end, next, this.#deps.writer.lastTime, this.#deps.timing);
  }

  async #attend(): Promise<RelayEnd | undefined> {
    const { silence, age, fileEnd, settle, doubt, replay } = this.#timers;
    if (settle.due || doubt.due || replay.due) {
      const complete = replay.due;
      for (const timer of [settle, doubt, replay]) timer.stop();
      await this.#reading.settle(complete);
    }
    const { ready, next, opening, refused } = this.#successors;
    if (ready) return this.#handOver(ready);
    if (fileEnd.due) {
      fileEnd.stop();
      if (next) await this.#still(next);
    } else if (next) fileEnd.start();
    // Two silent streams: the younger connection is the one to trust.
    if (silence.due && opening) return this.#handOver(opening);
    if (silence.due) {
      if (this.#draining || refused) return { type: "broken", error: new Error("the log's stream fell silent") };
      silence.restart(this.#deps.timing.settleMs);
      this.#openNext("silence");
    } else if (age.due) this.#openNext("age");
    else if (this.#successors.rate.due) this.#successors.attendRate();
    return undefined;
  }

  #openNext(reason: "silence" | "age"): void {
    this.#timers.age.restart();
    this.#successors.openNext(reason);
  }

  #handOver(next: LogStream, joined?: ReadingOptions["joined"]): undefined {
    this.#stream.close();
    this.#successors.take(next);
    this.#stream = next;
    this.#lastArrival = Date.now();
    this.#asked = this.#isBack = false;
    this.#taken = undefined;
    this.#arrived = undefined;
    this.#reading = new Reading(this.#deps.writer, { ...this.#deps.reading, joined });
    this.#restartSilence();
    this.#timers.age.restart();
    this.#timers.replay.stop();
    this.#watchReplay();
    this.#watchFileEnd();
  }
}

/** The present stream has given lines of a file that is newer than the next one. */
const hasLeapt = ({ junction }: Waiting): boolean => junction.parts().newer.byteLength > 0;
