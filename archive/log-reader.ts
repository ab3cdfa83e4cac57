import { type ObjectReader, readBytes, StorageError } from "../storage-adapters/store.ts";
import { type ChunkHeader, decodeHeader, decodeText, packedText } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import type { LogId, Position } from "./keys.ts";
import { isBefore, timeNs } from "./line.ts";
import { firstLine, type Stretch, type TimedLog, timesRise } from "./line-times.ts";
import { expectPlace, extentOf, extentSince, type LogExtent, type Piece, type PieceSegment } from "./log-extent.ts";
import { LINE_BYTES, type Line, linesIn } from "./log-lines.ts";
import { ByteCache, PARSED_FACTOR, type ReadCache } from "./read-cache.ts";
import { isFinished, type Log } from "./record.ts";
import { type Frame, readIndex, type SegmentIndex } from "./segment.ts";
import { framesBetween, packedFrames, packedLength, readFrames, readPacked } from "./segment-frames.ts";

export type { Stretch } from "./line-times.ts";
export type { Line } from "./log-lines.ts";

const LF = 0x0a;

/** A frame of a log's text as it is stored, to be unpacked elsewhere: `next` is where its text ends. */
export type PackedFrame = { at: Position; next: Position; packed: Buffer; bytes: number; key: string };

/** A stretch of a log's text that the bucket lacks, or that is not what it should be. The message names the object. */
export type Unreadable = { at: Position; next: Position; error: ArchiveError | StorageError };

type SegmentPiece = Piece & { segment: PieceSegment };

