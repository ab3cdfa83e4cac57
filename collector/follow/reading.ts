import type { Aligned, Alignment } from "../../archive/alignment.ts";
import { timeAt, timeLength, timeNs } from "../../archive/line.ts";
import type { LogWriter } from "../../archive/log-writer.ts";
import { type FileEnd, type FileEndTiming, goesOn } from "./file-end.ts";
import { continued, type Parsed } from "./line-parser.ts";
import type { StreamEnd } from "./log-stream.ts";
import { type GapCause, gapWords } from "./missing.ts";
import { SkipWatch } from "./skip-watch.ts";

/** The answer holds the log of another run of the container: it has been started again. None of it was taken. */
export class WrongRun extends Error {
  override readonly name = "WrongRun";
}

/** Enough of what is no log to say in a message what it was. */
const STRAY_BYTES = 500;
/** How much text is held while it may be a file that kubelet reads for the second time. */
const REPEAT_BYTES = 8 * 1024 * 1024;

export type ReadingOptions = {
  /** Asked before text is taken of which nothing proves that it is this run's log. */
  confirm: (text: Buffer) => Promise<boolean>;
  /**
   * The answer goes on exactly where the log ends: it was met there, so that it is this run's, or it is the next file
   * of whichever run the container has by now.
   */
  joined?: "met" | "next" | undefined;
  /** Why the answer may begin behind the log's end. */
  cause?: GapCause;
  /** The container has ended, and so did a follow, with this line cut or none: new is at most the last file. */
  ended?: { cut: Buffer; timing: FileEndTiming } | undefined;
  /** For a log of which nothing was read: the answer is missing something if its first line is newer than this. */
  expectedBy?: bigint | undefined;
  recover?: Recover | undefined;
  /** See SkipWatch. */
  leapMs: number;
};

/**
 * Appends what the node still has between the log's end (its start, for a log of which nothing was read) and `text`.
 * Defined if nothing is missing then.
 */
export type Recover = (text: Buffer, append: (text: Buffer) => Promise<void>) => Promise<Recovered | undefined>;

/** So many bytes at the text's beginning are the end of a line that was appended as a whole. */
export type Recovered = { leaveOut: number };

/** Where text is held back until it is clear that it is not a file read for the second time. */
type Repeat = { alignment: Alignment; held: Buffer[]; bytes: number };

/** One answer of the log endpoint on its way into a log: what the log has already is dropped, what is new appended. */
export class Reading {
  /** Bytes that were new. */
  fresh = 0;
  /** At the end of the answer: a line without a newline, which may still grow. */
  rest: Buffer = Buffer.alloc(0);
  /** What the answer held that is no log. */
  stray = "";
  readonly #writer: LogWriter;
  readonly #options: ReadingOptions;
  #confirmed: boolean;
  #alignment: Alignment | undefined;
  #repeat: Repeat | undefined;
  #recovering = false;
  readonly #skips: SkipWatch;

  constructor(writer: LogWriter, options: ReadingOptions) {
    this.#writer = writer;
    this.#options = options;
    this.#skips = new SkipWatch(options.leapMs);
    this.#confirmed = options.joined === "met";
    this.#alignment = options.joined ? undefined : writer.alignment();
  }

  /** Still looking for the place behind what the log has. */
  get aligning(): boolean {
    return this.#alignment !== undefined;
  }

  /** Text is held that may be a file read for the second time. */
  get doubting(): boolean {
    return this.#repeat !== undefined;
  }

