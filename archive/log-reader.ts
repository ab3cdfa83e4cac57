import { type ObjectReader, readBytes, StorageError } from "../storage-adapters/store.ts";
import { decodeHeader, decodeText, packedText } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import type { LogId, Position } from "./keys.ts";
import { isBefore, timeAt, timeLength, timeNs } from "./line.ts";
import { extentOf, extentSince, type LogExtent, type Piece } from "./log-extent.ts";
import { isFinished, type Log, type Segment } from "./record.ts";
import { type Frame, readIndex, type SegmentIndex } from "./segment.ts";
import { decompress } from "./zstd.ts";

const LF = 0x0a;

/** Text as it is stored, beginning at a place. */
export type Stretch = { at: Position; text: Buffer };

/** A frame of a log's text as it is stored, to be unpacked elsewhere: `next` is where its text ends. */
export type PackedFrame = { at: Position; next: Position; packed: Buffer; bytes: number; key: string };

/** A stretch of a log's text that the bucket lacks, or that is not what it should be. The message names the object. */
export type Unreadable = { at: Position; next: Position; error: ArchiveError | StorageError };

export type Line = {
  number: number;
  /** RFC 3339, as Kubernetes gave it. */
  time?: string;
  /** Without time and newline; at most the asked-for number of bytes. */
  text: Buffer;
  /** What the line has in all, so that a cut can be told. */
  bytes: number;
};

const KEPT_INDEXES = 2;
/** How much of a line is given unless more is asked for. */
const LINE_BYTES = 64 * 1024;

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
    for await (const { at, text } of this.#stretches(from, to)) {
      const begin = at.line < from ? lineOffset(text, from - at.line) : 0;
      const end = lineOffset(text, to + 1 - at.line);
      if (begin < end) yield text.subarray(begin, end);
    }
  }

  /** The lines `from` to `to`, both included, each cut after `maxBytes`. */
  async *linesOf(from = 1, to = this.lines, maxBytes = LINE_BYTES): AsyncGenerator<Line> {
    let open: { number: number; parts: Buffer[]; kept: number; bytes: number } | undefined;
    const room = maxBytes + 64; // the time comes on top
    let number = from;
    for await (const text of this.text(from, to)) {
      for (let start = 0; start < text.byteLength; ) {
        const newline = text.indexOf(LF, start);
        const end = newline === -1 ? text.byteLength : newline;
        open ??= { number, parts: [], kept: 0, bytes: 0 };
        const part = text.subarray(start, Math.min(end, start + room - open.kept));
        open.parts.push(part);
        open.kept += part.byteLength;
        open.bytes += end - start;
        start = end + 1;
        if (newline === -1) break;
        yield toLine(open.number, open.parts, open.bytes, maxBytes);
        open = undefined;
        number++;
      }
    }
    if (open) yield toLine(open.number, open.parts, open.bytes, maxBytes);
  }

  /** The number of the first line that is not older than `time`; one more than there are when all are. */
  async lineAt(time: string): Promise<number> {
    const wanted = timeNs(time);
    for (const [i, piece] of this.#pieces.entries()) {
      if (piece.segment?.lastTime && timeNs(piece.segment.lastTime) < wanted) continue;
      const next = this.#pieces[i + 1]?.at ?? this.#end;
      for await (const { at, text } of this.#pieceStretches(piece, piece.at, next, (f) => isOlder(f, wanted))) {
        for (let start = 0, line = at.line; start < text.byteLength; line++) {
          const found = start === 0 && at.offset > 0 ? undefined : timeAt(text, start);
          if (found && timeNs(found) >= wanted) return line;
          const newline = text.indexOf(LF, start);
          if (newline === -1) break;
          start = newline + 1;
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
  async *packed(): AsyncGenerator<PackedFrame | Unreadable> {
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
    for await (const { i, frame, packed } of this.#packedFrames(segment.key, [...frames.entries()])) {
      const { line, offset } = frames[i + 1] ?? next;
      yield { at: frame, next: { line, offset }, packed, bytes: frame.bytes, key: segment.key };
    }
  }

  async *#chunkFrames({ at, key }: Piece): AsyncGenerator<PackedFrame> {
    const object = await readBytes(this.#store, key, this.#signal);
    const { bytes, next } = decodeHeader(object, key);
    if (bytes > 0) yield { at, next, packed: packedText(object), bytes, key };
  }

  async *#stretches(from: number, to: number): AsyncGenerator<Stretch> {
    if (to < from) return;
    const start = { line: from, offset: 0 };
    const end = { line: to + 1, offset: 0 };
    for (const piece of this.#piecesOf(from, to)) yield* this.#pieceStretches(piece, start, end);
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
    const wanted = [...frames.entries()].filter(([i, frame]) => {
      const end = frames[i + 1] ?? next;
      return isBefore(frame, to) && isBefore(from, end) && !skip(frame);
    });
    for await (const { frame, packed } of this.#packedFrames(segment.key, wanted))
      yield { at: frame, text: await decompress(packed, frame.bytes, segment.key) };
  }

  /** Frames of a segment with their places in its index, in one ranged read from the first to the last. */
  async *#packedFrames(
    key: string,
    wanted: readonly [number, Frame][],
  ): AsyncGenerator<{ i: number; frame: Frame; packed: Buffer }> {
    const first = wanted[0]?.[1];
    const last = wanted.at(-1)?.[1];
    if (!first || !last) return;
    const length = last.at + last.size - first.at;
    const stream = await this.#store.get(key, { offset: first.at, length, ...this.#signal });
    let position = first.at;
    let rest: Buffer = Buffer.alloc(0);
    const queue = [...wanted];
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      rest = rest.byteLength === 0 ? bytes : Buffer.concat([rest, bytes]);
      for (let head = queue[0]; head; head = queue[0]) {
        const [i, frame] = head;
        const end = frame.at + frame.size;
        if (position + rest.byteLength < end) break;
        yield { i, frame, packed: rest.subarray(frame.at - position, end - position) };
        rest = rest.subarray(end - position);
        position = end;
        queue.shift();
      }
    }
    if (queue.length > 0) throw new ArchiveError("damaged", `${key} ends before the frames that its index names`);
  }
}

const isOlder = (frame: Frame, wanted: bigint): boolean =>
  frame.lastTime !== undefined && timeNs(frame.lastTime) < wanted;

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

function toLine(number: number, parts: Buffer[], bytes: number, maxBytes: number): Line {
  const raw = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  const length = timeLength(raw, 0);
  const from = length === 0 ? 0 : length + 1;
  return {
    number,
    ...(length > 0 && { time: raw.toString("latin1", 0, length) }),
    text: raw.subarray(from, from + maxBytes),
    bytes: bytes - from,
  };
}
