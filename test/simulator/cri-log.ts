/** containerd's log files and kubelet's way of reading them back, as pure functions. */

export type Stream = "stdout" | "stderr";

/** One line of a CRI log file. A partial entry's text goes on in the next entry. */
export type CriEntry = { timeNs: bigint; stream: Stream; partial: boolean; bytes: Uint8Array };

/** containerd's max_container_log_line_size. */
export const maxEntryBytes = 16 * 1024;

const newline = Buffer.from("\n");

/** kubelet's `2006-01-02T15:04:05.000000000Z07:00`: always nine digits, `Z` or the node's offset. */
export function formatTime(timeNs: bigint, offsetMinutes = 0): string {
  const localMs = Number(timeNs / 1_000_000n) + offsetMinutes * 60_000;
  const date = new Date(localMs).toISOString().slice(0, 19);
  return `${date}.${nanoseconds(timeNs)}${offsetText(offsetMinutes)}`;
}

/** Nanoseconds since the epoch of an RFC 3339 time. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const [, date = "", fraction = "", zone = ""] = match;
  const ms = Date.parse(date + zone);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

const nanoseconds = (timeNs: bigint): string => String(timeNs % 1_000_000_000n).padStart(9, "0");

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
  const fraction = nanoseconds(timeNs).replace(/0+$/, "").length;
  return 20 + (fraction > 0 ? 1 + fraction : 0) + 1 + stream.length + 3 + bytes.length + 1;
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

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#remaining = options.limitBytes ?? Number.POSITIVE_INFINITY;
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
}

/** Everything that entries say, as `kubectl logs --timestamps` would print it if no file were ever rotated away. */
export function formatEntries(entries: Iterable<CriEntry>, options: FormatOptions): Buffer {
  const formatter = new EntryFormatter(options);
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const text = formatter.format(entry);
    if (text) parts.push(text);
  }
  return Buffer.concat(parts);
}