  /**
   * @param inFile the text is known to be of one file, whatever its times
   * @throws WrongRun, and what keeps the writer from taking text
   */
  async take(parsed: Parsed, inFile = false): Promise<void> {
    if (parsed.type === "stray") {
      // At the start it is the end of a line that was cut by sinceTime: the line itself is aligned or in a gap.
      if (this.fresh > 0) this.stray = parsed.bytes.toString("utf8", 0, STRAY_BYTES);
    } else if (this.#alignment) await this.#join(this.#alignment.push(parsed.bytes));
    else await this.#flow(parsed.bytes, parsed.back === true, inFile);
  }

  /**
   * Nothing more comes for a while: what there is decides whether the log goes on or something is missing.
   * `complete`: all that the node has has come.
   */
  async settle(complete: boolean): Promise<void> {
    await this.#join(this.#alignment?.settle(complete));
    await this.#releaseHeld();
  }

  /** The answer has ended. */
  async end(end: StreamEnd): Promise<void> {
    if (end.type !== "closed") return;
    const { tail, begun } = end;
    if (!begun && tail.byteLength > 0 && timeLength(tail, 0) === 0) {
      this.stray = tail.toString("utf8", 0, STRAY_BYTES);
      await this.settle(false);
      return;
    }
    await this.#releaseHeld();
    this.rest = tail;
    if (!this.#alignment) return;
    const aligned = this.#alignment.push(tail) ?? this.#alignment.settle(true);
    this.rest = aligned?.type === "continuous" ? aligned.text : Buffer.alloc(0);
    if (aligned?.type === "broken") await this.#join(aligned);
  }

  async #join(aligned: Aligned | undefined): Promise<void> {
    if (!aligned) return;
    this.#alignment = undefined;
    if (aligned.type === "continuous") this.#confirmed = true;
    else {
      await this.#sureOf(aligned.text);
      if (!this.#isNextFile(aligned.text)) return this.#appendBehindGap(aligned.text);
      const cut = this.#options.ended?.cut;
      if (cut?.byteLength) return this.#append(continued(cut, aligned.text));
    }
    await this.#append(aligned.text);
  }

  /** Nothing stands between the file that was followed to its end and this text. */
  #isNextFile(text: Buffer): boolean {
    const { ended } = this.#options;
    const first = timeAt(text, 0);
    if (!ended || !first) return false;
    const end: FileEnd = { lines: Buffer.alloc(0), cut: ended.cut, state: "over" };
    return goesOn(end, { timeNs: timeNs(first), isNext: false }, this.#writer.lastTime, ended.timing);
  }

  /**
   * Takes text as it is printed. Where a line is older than the one before it and also older than, or one of, the
   * newest lines, kubelet may be reading a file for the second time: that happens when it finds two rotations at once
   * (cri-client's ReadLogs opens the newest file at each). Clocks that step back look alike, so nothing is dropped
   * before the log's last line has come again.
   */
  async #flow(text: Buffer, back: boolean, inFile: boolean): Promise<void> {
    if (!this.#repeat && back && this.#writer.mayHave(timeAt(text, 0) ?? "")) {
      const alignment = this.#writer.alignment();
      if (alignment) this.#repeat = { alignment, held: [], bytes: 0 };
    }
    if (!this.#repeat) return this.#appendLive(text, back, inFile);
    const aligned = this.#repeat.alignment.push(text);
    if (aligned?.type === "continuous") {
      this.#repeat = undefined;
      return this.#append(aligned.text);
    }
    this.#repeat.held.push(text);
    this.#repeat.bytes += text.byteLength;
    if (aligned || this.#repeat.bytes > REPEAT_BYTES) await this.#releaseHeld();
  }

  async #appendLive(text: Buffer, back: boolean, inFile: boolean): Promise<void> {
    const leap = this.#skips.look(text, Date.now(), back);
    if (leap === undefined || inFile) return this.#append(text);
    await this.#append(text.subarray(0, leap));
    await this.#appendBehindGap(text.subarray(leap), "skipped");
  }

  /** It was no repetition. */
  async #releaseHeld(): Promise<void> {
    const held = this.#repeat?.held ?? [];
    this.#repeat = undefined;
    for (const text of held) await this.#append(text);
  }

  async #append(text: Buffer): Promise<void> {
    if (text.byteLength === 0) return;
    await this.#sureOf(text);
    if (this.#writer.empty && this.#isLate(text)) return this.#appendBehindGap(text, "read-late");
    this.#write(text);
  }

  #write(text: Buffer): void {
    this.fresh += text.byteLength;
    this.#writer.append(text);
  }

  async #sureOf(text: Buffer): Promise<void> {
    if (this.#confirmed || text.byteLength === 0) return;
    if (!(await this.#options.confirm(text))) throw new WrongRun("the container has been started again");
    this.#confirmed = true;
  }

  /** The log's first text, read late: the node may have rotated away what stood before it. */
  #isLate(text: Buffer): boolean {
    const { expectedBy } = this.#options;
    const first = timeAt(text, 0);
    return expectedBy !== undefined && first !== undefined && timeNs(first) > expectedBy;
  }

  /** Something may be missing before this text: it is fetched from the node, or said to be missing. */
  async #appendBehindGap(text: Buffer, cause: GapCause = this.#options.cause ?? "rotated"): Promise<void> {
    const recovered = await this.#recovered(text);
    if (!recovered) {
      const to = timeAt(text, 0);
      this.#writer.declare({ ...(to && { to }), cause, words: gapWords(cause) });
    }
    const rest = text.subarray(recovered?.leaveOut ?? 0);
    if (rest.byteLength > 0) this.#write(rest);
  }

  async #recovered(text: Buffer): Promise<Recovered | undefined> {
    const { recover } = this.#options;
    if (!recover || this.#recovering) return undefined;
    this.#recovering = true;
    return recover(text, (piece) => this.#append(piece)).finally(() => {
      this.#recovering = false;
    });
  }
}
