import { timeAt, timeLength } from "../../archive/line.ts";
import type { LogWriter } from "../../archive/log-writer.ts";
import { type Aligned, Alignment, replayFrom } from "./alignment.ts";
import type { Parsed } from "./line-parser.ts";
import type { LogEnd } from "./log-request.ts";

/** The answer holds the log of another run of the container: it has been started again. None of it was taken. */
export class WrongRun extends Error {
  override readonly name = "WrongRun";
}

/** Enough of what is no log to say in a message what it was. */
const STRAY_BYTES = 500;

/**
 * One answer of the log endpoint on its way into a log: what the log has already is dropped, what is new appended.
 * Where nothing in the answer proves that it is the same run's log, `confirm` is asked before any of it is taken.
 */
export class Reading {
  /** The time from which the log is to be asked for; undefined: from its start. */
  readonly since: string | undefined;
  /** Bytes that were new. */
  fresh = 0;
  /** At the end of the answer: a line without a newline, which may still grow. */
  rest: Buffer = Buffer.alloc(0);
  /** What the answer held that is no log. */
  stray = "";
  readonly #writer: LogWriter;
  readonly #confirm: (text: Buffer) => Promise<boolean>;
  #confirmed = false;
  #alignment: Alignment | undefined;
  /** One after the other, also when `settle` comes between. */
  #work: Promise<void> = Promise.resolve();

  constructor(writer: LogWriter, confirm: (text: Buffer) => Promise<boolean>) {
    const marks = writer.marks();
    this.#writer = writer;
    this.#confirm = confirm;
    this.#alignment = marks.length > 0 ? new Alignment(marks) : undefined;
    this.since = replayFrom(marks);
  }

  /** Still looking for the place behind what the log has. */
  get aligning(): boolean {
    return this.#alignment !== undefined;
  }

  /** @throws WrongRun, LogConflict, and what else keeps the writer from taking text */
  take(parsed: Parsed): Promise<void> {
    return this.#next(async () => {
      if (parsed.type === "stray") {
        // At the start it is the end of a line that was cut by sinceTime: the line itself is aligned or in a gap.
        if (this.fresh > 0) this.stray = parsed.bytes.toString("utf8", 0, STRAY_BYTES);
        return;
      }
      if (this.#alignment) await this.#join(this.#alignment.push(parsed.bytes));
      else await this.#append(parsed.bytes);
      await this.#writer.ready();
    });
  }

  /** Nothing more comes for a while: what there is decides whether the log goes on or something is missing. */
  settle(): Promise<void> {
    return this.#next(() => this.#join(this.#alignment?.settle()));
  }

  /** The answer has ended. */
  end(end: LogEnd): Promise<void> {
    return this.#next(async () => {
      if (end.type !== "closed") return;
      const { tail, begun } = end;
      if (!begun && tail.byteLength > 0 && timeLength(tail, 0) === 0) {
        this.stray = tail.toString("utf8", 0, STRAY_BYTES);
        await this.#join(this.#alignment?.settle());
        return;
      }
      this.rest = tail;
      if (!this.#alignment) return;
      const aligned = this.#alignment.push(tail) ?? this.#alignment.settle();
      this.rest = aligned?.type === "continuous" ? aligned.text : Buffer.alloc(0);
      if (aligned?.type === "broken") await this.#join(aligned);
    });
  }

  #next(action: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(action);
    return this.#work;
  }

  async #join(aligned: Aligned | undefined): Promise<void> {
    if (!aligned) return;
    this.#alignment = undefined;
    if (aligned.type === "continuous") this.#confirmed = true;
    else await this.#sureOf(aligned.text);
    if (aligned.type === "broken") this.#declareGap(aligned.text);
    await this.#append(aligned.text);
  }

  async #append(text: Buffer): Promise<void> {
    await this.#sureOf(text);
    this.fresh += text.byteLength;
    this.#writer.append(text);
  }

  async #sureOf(text: Buffer): Promise<void> {
    if (this.#confirmed || text.byteLength === 0) return;
    if (!(await this.#confirm(text))) throw new WrongRun("the container has been started again");
    this.#confirmed = true;
  }

  #declareGap(text: Buffer): void {
    const from = this.#writer.lastTime;
    const to = timeAt(text, 0);
    this.#writer.declare({
      afterLine: this.#writer.lines,
      ...(from && { from }),
      ...(to && { to }),
      cause: "rotated",
      words: "Lines between these two may be missing: the node had rotated the log before it could be read on.",
    });
    if (this.#writer.inLine) this.#writer.append(Buffer.from("\n"));
  }
}