/** Of its own, where no cache is given: a page asks for its lines' frames, and then for the lines. */
const INDEXES_BYTES = 1024 * 1024;

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
  readonly #cache: ReadCache | undefined;
  readonly #indexes: ByteCache<SegmentIndex>;
  readonly #timed: TimedLog;

  private constructor(store: ObjectReader, id: LogId, extent: LogExtent, signal?: AbortSignal, cache?: ReadCache) {
    this.#store = store;
    this.#id = id;
    this.#extent = extent;
    this.#pieces = extent.pieces;
    this.#end = extent.end;
    this.#signal = signal ? { signal } : {};
    this.#cache = cache;
    this.#indexes = cache?.indexes ?? new ByteCache(INDEXES_BYTES);
    this.log = extent.log;
    this.#timed = {
      pieces: this.#pieces,
      end: this.#end,
      lines: this.lines,
      index: async (piece) => (isSegment(piece) ? await this.#index(piece) : undefined),
      stretches: (piece, choose) => this.#pieceStretches(piece, choose),
    };
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
    return isFinished(this.log) ? this.lines : this.#end.line - 1;
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
    for (const piece of this.#pieces) {
      if (!isSegment(piece)) continue;
      const begin = at;
      at += piece.segment.bytes ?? 0;
      if (at <= from || begin >= to) continue;
      const { frames } = await this.#index(piece);
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
    return firstLine(this.#timed, (time) => time >= wanted);
  }

  /** The number of the first line from `from` on that is later than `time`; one more than there are when none is. */
  lineAfter(time: string, from = 1): Promise<number> {
    const last = timeNs(time);
    return firstLine(this.#timed, (time) => time > last, from);
  }

  /** Whether times rise over the log, as far as its segments tell, and within those that hold the given lines. */
  timesRise(lines: readonly number[]): Promise<boolean> {
    return timesRise(this.#timed, lines);
  }

  /** What the indexes of the segments say that hold the lines `from` to `to`; chunks have none. */
  async *indexes(from = 1, to = this.lines): AsyncGenerator<SegmentIndex> {
    for (const piece of this.#piecesOf(from, to)) if (isSegment(piece)) yield await this.#index(piece);
  }

  /** The text from a line on, frame by frame: of segments the frames that are wanted, each by a read of its own. */
  async *stretches(from: number, wants: (frame: Frame) => boolean): AsyncGenerator<Stretch> {
    for (const piece of this.#piecesOf(from, this.lines)) {
      if (!isSegment(piece)) {
        yield* this.#chunkStretches(piece);
        continue;
      }
      const { frames, next } = await this.#index(piece);
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
    for (const [i, piece] of this.#pieces.entries()) {
      let at = piece.at;
      try {
        const frames = isSegment(piece) ? this.#segmentFrames(piece) : this.#chunkFrames(piece);
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

  /** One ranged read, unless it is known. @throws ArchiveError damaged, also if it does not fit its place in the log */
  async #index(piece: SegmentPiece): Promise<SegmentIndex> {
    const { segment } = piece;
    // A segment is made once: until a record tells its hash, its key does.
    const name = segment.sha256 ?? segment.key;
    const known = this.#indexes.get(name);
    const index = known ?? (await readIndex(this.#store, segment, this.#signal.signal));
    if (!known) this.#indexes.set(name, index, segment.index.length * PARSED_FACTOR);
    expectPlace(piece, this.#endOf(piece), index.frames[0], index.next);
    return index;
  }

  /** Where the next piece begins; of the last one of a log that does not end with a line's end it is not known. */
  #endOf(piece: Piece): Position | undefined {
    return this.#pieces[this.#pieces.indexOf(piece) + 1]?.at ?? (this.log.noEol ? undefined : this.#end);
  }

  #piecesOf(from: number, to: number): Piece[] {
    const start = { line: from, offset: 0 };
    const end = { line: to + 1, offset: 0 };
    const first = this.#pieces.findLastIndex((piece) => !isBefore(start, piece.at));
    return this.#pieces.slice(Math.max(0, first)).filter((piece) => isBefore(piece.at, end));
  }

  async *#segmentFrames(piece: SegmentPiece): AsyncGenerator<PackedFrame> {
    const { key } = piece;
    const { frames, next } = await this.#index(piece);
    let i = 0;
    for await (const { frame, packed } of packedFrames(this.#store, key, frames, this.#signal)) {
      const { line, offset } = frames[++i] ?? next;
      yield { at: frame, next: { line, offset }, packed, bytes: frame.bytes, key };
    }
  }

  async *#chunkFrames(piece: Piece): AsyncGenerator<PackedFrame> {
    const { at, key } = piece;
    const { object, header } = await this.#chunk(piece);
    const { bytes, next } = header;
    if (bytes > 0) yield { at, next, packed: packedText(object), bytes, key };
  }

  async *#stretches(start: Position, to: number): AsyncGenerator<Stretch> {
    if (to < start.line) return;
    const end = { line: to + 1, offset: 0 };
    const choose = (index: SegmentIndex) => framesBetween(index, start, end);
    for (const piece of this.#piecesOf(start.line, to)) yield* this.#pieceStretches(piece, choose);
  }

  /** `choose`: which frames of a segment are wanted. */
  #pieceStretches(piece: Piece, choose: (index: SegmentIndex) => Frame[]): AsyncGenerator<Stretch> {
    return isSegment(piece) ? this.#segmentStretches(piece, choose) : this.#chunkStretches(piece);
  }

  async *#chunkStretches(piece: Piece): AsyncGenerator<Stretch> {
    const { object, header } = await this.#chunk(piece);
    yield { at: piece.at, text: await decodeText(object, header, piece.key) };
  }

  async #chunk(piece: Piece): Promise<{ object: Buffer; header: ChunkHeader }> {
    const object = await readBytes(this.#store, piece.key, this.#signal);
    const header = decodeHeader(object, piece.key);
    expectPlace(piece, this.#endOf(piece), header, header.next);
    return { object, header };
  }

  /** At most two ranged reads: the index, and all frames that are wanted in one stream. */
  async *#segmentStretches(piece: SegmentPiece, choose: (index: SegmentIndex) => Frame[]): AsyncGenerator<Stretch> {
    const wanted = choose(await this.#index(piece));
    const options = { ...this.#signal, cache: this.#cache };
    for await (const { frame, text } of readFrames(this.#store, piece.segment, wanted, options)) {
      yield { at: frame, text };
    }
  }
}

const isSegment = (piece: Piece): piece is SegmentPiece => piece.segment !== undefined;

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
