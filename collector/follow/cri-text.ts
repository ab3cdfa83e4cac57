const LF = 0x0a;
const SPACE = 0x20;
const PARTIAL = 0x50; // P
const NEWLINE = Buffer.from("\n");
/** containerd cuts at 16 KiB, other runtimes later. */
const MAX_ENTRY_BYTES = 1024 * 1024;

/**
 * Turns containerd's log files into what the log endpoint makes of them, so that both can be aligned: each entry is
 * `<time> <stdout|stderr> <F|P> <text>`; times get nine digits and stand where a line begins, pieces of a long line
 * are glued, with one flag for both streams (cri-client pkg/logs/logs.go).
 */
export class CriText {
  #held: Buffer = Buffer.alloc(0);
  #atLineStart = true;

  /**
   * A file's next bytes, cut anywhere. An entry that is not complete yet is held back.
   * @throws Error for one that goes on and on: the file is no log of a container
   */
  push(bytes: Buffer): Buffer {
    const all = this.#held.byteLength > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    const parts: Buffer[] = [];
    let start = 0;
    for (let end = all.indexOf(LF); end !== -1; end = all.indexOf(LF, start)) {
      this.#entry(all.subarray(start, end), parts);
      start = end + 1;
    }
    this.#held = all.subarray(start);
    if (this.#held.byteLength > MAX_ENTRY_BYTES) throw new Error("the node's log file has an entry without an end");
    return Buffer.concat(parts);
  }

  /** What is no entry is left out: kubelet skips it too. */
  #entry(entry: Buffer, parts: Buffer[]): void {
    const stream = entry.indexOf(SPACE);
    const tag = entry.indexOf(SPACE, stream + 1);
    const text = entry.indexOf(SPACE, tag + 1);
    if (stream === -1 || tag === -1 || text === -1) return;
    if (this.#atLineStart) parts.push(Buffer.from(`${nineDigits(entry.toString("latin1", 0, stream))} `));
    parts.push(entry.subarray(text + 1));
    const partial = entry[tag + 1] === PARTIAL;
    if (!partial) parts.push(NEWLINE);
    this.#atLineStart = !partial;
  }
}

/** Go's RFC3339Nano leaves out zeros at the end; kubelet writes all nine digits. */
function nineDigits(time: string): string {
  const match = /^(.{19})(?:\.(\d+))?(.+)$/.exec(time);
  return match ? `${match[1]}.${(match[2] ?? "").padEnd(9, "0")}${match[3]}` : time;
}
