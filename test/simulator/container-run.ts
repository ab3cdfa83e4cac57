import { randomBytes } from "node:crypto";
import { type CriEntry, EntryFormatter, type Stream, splitLine } from "./cri-log.ts";
import { LogFile } from "./log-file.ts";

const newline = Buffer.from("\n");
const nsPerSecond = 1_000_000_000n;

/** What fsnotify tells a follower about the container's log directory. */
export type DirectoryEvent = "write" | "create" | "exit";

export type WriteOptions = { stream?: Stream; timeNs?: bigint };

export type ContainerRunOptions = {
  /** A clock that never goes back. */
  nowNs: () => bigint;
  /** What the node's own clock is off by, now: it may jump between two lines, either way. */
  clockStepNs?: () => bigint;
  restart: number;
  /** Rotate as soon as the newest file is larger (kubelet looks only every 10 s; tests need no such wait). */
  maxFileBytes?: number;
  /** Not before so long after its first output. */
  minRotationMs?: number;
  maxFiles?: number;
};

/** One run (first start or restart) of a container: its process, its log files and all it ever wrote. */
export class ContainerRun {
  readonly restart: number;
  readonly containerId = `containerd://${randomBytes(32).toString("hex")}`;
  readonly startedNs: bigint;
  finishedNs: bigint | undefined;
  exitCode: number | undefined;
  reason: string | undefined;
  /** What the process left in /tekton/termination. */
  terminationMessage: string | undefined;
  /** Set when kubelet or the runtime has deleted the files: new readers find nothing, open ones read on. */
  filesDeleted = false;
  /** Those too that kubelet has long deleted, in the order they were written. */
  readonly #allFiles: LogFile[] = [new LogFile()];
  readonly #rotated: LogFile[] = [];
  /** The path `<restart>.log`; during a rotation the runtime may still write into the file before it. */
  #named = this.#allFiles[0] as LogFile;
  #written = this.#named;
  #unfinished: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  /** Of the latest line, on the clock that never goes back. */
  #lastNs = 0n;
  #lastRenamedNs = 0n;
  #rotateInside = false;
  readonly #ended = new AbortController();
  #firstOutputNs: bigint | undefined;
  readonly #listeners = new Set<(event: DirectoryEvent) => void>();
  readonly #options: ContainerRunOptions;

  constructor(options: ContainerRunOptions) {
    this.#options = options;
    this.restart = options.restart;
    this.startedNs = this.#nowNs();
  }

  get running(): boolean {
    return this.finishedNs === undefined;
  }

  /** Aborted when the process ends: what writes for it sleeps no longer. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** The file that a new reader opens: the newest only. */
  get newestFile(): LogFile {
    return this.#named;
  }

  /** Rotated files kubelet still keeps, oldest first. */
  get rotatedFiles(): readonly LogFile[] {
    return this.#rotated;
  }

  /** A whole line; without `timeNs` at the clock's time, which never stands still between two lines. */
  writeLine(text: string | Uint8Array, { stream = "stdout", timeNs }: WriteOptions = {}): void {
    const line = Buffer.from(text);
    if (this.#unfinished[stream].length > 0 || line.includes(10)) {
      this.write(Buffer.concat([line, newline]), { stream, ...(timeNs === undefined ? {} : { timeNs }) });
    } else {
      for (const piece of splitLine(line, true)) this.#append(piece, stream, timeNs);
    }
  }

