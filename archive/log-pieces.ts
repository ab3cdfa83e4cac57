import { type ObjectReader, readBytes } from "../storage-adapters/store.ts";
import { type ChunkHeader, decodeHeader, decodeText, packedText } from "./chunk.ts";
import type { Position } from "./keys.ts";
import { isBefore } from "./line.ts";
import { expectPlace, type LogExtent, type Piece, type PieceSegment } from "./log-extent.ts";
import { ByteCache, PARSED_FACTOR, type ReadCache } from "./read-cache.ts";
import { type Frame, readIndex, type SegmentIndex } from "./segment.ts";
import { packedFrames, readFrames } from "./segment-frames.ts";

/** Text as it is stored, beginning at a place. */
export type Stretch = {
  at: Position;
  text: Buffer;
  /** What ends the stop of commands that holds there, as far as an index knows. */
  stopToken?: string | undefined;
};

/** A frame of a log's text as it is stored, to be unpacked elsewhere: `next` is where its text ends. */
export type PackedFrame = { at: Position; next: Position; packed: Buffer; bytes: number; key: string };

export type ChooseFrames = (index: SegmentIndex) => readonly Frame[];

export type SegmentPiece = Piece & { segment: PieceSegment };

export const isSegment = (piece: Piece): piece is SegmentPiece => piece.segment !== undefined;

/** Of its own, where no cache is given: a page asks for its lines' frames, and then for the lines. */
const INDEXES_BYTES = 1024 * 1024;

/** Reads the chunks and segments that a log's text lies in. What does not fit its place in the log is damaged. */
export class LogPieces {
  readonly all: readonly Piece[];
  /** Lines there are, one that has not ended included. */
  readonly lines: number;
  readonly #store: ObjectReader;
  readonly #extent: LogExtent;
  readonly #signal: { signal?: AbortSignal };
  readonly #cache: ReadCache | undefined;
  readonly #indexes: ByteCache<SegmentIndex>;

  constructor(store: ObjectReader, extent: LogExtent, signal?: AbortSignal, cache?: ReadCache) {
    this.all = extent.pieces;
    this.lines = extent.log.lines;
    this.#store = store;
    this.#extent = extent;
    this.#signal = signal ? { signal } : {};
    this.#cache = cache;
    this.#indexes = cache?.indexes ?? new ByteCache(INDEXES_BYTES);
  }

  /** Those that hold the lines `from` to `to`, both included. */
  between(from: number, to: number): Piece[] {
    const start = { line: from, offset: 0 };
    const end = { line: to + 1, offset: 0 };
    const first = this.all.findLastIndex((piece) => !isBefore(start, piece.at));
    return this.all.slice(Math.max(0, first)).filter((piece) => isBefore(piece.at, end));
  }

  /** One ranged read, unless it is known. @throws ArchiveError damaged, also if it does not fit its place in the log */
  async index(piece: SegmentPiece): Promise<SegmentIndex> {
    const { segment } = piece;
    // A segment is made once: until a record tells its hash, its key does.
    const name = segment.sha256 ?? segment.key;
    const known = this.#indexes.get(name);
    const index = known ?? (await readIndex(this.#store, segment, this.#signal.signal));
    if (!known) this.#indexes.set(name, index, segment.index.length * PARSED_FACTOR);
    expectPlace(piece, this.#promisedEnd(piece), index.frames[0], index.next);
    return index;
  }

  /**
   * The text of a piece: of a segment by at most two ranged reads, its index and all frames in one stream.
   * @param choose which frames of a segment are wanted
   */
  stretches(piece: Piece, choose: ChooseFrames = ({ frames }) => frames): AsyncGenerator<Stretch> {
    return isSegment(piece) ? this.#segmentStretches(piece, choose) : this.#chunkStretches(piece);
  }

  /** The same as it is stored. */
  packed(piece: Piece): AsyncGenerator<PackedFrame> {
    return isSegment(piece) ? this.#segmentFrames(piece) : this.#chunkFrames(piece);
  }

  /** Where the piece ends, which is where the next one begins. */
  endOf(piece: Piece): Position {
    return this.#nextAt(piece) ?? this.#extent.end;
  }

  #nextAt(piece: Piece): Position | undefined {
    return this.all[this.all.indexOf(piece) + 1]?.at;
  }

  async *#segmentStretches(piece: SegmentPiece, choose: ChooseFrames): AsyncGenerator<Stretch> {
    const wanted = choose(await this.index(piece));
    const options = { ...this.#signal, cache: this.#cache };
    for await (const { frame, text } of readFrames(this.#store, piece.segment, wanted, options)) {
      yield { at: frame, text };
    }
  }

  async *#segmentFrames(piece: SegmentPiece): AsyncGenerator<PackedFrame> {
    const { key } = piece;
    const { frames, next } = await this.index(piece);
    let i = 0;
    for await (const { frame, packed } of packedFrames(this.#store, key, frames, this.#signal)) {
      const { line, offset } = frames[++i] ?? next;
      yield { at: frame, next: { line, offset }, packed, bytes: frame.bytes, key };
    }
  }

  async *#chunkStretches(piece: Piece): AsyncGenerator<Stretch> {
    const { object, header } = await this.#chunk(piece);
    yield { at: piece.at, text: await decodeText(object, header, piece.key) };
  }

  async *#chunkFrames(piece: Piece): AsyncGenerator<PackedFrame> {
    const { at, key } = piece;
    const { object, header } = await this.#chunk(piece);
    const { bytes, next } = header;
    if (bytes > 0) yield { at, next, packed: packedText(object), bytes, key };
  }

  async #chunk(piece: Piece): Promise<{ object: Buffer; header: ChunkHeader }> {
    const object = await readBytes(this.#store, piece.key, this.#signal);
    const header = decodeHeader(object, piece.key);
    expectPlace(piece, this.#promisedEnd(piece), header, header.next);
    return { object, header };
  }

  /** Where it has to end; of the last one of a log that does not end with a line's end it is not known. */
  #promisedEnd(piece: Piece): Position | undefined {
    return this.#nextAt(piece) ?? (this.#extent.log.noEol ? undefined : this.#extent.end);
  }
}
