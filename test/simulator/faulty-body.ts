import type { ServerResponse } from "node:http";
import type { LogFault } from "./faults.ts";
import type { FollowOutput } from "./log-follower.ts";

/** What sockets and proxies between kubelet and the reader hold; beyond that a slow reader makes kubelet wait. */
const pathBufferBytes = 256 * 1024;

const defaultGarbage = Buffer.from([0x00, 0xff, 0xfe, 0x0a, 0xc3, 0x28, 0x20, 0x1b, 0x5b]);

/** The body of a log answer, with the one fault that was chosen for it. */
export class FaultyBody implements FollowOutput {
  readonly #response: ServerResponse;
  readonly #fault: LogFault | undefined;
  #sent = 0;
  #done = false;
  #struck = false;
  #drained: () => void = () => undefined;
  #slowQueue: Buffer[] = [];
  #slowTimer: NodeJS.Timeout | undefined;
  #slowEnd: { error: string | undefined } | undefined;

  constructor(response: ServerResponse, fault: LogFault | undefined) {
    this.#response = response;
    this.#fault = fault;
    response.on("drain", () => this.#drained());
    response.on("close", () => clearInterval(this.#slowTimer));
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
    if (passed.length > 0) this.#response.write(passed);
    this.#strikeIfDue();
    if (this.#fault?.kind === "garbage") this.#response.write(bytes.subarray(passed.length));
    return this.#response.writableLength < pathBufferBytes;
  }

  end(error?: string): void {
    if (this.#done) return;
    if (this.#slowQueue.length > 0) {
      this.#slowEnd = { error };
      return;
    }
    this.#done = true;
    this.#response.end(error);
  }

  /** Breaks the connection now, whatever was planned. */
  strike(fault: LogFault): void {
    if (this.#done) return;
    switch (fault.kind) {
      case "reset":
        this.#done = true;
        // Written bytes would be lost with the reset if it came in the same turn.
        setImmediate(() => this.#response.socket?.resetAndDestroy());
        break;
      case "clean-eof":
        this.#done = true;
        this.#response.end();
        break;
      case "in-band-error":
        this.#done = true;
        this.#response.end(fault.text);
        break;
      case "silence":
        this.#done = true;
        break;
      case "garbage":
        this.#response.write(fault.bytes ?? defaultGarbage);
        break;
      default:
        throw new Error(`${fault.kind} cannot strike an answer that is under way`);
    }
  }

  #limit(): number {
    return this.#fault && "afterBytes" in this.#fault && this.#sent < this.#fault.afterBytes
      ? this.#fault.afterBytes
      : Number.POSITIVE_INFINITY;
  }

  #strikeIfDue(): void {
    if (this.#struck || !this.#fault || !("afterBytes" in this.#fault) || this.#sent < this.#fault.afterBytes) return;
    this.#struck = true;
    this.strike(this.#fault);
  }

  #writeSlowly(bytes: Uint8Array, bytesPerSecond: number): boolean {
    this.#slowQueue.push(Buffer.from(bytes));
    this.#slowTimer ??= setInterval(() => this.#sendSlice(Math.max(1, Math.ceil(bytesPerSecond / 20))), 50);
    return false;
  }

  #sendSlice(size: number): void {
    const waiting = Buffer.concat(this.#slowQueue);
    this.#response.write(waiting.subarray(0, size));
    const rest = waiting.subarray(size);
    this.#slowQueue = rest.length > 0 ? [rest] : [];
    if (rest.length > 0) return;
    clearInterval(this.#slowTimer);
    this.#slowTimer = undefined;
    if (this.#slowEnd) this.end(this.#slowEnd.error);
    else this.#drained();
  }
}