  /** Raw output; containerd holds back what has no newline yet until it is longer than an entry may be. */
  write(bytes: string | Uint8Array, { stream = "stdout", timeNs }: WriteOptions = {}): void {
    let rest = Buffer.concat([this.#unfinished[stream], Buffer.from(bytes)]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      for (const piece of splitLine(rest.subarray(0, end), true)) this.#append(piece, stream, timeNs);
      rest = rest.subarray(end + 1);
    }
    const pieces = splitLine(rest, false);
    for (const piece of pieces.slice(0, -1)) this.#append(piece, stream, timeNs);
    this.#unfinished[stream] = Buffer.from(pieces.at(-1)?.bytes ?? []);
  }

  /** Exactly this entry, for tests of partial pieces and of times that run backwards. */
  writeEntry(entry: CriEntry): void {
    this.#firstOutputNs ??= this.#options.nowNs();
    this.#written.append(entry);
    this.#notify("write");
    const { maxFileBytes } = this.#options;
    if (maxFileBytes === undefined || this.#named.size < maxFileBytes) return;
    if (this.#written === this.#named && this.mayRotate) this.rotate();
  }

  /** Old enough for kubelet to have looked at it. */
  get mayRotate(): boolean {
    const { nowNs, minRotationMs } = this.#options;
    if (minRotationMs === undefined) return true;
    return this.#firstOutputNs !== undefined && nowNs() - this.#firstOutputNs >= BigInt(minRotationMs) * 1_000_000n;
  }

  /**
   * Rotates when the next line is written, in the midst of it: containerd ends the old file with a partial entry of
   * the line's beginning and begins the new one with the rest, stamped anew.
   */
  rotateInsideLine(): void {
    this.#rotateInside = true;
  }

  /** Renames the newest file, as kubelet does, and lets the runtime go on in a new one. */
  rotate(): void {
    this.beginRotation();
    this.endRotation();
  }

  /** The new file exists, but containerd still writes into the old one (kubernetes-logs.md §5a). */
  beginRotation(): void {
    this.#named.renamedNs = this.#nextRenamedNs();
    this.#rotated.push(this.#named);
    // kubelet keeps maxFiles in all, the newest one included.
    while (this.#rotated.length > (this.#options.maxFiles ?? 5) - 1) this.#rotated.shift();
    this.#named = new LogFile();
    this.#allFiles.push(this.#named);
    this.#notify("create");
  }

  endRotation(): void {
    this.#written = this.#named;
  }

  exit(exitCode: number, reason = exitCode === 0 ? "Completed" : "Error"): void {
    if (!this.running) return;
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.#unfinished[stream];
      if (rest.length > 0) this.#append({ bytes: rest, partial: true }, stream, undefined);
      this.#unfinished[stream] = Buffer.alloc(0);
    }
    this.exitCode = exitCode;
    this.reason = reason;
    this.finishedNs = this.#nowNs();
    this.#notify("exit");
    this.#ended.abort();
  }

  subscribe(listener: (event: DirectoryEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All that was ever written, rotated away or not, with times: the oracle. */
  truth(offsetMinutes = 0): Buffer {
    const formatter = new EntryFormatter({ timestamps: true, offsetMinutes });
    return Buffer.concat(this.#allFiles.map((file) => formatter.formatFile(file, 0, Number.POSITIVE_INFINITY).text));
  }

  /** kubelet's names have whole seconds, and it waits 10 s between rotations; here each moves on to a free one. */
  #nextRenamedNs(): bigint {
    const now = this.#nowNs();
    const second = now - (now % nsPerSecond);
    this.#lastRenamedNs = second > this.#lastRenamedNs ? second : this.#lastRenamedNs + nsPerSecond;
    return this.#lastRenamedNs;
  }

  #append(piece: { bytes: Uint8Array; partial: boolean }, stream: Stream, timeNs: bigint | undefined): void {
    if (this.#rotateInside && piece.bytes.length > 1) {
      this.#rotateInside = false;
      const half = piece.bytes.length >> 1;
      this.#append({ bytes: piece.bytes.subarray(0, half), partial: true }, stream, timeNs);
      this.rotate();
      this.#append({ ...piece, bytes: piece.bytes.subarray(half) }, stream, timeNs);
      return;
    }
    const step = this.#stepNs();
    const now = timeNs === undefined ? this.#options.nowNs() : timeNs - step;
    const at = timeNs === undefined && now <= this.#lastNs ? this.#lastNs + 1_000n : now;
    if (at > this.#lastNs) this.#lastNs = at;
    this.writeEntry({ timeNs: at + step, stream, partial: piece.partial, bytes: piece.bytes });
  }

  #stepNs(): bigint {
    return this.#options.clockStepNs?.() ?? 0n;
  }

  #nowNs(): bigint {
    return this.#options.nowNs() + this.#stepNs();
  }

  #notify(event: DirectoryEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
