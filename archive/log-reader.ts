import { type ObjectReader, StorageError } from "../storage-adapters/store.ts";
import { ArchiveError } from "./error.ts";
import type { LogId, Position } from "./keys.ts";
import { isBefore, timeNs } from "./line.ts";
import { firstLine, timesRise } from "./line-times.ts";
import { extentOf, extentSince, type LogExtent } from "./log-extent.ts";
import { LINE_BYTES, type Line, linesIn } from "./log-lines.ts";
import { isSegment, LogPieces, type PackedFrame, type Stretch } from "./log-pieces.ts";
import type { ReadCache } from "./read-cache.ts";
import { isFinished, type Log } from "./record.ts";
import type { Frame, SegmentIndex } from "./segment.ts";
import { framesBetween, packedLength, readFrames, readPacked } from "./segment-frames.ts";

export type { Line } from "./log-lines.ts";
export type { PackedFrame, Stretch } from "./log-pieces.ts";

const LF = 0x0a;

/** A stretch of a log's text that the bucket lacks, or that is not what it should be. The message names the object. */
export type Unreadable = { at: Position; next: Position; error: ArchiveError | StorageError };

/**
 * One log as it was when it was opened. Memory: a frame of text and, where lines are asked for, one line up to its
 * limit; never the log.
 */
export class LogReader {
  /** What the record says, brought up to date for a log that grows. */
  readonly log: Log;
  readonly #store: ObjectReader;
  readonly #id: LogId;
  readonly #extent: LogExtent;
  readonly #pieces: LogPieces;
  readonly #signal: { signal?: AbortSignal };
  readonly #cache: ReadCache | undefined;

  private constructor(store: ObjectReader, id: LogId, extent: LogExtent, signal?: AbortSignal, cache?: ReadCache) {
    this.#store = store;
    this.#id = id;
    this.#extent = extent;
    this.#pieces = new LogPieces(store, extent, signal, cache);
    this.#signal = signal ? { signal } : {};
    this.#cache = cache;
    this.log = extent.log;
  }

  /** A finished log is read by its record alone; for one that grows the bucket is asked what there is by now. */
  static async open(
    store: ObjectReader,
    id: LogId,
    log: Log,
    signal?: AbortSignal,
    cache?: ReadCache,
  ): Promise<LogReader> {
    return new LogReader(store, id, await extentOf(store, id, log, signal), signal, cache);
  }

