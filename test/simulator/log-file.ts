import { type CriEntry, formatTime, parseTime, storedSize } from "./cri-log.ts";

/** `2006-01-02T15:04:05.000000000Z`. In UTC and with nine digits, times sort as their texts do. */
const timeBytes = 30;
const headBytes = timeBytes + 1;
const newline = 10;
const partialFlag = 1;
const stderrFlag = 2;

/**
 * One log file. Whoever opened it reads it to its end, also after it was renamed, pruned or deleted. It keeps every
 * entry as kubelet will print it in most cases, `<time in UTC> <bytes>\n`, in one buffer: a long log is then read in
 * long pieces.
 */
export class LogFile {
  /** What it takes on the node's disk, in bytes. */
  size = 0;
  /** The second of its rotated name; undefined while it is the newest file. */
  renamedNs: bigint | undefined;
  #text = Buffer.allocUnsafeSlow(1024);
  readonly #ends: number[] = [];
  readonly #flags: number[] = [];

  /** How many entries it has. */
  get length(): number {
    return this.#ends.length;
  }

  append(entry: CriEntry): void {
    const start = this.#start(this.length);
    const end = start + headBytes + entry.bytes.length + 1;
    this.#reserve(end);
    this.#text.write(`${formatTime(entry.timeNs)} `, start, "latin1");
    this.#text.set(entry.bytes, start + headBytes);
    this.#text[end - 1] = newline;
    this.#ends.push(end);
    this.#flags.push((entry.partial ? partialFlag : 0) | (entry.stream === "stderr" ? stderrFlag : 0));
    this.size += storedSize(entry);
  }

  entry(index: number): CriEntry {
    const start = this.#start(index);
    const flags = this.#flags[index] ?? 0;
    return {
      timeNs: parseTime(this.#text.toString("latin1", start, start + timeBytes)) ?? 0n,
      stream: flags & stderrFlag ? "stderr" : "stdout",
      partial: (flags & partialFlag) !== 0,
      bytes: this.#text.subarray(start + headBytes, this.#start(index + 1) - 1),
    };
  }

  *entries(): Iterable<CriEntry> {
    for (let index = 0; index < this.length; index++) yield this.entry(index);
  }

  /**
   * The text of whole lines from entry `from` on, with times in UTC: those older than `since`, a time's text, are
   * passed over where they come first, and are the end where they come later, as a partial entry is. Up to `maxBytes`
   * and the rest of a line. `next` is `from` where there is no such line.
   */
  wholeLines(from: number, maxBytes: number, since?: Buffer): { text: Buffer; next: number } {
    let first = from;
    while (since && this.#isWhole(first) && this.#isOlder(first, since)) first += 1;
    const start = this.#start(first);
    let next = first;
    while (this.#isWhole(next) && this.#start(next) - start < maxBytes && !(since && this.#isOlder(next, since)))
      next += 1;
    return { text: this.#text.subarray(start, this.#start(next)), next };
  }

  #start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }

  #isWhole(index: number): boolean {
    return index < this.length && ((this.#flags[index] ?? 0) & partialFlag) === 0;
  }

  #isOlder(index: number, since: Buffer): boolean {
    const start = this.#start(index);
    return this.#text.compare(since, 0, timeBytes, start, start + timeBytes) < 0;
  }

  /** Texts that were handed out are views of the buffer: it is never written where it was, only replaced. */
  #reserve(bytes: number): void {
    if (bytes <= this.#text.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#text.length));
    this.#text.copy(larger, 0, 0, this.#start(this.length));
    this.#text = larger;
  }
}
