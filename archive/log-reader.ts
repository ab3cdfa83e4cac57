import { type ObjectReader, readBytes, StorageError } from "../storage-adapters/store.ts";
import { decodeHeader, decodeText, packedText } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import type { LogId, Position } from "./keys.ts";
import { isBefore, isLater, timeAt, timeNs } from "./line.ts";
import { extentOf, extentSince, type LogExtent, type Piece } from "./log-extent.ts";
import { LINE_BYTES, type Line, linesIn } from "./log-lines.ts";
import { isFinished, type Log, type Segment } from "./record.ts";
import { type Frame, readIndex, type SegmentIndex } from "./segment.ts";
import { packedFrames, packedLength, readFrames, readPacked } from "./segment-frames.ts";

export type { Line } from "./log-lines.ts";

const LF = 0x0a;

/** Text as it is stored, beginning at a place. */
export type Stretch = { at: Position; text: Buffer };

/** A frame of a log's text as it is stored, to be unpacked elsewhere: `next` is where its text ends. */
export type PackedFrame = { at: Position; next: Position; packed: Buffer; bytes: number; key: string };

/** A stretch of a log's text that the bucket lacks, or that is not what it should be. The message names the object. */
export type Unreadable = { at: Position; next: Position; error: ArchiveError | StorageError };

