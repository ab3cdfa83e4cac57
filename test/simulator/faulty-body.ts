import type { ServerResponse } from "node:http";
import type { LogFault } from "./faults.ts";
import type { FollowOutput } from "./log-follower.ts";

/** What sockets and proxies between kubelet and the reader hold; beyond that a slow reader makes kubelet wait. */
const pathBufferBytes = 256 * 1024;

/** For a reader that reads, to empty what the kernel holds. */
const readerMs = 25;
const sliceBytes = 64 * 1024;
const defaultGarbage = Buffer.from([0x00, 0xff, 0xfe, 0x0a, 0xc3, 0x28, 0x20, 0x1b, 0x5b]);

/** The body of a log answer, with the one fault that was chosen for it. */
export class FaultyBody implements FollowOutput {
  readonly #response: ServerResponse;
  readonly #fault: LogFault | undefined;
  /** Of the log, written or waiting in this turn's batch. */
  #sent = 0;
  #done = false;
  #struck = false;
  #drained: () => void = () => undefined;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #slowQueue: Uint8Array[] = [];
  #slowTimer: NodeJS.Timeout | undefined;
  #slowEnd: { error: string | undefined } | undefined;

  constructor(response: ServerResponse, fault: LogFault | undefined) {
    this.#response = response;
    this.#fault = fault;
    response.on("drain", () => this.#drained());
    response.on("close", () => this.#stopSlowness());
    this.#strikeIfDue();
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  write(bytes: Uint8Array): boolean {
    // A silent connection takes everything and passes nothing on, like a hung proxy with an endless buffer.
    if (this.#done) return true;
    if (this.#fault?.kind === "slow") return this.#writeSlowly(bytes, this.#fault.bytesPerSecond);
    const limit = this.#limit();
    const passed = this.#sent + bytes.length > limit ? bytes.subarray(0, limit - this.#sent) : bytes;
    this.#sent += passed.length;
    this.#send(passed);
    this.#strikeIfDue();
    if (this.#fault?.kind === "garbage") this.#send(bytes.subarray(passed.length));
    return this.#response.writableLength + this.#batchBytes < pathBufferBytes;
  }

  end(error?: string): void {
    if (this.#done) return;
    if (this.#slowQueue.length > 0) {
      this.#slowEnd = { error };
      return;
    }
    this.#finish();
    this.#response.end(error);
  }

  /** Breaks the connection now, whatever was planned. */
  strike(fault: LogFault): void {
    if (this.#done) return;
    switch (fault.kind) {
      case "reset":
        this.#finish();
        this.#reset();
        break;
      case "clean-eof":
        this.#finish();
        this.#response.end();
        break;
      case "in-band-error":
        this.#finish();
        this.#response.end(fault.text);
        break;
      case "silence":
        this.#finish();
        break;
      case "endless-line":
        this.#finish();
        this.#writeEndlessLine(fault.bytes);
        break;
      case "garbage":
        this.#send(fault.bytes ?? defaultGarbage);
        break;
      default:
        throw new Error(`${fault.kind} cannot strike an answer that is under way`);
    }
  }

  /** Nothing more of the log is passed on. */
  #finish(): void {
    this.#flush();
    this.#done = true;
    this.#stopSlowness();
  }

  /** Written bytes would be lost with the reset if it came in the same turn. */
  #reset(): void {
    setImmediate(() => this.#response.socket?.resetAndDestroy());
  }

  /** A reset drops what sockets still hold: one that is to come after so many bytes waits until a reader had time. */
  #resetWhenRead(bytes: number): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableLength > 0) setTimeout(() => this.#resetWhenRead(bytes), 1);
    else if (bytes > sliceBytes) setTimeout(() => this.#reset(), readerMs);
    else this.#reset();
  }

  #limit(): number {
    return this.#fault && "afterBytes" in this.#fault && this.#sent < this.#fault.afterBytes
      ? this.#fault.afterBytes
      : Number.POSITIVE_INFINITY;
  }

  #strikeIfDue(): void {
    if (this.#struck || !this.#fault || !("afterBytes" in this.#fault) || this.#sent < this.#fault.afterBytes) return;
    this.#struck = true;
    if (this.#fault.kind === "reset") {
      this.#finish();
      this.#resetWhenRead(this.#sent);
    } else {
      this.strike(this.#fault);
    }
  }

  /** What is written in one turn goes out as one chunk, or a few: each costs the HTTP layer as much as a long one. */
  #send(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#batch.push(bytes) === 1) process.nextTick(() => this.#flush());
    this.#batchBytes += bytes.length;
    if (this.#batchBytes >= sliceBytes) this.#flush();
  }

  #flush(): void {
    const [only] = this.#batch;
    if (!only || this.#response.destroyed) return;
    this.#response.write(this.#batch.length === 1 ? only : Buffer.concat(this.#batch));
    this.#batch = [];
    this.#batchBytes = 0;
  }

  /** At the reader's pace: an endless line may be longer than any memory. */
  #writeEndlessLine(bytes: number): void {
    const slice = Buffer.alloc(Math.min(bytes, sliceBytes), "x");
    const writeFrom = (written: number): void => {
      if (this.#response.destroyed) return;
      if (written >= bytes) this.#resetWhenRead(bytes);
      else
        this.#response.write(slice.subarray(0, Math.min(slice.length, bytes - written)), () =>
          writeFrom(written + slice.length),
        );
    };
    writeFrom(0);
  }

  #writeSlowly(bytes: Uint8Array, bytesPerSecond: number): boolean {
    this.#slowQueue.push(bytes);
    this.#slowTimer ??= setInterval(() => this.#sendSlice(Math.max(1, Math.ceil(bytesPerSecond / 20))), 50);
    return false;
  }

  #sendSlice(size: number): void {
    for (let left = size; left > 0; ) {
      const first = this.#slowQueue.shift();
      if (!first) break;
      this.#response.write(first.subarray(0, left));
      if (first.length > left) this.#slowQueue.unshift(first.subarray(left));
      left -= first.length;
    }
    if (this.#slowQueue.length > 0) return;
    this.#stopSlowness();
    if (this.#slowEnd) this.end(this.#slowEnd.error);
    else this.#drained();
  }

  #stopSlowness(): void {
    clearInterval(this.#slowTimer);
    this.#slowTimer = undefined;
    this.#slowQueue = [];
  }
}