  /** The same log later: itself where nothing has been added, which costs one listing. Reads go on without a signal. */
  async later(signal?: AbortSignal): Promise<LogReader> {
    const extent = await extentSince(this.#store, this.#id, this.#extent, signal);
    return extent === this.#extent ? this : new LogReader(this.#store, this.#id, extent, undefined, this.#cache);
  }

  /** Lines there are, one that has not ended included. */
  get lines(): number {
    return this.log.lines;
  }

  /** Lines that stay as they are: all but one that has not ended yet. */
  get settledLines(): number {
    return isFinished(this.log) ? this.lines : this.#extent.end.line - 1;
  }

  /** The text of the lines `from` to `to`, both included, exactly as it is stored. */
  async *text(from = 1, to = this.lines): AsyncGenerator<Buffer> {
    for await (const { at, text } of this.#stretches({ line: from, offset: 0 }, to)) {
      const begin = at.line < from ? lineOffset(text, from - at.line) : 0;
      const end = lineOffset(text, to + 1 - Math.max(at.line, from), begin);
      if (begin < end) yield text.subarray(begin, end);
    }
  }

  /** All of the text from a position on, exactly as it is stored. */
  async *textFrom(start: Position): AsyncGenerator<Buffer> {
    for await (const { at, text } of this.#stretches(start, this.lines)) {
      if (!isBefore(at, start)) yield text;
      else {
        const within = start.offset - (at.line === start.line ? at.offset : 0);
        const begin = lineOffset(text, start.line - at.line) + within;
        if (begin < text.byteLength) yield text.subarray(begin);
      }
    }
  }

  /** The bytes `from` to `to`, the latter excluded, of a finished log's text; only the frames that hold them are read. */
  async *bytes(from: number, to: number): AsyncGenerator<Buffer> {
    let at = 0;
    for (const piece of this.#extent.pieces) {
      if (!isSegment(piece)) continue;
      const begin = at;
      at += piece.segment.bytes ?? 0;
      if (at <= from || begin >= to) continue;
      const { frames } = await this.#pieces.index(piece);
      const starts = startsOf(frames, begin);
      const wanted = frames.filter((frame, i) => {
        const start = starts[i] as number;
        return start < to && start + frame.bytes > from;
      });
      for await (const { frame, text } of readFrames(this.#store, piece.segment, wanted, this.#signal)) {
        const start = starts[frames.indexOf(frame)] as number;
        yield text.subarray(Math.max(0, from - start), to - start);
      }
    }
  }

  /** A finished log as it is stored: zstd frames, one after another (RFC 8878). */
  async *packed(): AsyncGenerator<Buffer> {
    for (const segment of this.log.segments) yield* readPacked(this.#store, segment, this.#signal);
  }

  /** How many bytes `packed` gives. */
  get packedBytes(): number {
    return this.log.segments.reduce((sum, segment) => sum + packedLength(segment), 0);
  }

  /** The lines `from` to `to`, both included, each cut after `maxBytes`; those of a stretch of text at once. */
  linesOf(from = 1, to = this.lines, maxBytes = LINE_BYTES): AsyncGenerator<Line[]> {
    return linesIn(this.text(from, to), from, maxBytes);
  }

  /** The number of the first line that is not older than `time`; one more than there are when all are. */
  lineAt(time: string): Promise<number> {
    const wanted = timeNs(time);
    return firstLine(this.#pieces, (time) => time >= wanted);
  }

  /** The number of the first line from `from` on that is later than `time`; one more than there are when none is. */
  lineAfter(time: string, from = 1): Promise<number> {
    const last = timeNs(time);
    return firstLine(this.#pieces, (time) => time > last, from);
  }

  /** Whether times rise over the log, as far as its segments tell, and within those that hold the given lines. */
  timesRise(lines: readonly number[]): Promise<boolean> {
    return timesRise(this.#pieces, lines);
  }

  /** What the indexes of the segments say that hold the lines `from` to `to`; chunks have none. */
  async *indexes(from = 1, to = this.lines): AsyncGenerator<SegmentIndex> {
    for (const piece of this.#pieces.between(from, to)) if (isSegment(piece)) yield await this.#pieces.index(piece);
  }

  /** The text from a line on, frame by frame: of segments the frames that are wanted, each by a read of its own. */
  async *stretches(from: number, wants: (frame: Frame) => boolean): AsyncGenerator<Stretch> {
    for (const piece of this.#pieces.between(from, this.lines)) {
      if (!isSegment(piece)) {
        yield* this.#pieces.stretches(piece);
        continue;
      }
      const { frames, next } = await this.#pieces.index(piece);
      for (const [i, frame] of frames.entries()) {
        const end = frames[i + 1] ?? next;
        if (end.line < from || !wants(frame)) continue;
        // Not for the cache: of a whole log it would keep the last frames, which nobody asks for next.
        const texts = readFrames(this.#store, piece.segment, [frame], this.#signal);
        for await (const { text } of texts) yield { at: frame, text, stopToken: frame.folds?.stopToken };
      }
    }
  }

  /**
   * All of the text in its frames, in order. What is missing or damaged is told of and passed over; where that is
   * seen only when a frame is unpacked, it is for the caller to say. Holds what one get gives, and a frame.
   * @throws StorageError denied, invalid, unavailable
   */
  async *frames(): AsyncGenerator<PackedFrame | Unreadable> {
    for (const piece of this.#extent.pieces) {
      let at = piece.at;
      try {
        for await (const frame of this.#pieces.packed(piece)) {
          yield frame;
          at = frame.next;
        }
      } catch (error) {
        const isLost = error instanceof StorageError && error.kind === "not-found";
        if (!isLost && !(error instanceof ArchiveError)) throw error;
        yield { at, next: this.#pieces.endOf(piece), error };
      }
    }
  }

  async *#stretches(start: Position, to: number): AsyncGenerator<Stretch> {
    if (to < start.line) return;
    const end = { line: to + 1, offset: 0 };
    const choose = (index: SegmentIndex) => framesBetween(index, start, end);
    for (const piece of this.#pieces.between(start.line, to)) yield* this.#pieces.stretches(piece, choose);
  }
}

/** Where in the log's text each frame begins, in bytes; the first of them at `begin`. */
function startsOf(frames: readonly Frame[], begin: number): number[] {
  let at = begin;
  return frames.map(({ bytes }) => {
    at += bytes;
    return at - bytes;
  });
}

/** Where in the text the line begins that is `lines` newlines after `start`; the text's end if it is not in it. */
function lineOffset(text: Buffer, lines: number, start = 0): number {
  let at = start;
  for (let i = 0; i < lines; i++) {
    const newline = text.indexOf(LF, at);
    if (newline === -1) return text.byteLength;
    at = newline + 1;
  }
  return at;
}