const KEPT_INDEXES = 2;

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
  readonly #pieces: readonly Piece[];
  readonly #end: Position;
  readonly #signal: { signal?: AbortSignal };
  /** The indexes that were read last: a page asks for its lines' frames, and then for the lines. */
  readonly #indexes = new Map<string, Promise<SegmentIndex>>();

  private constructor(store: ObjectReader, id: LogId, extent: LogExtent, signal?: AbortSignal) {
    this.#store = store;
    this.#id = id;
    this.#extent = extent;
    this.#pieces = extent.pieces;
    this.#end = extent.end;
    this.#signal = signal ? { signal } : {};
    this.log = extent.log;
  }

  /** A finished log is read by its record alone; for one that grows the bucket is asked what there is by now. */
  static async open(store: ObjectReader, id: LogId, log: Log, signal?: AbortSignal): Promise<LogReader> {
    return new LogReader(store, id, await extentOf(store, id, log, signal), signal);
  }

  /** The same log later: itself where nothing has been added, which costs one listing. Reads go on without a signal. */
  async later(signal?: AbortSignal): Promise<LogReader> {
    const extent = await extentSince(this.#store, this.#id, this.#extent, signal);
    return extent === this.#extent ? this : new LogReader(this.#store, this.#id, extent);
  }

  /** Lines there are, one that has not ended included. */
  get lines(): number {
    return this.log.lines;
  }

  /** Lines that stay as they are: all but one that has not ended yet. */
  get settledLines(): number {
    return isFinished(this.log) ? this.lines : this.#end.line - 1;
  }

  /** The text of the lines `from` to `to`, both included, exactly as it is stored. */
  async *text(from = 1, to = this.lines): AsyncGenerator<Buffer> {
    for await (const { at, text } of this.#stretches({ line: from, offset: 0 }, to)) {
      const begin = at.line < from ? lineOffset(text, from - at.line) : 0;
      const end = lineOffset(text, to + 1 - at.line);
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
    for (const segment of this.log.segments) {
      const begin = at;
      at += segment.bytes;
      if (at <= from || begin >= to) continue;
      const { frames } = await this.#index(segment);
      const starts = startsOf(frames, begin);
      const wanted = frames.filter((frame, i) => {
        const start = starts[i] as number;
        return start < to && start + frame.bytes > from;
      });
      for await (const { frame, text } of readFrames(this.#store, segment.key, wanted, this.#signal)) {
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

  /** The lines `from` to `to`, both included, each cut after `maxBytes`. */
  async *linesOf(from = 1, to = this.lines, maxBytes = LINE_BYTES): AsyncGenerator<Line> {
    yield* linesIn(this.text(from, to), from, maxBytes);
  }

  /** The number of the first line that is not older than `time`; one more than there are when all are. */
  lineAt(time: string): Promise<number> {
    const wanted = timeNs(time);
    return this.#firstLine((time) => time >= wanted);
  }

  /** The number of the first line from `from` on that is later than `time`; one more than there are when none is. */
  lineAfter(time: string, from = 1): Promise<number> {
    const last = timeNs(time);
    return this.#firstLine((time) => time > last, from);
  }

  /**
   * Whether times rise from segment to segment, and in those that hold the given lines from frame to frame: a node's
   * clock may have been set back.
   */
  async timesRise(lines: readonly number[]): Promise<boolean> {
    let last = 0n;
    for (const [i, { at, segment }] of this.#pieces.entries()) {
      const next = this.#pieces[i + 1]?.at ?? this.#end;
      const holdsOne = lines.some((line) => at.line <= line && line <= next.line);
      const spans = segment && holdsOne ? (await this.#index(segment)).frames : [{ ...segment }];
      for (const time of spans.flatMap(({ firstTime, lastTime }) => [firstTime, lastTime])) {
        if (time && timeNs(time) < last) return false;
        if (time) last = timeNs(time);
      }
    }
    return true;
  }

  /**
   * `isFound` of a line's time in ns. Stretches whose last line it is not true of are passed over, but for those in
   * which a clock was set back.
   */
  async #firstLine(isFound: (time: bigint) => boolean, from = 1): Promise<number> {
    const start = { line: from, offset: 0 };
    const isOut = ({ firstTime, lastTime }: Pick<Frame, "firstTime" | "lastTime">) =>
      !!lastTime && !isFound(timeNs(lastTime)) && !(firstTime && isLater(firstTime, lastTime));
    for (const [i, piece] of this.#pieces.entries()) {
      if (piece.segment && isOut(piece.segment)) continue;
      const next = this.#pieces[i + 1]?.at ?? this.#end;
      if (!isBefore(start, next)) continue;
      for await (const { at, text } of this.#pieceStretches(piece, start, next, isOut)) {
        for (let begin = 0, line = at.line; begin < text.byteLength; line++) {
          const time = line < from || (begin === 0 && at.offset > 0) ? undefined : timeAt(text, begin);
          if (time && isFound(timeNs(time))) return line;
          const newline = text.indexOf(LF, begin);
          if (newline === -1) break;
          begin = newline + 1;
        }
      }
    }
    return this.lines + 1;
  }

  /** What the indexes of the segments say that hold the lines `from` to `to`; chunks have none. */
  async *indexes(from = 1, to = this.lines): AsyncGenerator<SegmentIndex> {
    for (const { segment } of this.#piecesOf(from, to)) if (segment) yield await this.#index(segment);
  }

  /** The text from a line on, frame by frame: of segments the frames that are wanted, each by a read of its own. */
  async *stretches(from: number, wants: (frame: Frame) => boolean): AsyncGenerator<Stretch> {
    for (const piece of this.#piecesOf(from, this.lines)) {
      if (!piece.segment) {
        yield* this.#chunkStretches(piece);
        continue;
      }
      const { frames, next } = await this.#index(piece.segment);
      for (const [i, frame] of frames.entries()) {
        const end = frames[i + 1] ?? next;
        if (end.line >= from && wants(frame)) yield* this.#segmentStretches(piece.segment, frame, end);
      }
    }
  }

  /**
   * All of the text in its frames, in order. What is missing or damaged is told of and passed over; where that is
   * seen only when a frame is unpacked, it is for the caller to say. Holds what one get gives, and a frame.
   * @throws StorageError denied, invalid, unavailable
   */
  async *frames(): AsyncGenerator<PackedFrame | Unreadable> {
    for (const [i, piece] of this.#pieces.entries()) {
      let at = piece.at;
      try {
        const frames = piece.segment ? this.#segmentFrames(piece.segment) : this.#chunkFrames(piece);
        for await (const frame of frames) {
          yield frame;
          at = frame.next;
        }
      } catch (error) {
        const isLost = error instanceof StorageError && error.kind === "not-found";
        if (!isLost && !(error instanceof ArchiveError)) throw error;
        yield { at, next: this.#pieces[i + 1]?.at ?? this.#end, error };
      }
    }
  }

  #index(segment: Pick<Segment, "key" | "index">): Promise<SegmentIndex> {
    const known = this.#indexes.get(segment.key);
    if (known) return known;
    const [oldest] = this.#indexes.keys();
    if (oldest !== undefined && this.#indexes.size >= KEPT_INDEXES) this.#indexes.delete(oldest);
    const index = readIndex(this.#store, segment, this.#signal.signal);
    this.#indexes.set(segment.key, index);
    return index;
  }

  #piecesOf(from: number, to: number): Piece[] {
    const start = { line: from, offset: 0 };
    const end = { line: to + 1, offset: 0 };
    const first = this.#pieces.findLastIndex((piece) => !isBefore(start, piece.at));
    return this.#pieces.slice(Math.max(0, first)).filter((piece) => isBefore(piece.at, end));
  }

  async *#segmentFrames(segment: Pick<Segment, "key" | "index">): AsyncGenerator<PackedFrame> {
    const { frames, next } = await this.#index(segment);
    let i = 0;
    for await (const { frame, packed } of packedFrames(this.#store, segment.key, frames, this.#signal)) {
      const { line, offset } = frames[++i] ?? next;
      yield { at: frame, next: { line, offset }, packed, bytes: frame.bytes, key: segment.key };
    }
  }

  async *#chunkFrames({ at, key }: Piece): AsyncGenerator<PackedFrame> {
    const object = await readBytes(this.#store, key, this.#signal);
    const { bytes, next } = decodeHeader(object, key);
    if (bytes > 0) yield { at, next, packed: packedText(object), bytes, key };
  }

  async *#stretches(start: Position, to: number): AsyncGenerator<Stretch> {
    if (to < start.line) return;
    const end = { line: to + 1, offset: 0 };
    for (const piece of this.#piecesOf(start.line, to)) yield* this.#pieceStretches(piece, start, end);
  }

  #pieceStretches(
    piece: Piece,
    from: Position,
    to: Position,
    skip?: (frame: Frame) => boolean,
  ): AsyncGenerator<Stretch> {
    return piece.segment ? this.#segmentStretches(piece.segment, from, to, skip) : this.#chunkStretches(piece);
  }

  async *#chunkStretches(piece: Piece): AsyncGenerator<Stretch> {
    const object = await readBytes(this.#store, piece.key, this.#signal);
    yield { at: piece.at, text: await decodeText(object, decodeHeader(object, piece.key), piece.key) };
  }

  /** Two ranged reads: the index, and all frames that are wanted in one stream. */
  async *#segmentStretches(
    segment: Pick<Segment, "key" | "index">,
    from: Position,
    to: Position,
    skip: (frame: Frame) => boolean = () => false,
  ): AsyncGenerator<Stretch> {
    const { frames, next } = await this.#index(segment);
    const wanted = frames.filter((frame, i) => {
      const end = frames[i + 1] ?? next;
      return isBefore(frame, to) && isBefore(from, end) && !skip(frame);
    });
    for await (const { frame, text } of readFrames(this.#store, segment.key, wanted, this.#signal)) {
      yield { at: frame, text };
    }
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

/** Where in the text the line begins that is `lines` newlines further on; the text's end if it is not in it. */
function lineOffset(text: Buffer, lines: number): number {
  let at = 0;
  for (let i = 0; i < lines; i++) {
    const newline = text.indexOf(LF, at);
    if (newline === -1) return text.byteLength;
    at = newline + 1;
  }
  return at;
}
