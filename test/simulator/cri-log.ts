import type { LogFile } from "./log-file.ts";

/** containerd's log files and kubelet's way of reading them back, as pure functions. */

export type Stream = "stdout" | "stderr";

/** One line of a CRI log file. A partial entry's text goes on in the next entry. */
export type CriEntry = { timeNs: bigint; stream: Stream; partial: boolean; bytes: Uint8Array };

/** containerd's max_container_log_line_size. */
export const maxEntryBytes = 16 * 1024;

const newline = Buffer.from("\n");

/** kubelet's `2006-01-02T15:04:05.000000000Z07:00`: always nine digits, `Z` or the node's offset. */
export function formatTime(timeNs: bigint, offsetMinutes = 0): string {
  const seconds = Number(timeNs / 1_000_000_000n) + offsetMinutes * 60;
  // Most lines of a log share their second with the one before.
  if (seconds !== latestSeconds) {
    latestSeconds = seconds;
    latestDate = new Date(seconds * 1000).toISOString().slice(0, 19);
  }
  return `${latestDate}.${String(nanoseconds(timeNs)).padStart(9, "0")}${offsetText(offsetMinutes)}`;
}

let latestSeconds = Number.NaN;
let latestDate = "";

/** Nanoseconds since the epoch of an RFC 3339 time. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const [, date = "", fraction = "", zone = ""] = match;
  const ms = Date.parse(date + zone);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

const nanoseconds = (timeNs: bigint): number => Number(timeNs % 1_000_000_000n);

function offsetText(minutes: number): string {
  if (minutes === 0) return "Z";
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

/** Splits one line like containerd: a line of exactly the limit is still whole. */
export function splitLine(line: Uint8Array, ended: boolean): { bytes: Uint8Array; partial: boolean }[] {
  const pieces: { bytes: Uint8Array; partial: boolean }[] = [];
  let start = 0;
  while (line.length - start > maxEntryBytes) {
    pieces.push({ bytes: line.subarray(start, start + maxEntryBytes), partial: true });
    start += maxEntryBytes;
  }
  pieces.push({ bytes: line.subarray(start), partial: !ended });
  return pieces;
}

/** RFC3339Nano without trailing zeros, as containerd stamps. */
function storedTime(timeNs: bigint, offsetMinutes: number): string {
  const text = formatTime(timeNs, offsetMinutes);
  return text.slice(0, 29).replace(/\.?0*$/, "") + text.slice(29);
}

/** An entry in the log file: `<time> <stream> <F or P> <bytes>\n`. */
export const storedEntry = (entry: CriEntry, offsetMinutes = 0): Buffer =>
  Buffer.concat([
    Buffer.from(`${storedTime(entry.timeNs, offsetMinutes)} ${entry.stream} ${entry.partial ? "P" : "F"} `),
    entry.bytes,
    newline,
  ]);

/** What an entry takes in the log file of a node in UTC. */
export function storedSize({ timeNs, stream, bytes }: CriEntry): number {
  let fraction = nanoseconds(timeNs);
  let digits = fraction === 0 ? 0 : 9;
  for (; digits > 0 && fraction % 10 === 0; digits--) fraction /= 10;
  return 20 + (digits > 0 ? 1 + digits : 0) + 1 + stream.length + 3 + bytes.length + 1;
}

export type FormatOptions = { timestamps: boolean; sinceNs?: bigint; limitBytes?: number; offsetMinutes?: number };

/**
 * cri-client's logWriter. One "new line" flag serves both streams and moves on even when an entry is too old to be
 * written: so pieces of stdout and stderr may be glued, and a line cut by `since` goes on without a time.
 */
export class EntryFormatter {
  #atLineStart = true;
  #remaining: number;
  readonly #options: FormatOptions;
  /** The text asked for is the one that files keep: whole lines are taken as they are. */
  readonly #plain: boolean;
  readonly #since: Buffer | undefined;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#remaining = options.limitBytes ?? Number.POSITIVE_INFINITY;
    const { timestamps, sinceNs = 0n, limitBytes, offsetMinutes = 0 } = options;
    this.#plain = timestamps && offsetMinutes === 0 && limitBytes === undefined;
    this.#since = sinceNs > 0n ? Buffer.from(formatTime(sinceNs)) : undefined;
  }

  get exhausted(): boolean {
    return this.#remaining <= 0;
  }

  format(entry: CriEntry): Uint8Array | undefined {
    const { timestamps, sinceNs, offsetMinutes } = this.#options;
    const atLineStart = this.#atLineStart;
    this.#atLineStart = !entry.partial || entry.bytes.length === 0;
    if (sinceNs !== undefined && entry.timeNs < sinceNs) return undefined;
    const parts: Uint8Array[] = [];
    if (timestamps && atLineStart) parts.push(Buffer.from(`${formatTime(entry.timeNs, offsetMinutes)} `));
    parts.push(entry.bytes);
    if (!entry.partial) parts.push(newline);
    const text = Buffer.concat(parts);
    const written = text.length > this.#remaining ? text.subarray(0, this.#remaining) : text;
    this.#remaining -= written.length;
    return written;
  }
  /** Entries of the file from `position` on, up to about `maxBytes` of text; `next` is where to go on. */
  formatFile(file: LogFile, position: number, maxBytes: number): { text: Uint8Array; next: number } {
    const parts: Uint8Array[] = [];
    let next = position;
    for (let left = maxBytes; left > 0 && next < file.length && !this.exhausted; ) {
      const lines = this.#plain && this.#atLineStart ? file.wholeLines(next, left, this.#since) : undefined;
      const text = lines && lines.next > next ? lines.text : this.format(file.entry(next));
      next = lines && lines.next > next ? lines.next : next + 1;
      if (!text || text.length === 0) continue;
      parts.push(text);
      left -= text.length;
    }
    const [only] = parts;
    return { text: parts.length === 1 && only ? only : Buffer.concat(parts), next };
  }
}
