import { type ObjectReader, readBytes } from "../storage-adapters/store.ts";
import { type ChunkHeader, decodeHeader, decodeText } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import { chunkPrefix, type LogId, type Position, parseKey, segmentPrefix } from "./keys.ts";
import { isBefore, timeAt, timeLength, timeNs } from "./line.ts";
import { PARSED_FACTOR, type ReadCache } from "./read-cache.ts";
import { isFinished, type Log, type Segment } from "./record.ts";
import { type Frame, locateIndex, readIndex, type SegmentIndex } from "./segment.ts";
import { decompress } from "./zstd.ts";

const LF = 0x0a;

/** Where a part of the text lies. `end` is where the next piece begins; of the last it may be unknown. */
type Piece = { at: Position; end?: Position | undefined; key: string; segment?: ReadSegment };

/** What is known of a segment that no record describes yet is less. */
type ReadSegment = Pick<Segment, "key" | "index"> & Partial<Segment>;

/** Text as it is stored, beginning at a place. */
export type Stretch = { at: Position; text: Buffer };

export type Line = {
  number: number;
  /** RFC 3339, as Kubernetes gave it. */
  time?: string;
  /** Without time and newline; at most the asked-for number of bytes. */
  text: Buffer;
  /** What the line has in all, so that a cut can be told. */
  bytes: number;
};

/** Frames that are wanted at once are kept if they are no more than this: a window's, not those of a whole text. */
const KEPT_FRAMES = 2;

/** How much of a line is given unless more is asked for. */
const LINE_BYTES = 64 * 1024;

type OpenOptions = { signal?: AbortSignal; cache?: ReadCache };

/**
 * One log as it was when it was opened. Memory: a frame of text and, where lines are asked for, one line up to its
 * limit; never the log.
 */
export class LogReader {
  /** What the record says, brought up to date for a log that grows. */
  readonly log: Log;
  readonly #store: ObjectReader;
  readonly #pieces: readonly Piece[];
  readonly #signal: { signal?: AbortSignal };
  readonly #cache: ReadCache | undefined;

  private constructor(
    { store, signal, cache }: OpenOptions & { store: ObjectReader },
    log: Log,
    pieces: readonly Piece[],
  ) {
    this.#store = store;
    this.log = log;
    this.#pieces = pieces;
    this.#signal = signal ? { signal } : {};
    this.#cache = cache;
  }

  /** A finished log is read by its record alone; for one that grows the bucket is asked what there is by now. */
  static async open(
    store: ObjectReader,
    id: LogId,
    log: Log,
    signal?: AbortSignal,
    cache?: ReadCache,
  ): Promise<LogReader> {
    const from = { store, ...(signal && { signal }), ...(cache && { cache }) };
    if (!isFinished(log)) return LogReader.#openGrowing(from, id, log);
    const starts = log.segments.map(({ firstLine, offset }) => ({ line: firstLine, offset }));
    const end = log.noEol ? undefined : { line: log.lines + 1, offset: 0 };
    const pieces = log.segments.map((segment, i) => ({
      at: starts[i] as Position,
      end: starts[i + 1] ?? end,
      key: segment.key,
      segment,
    }));
    return new LogReader(from, log, pieces);
  }

  static async #openGrowing(from: OpenOptions & { store: ObjectReader }, id: LogId, log: Log): Promise<LogReader> {
    const { store, signal } = from;
    const options = signal ? { signal } : {};
    const pieces: Piece[] = [];
    let next: Position = { line: 1, offset: 0 };
    for await (const item of store.list(segmentPrefix(id), options)) {
      const parsed = parseKey(item.key);
      if (item.type !== "object" || parsed?.type !== "segment") continue;
      const known = log.segments.find((segment) => segment.key === item.key);
      const index = known?.index ?? (await locateIndex(store, item.key, item.size, signal));
      const segment = known ?? { key: item.key, index };
      next = (await readIndex(store, segment, signal)).next;
      pieces.push({ at: parsed.at, key: item.key, segment });
    }
    const chunks: Piece[] = [];
    for await (const item of store.list(chunkPrefix(id), options)) {
      const parsed = parseKey(item.key);
      if (item.type !== "object" || parsed?.type !== "chunk") continue;
      chunks.push({ at: parsed.at, key: item.key });
    }
    const tip = chunks.at(-1);
    const header = tip && decodeHeader(await readBytes(store, tip.key, options), tip.key);
    const end = header && isBefore(next, header.next) ? header.next : next;
    pieces.push(...chunks.filter((chunk) => !isBefore(chunk.at, next)));
    for (const [i, piece] of pieces.entries()) piece.end = pieces[i + 1]?.at;
    return new LogReader(from, grown(log, end, header), pieces);
  }

  /** Lines there are, one that has not ended included. */
  get lines(): number {
    return this.log.lines;
  }

  /** The text of the lines `from` to `to`, both included, exactly as it is stored. */
  async *text(from = 1, to = this.lines): AsyncGenerator<Buffer> {
    for await (const { at, text } of this.#stretches(from, to)) {
      const begin = at.line < from ? lineOffset(text, from - at.line) : 0;
      const end = lineOffset(text, to + 1 - Math.max(at.line, from), begin);
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
        if (!open && newline !== -1 && end - start <= room) {
          yield wholeLine(text, start, end, number++, maxBytes);
          start = end + 1;
          continue;
        }
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
    for (const piece of this.#pieces) {
      if (piece.segment?.lastTime && timeNs(piece.segment.lastTime) < wanted) continue;
      for await (const { at, text } of this.#pieceStretches(piece, (index) => framesAt(index, wanted))) {
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

  async *#stretches(from: number, to: number): AsyncGenerator<Stretch> {
    if (to < from) return;
    const start = { line: from, offset: 0 };
    const end = { line: to + 1, offset: 0 };
    let first = this.#pieces.findLastIndex((piece) => !isBefore(start, piece.at));
    if (first === -1) first = 0;
    for (const piece of this.#pieces.slice(first)) {
      if (!isBefore(piece.at, end)) return;
      yield* this.#pieceStretches(piece, (index) => framesBetween(index, start, end));
    }
  }

  /** `choose`: which frames of a segment are wanted, all of them neighbours. */
  #pieceStretches(piece: Piece, choose: (index: SegmentIndex) => Frame[]): AsyncGenerator<Stretch> {
    return piece.segment ? this.#segmentStretches(piece, piece.segment, choose) : this.#chunkStretches(piece);
  }

  async *#chunkStretches(piece: Piece): AsyncGenerator<Stretch> {
    const object = await readBytes(this.#store, piece.key, this.#signal);
    const header = decodeHeader(object, piece.key);
    expectPlace(piece, header, header.next);
    yield { at: piece.at, text: await decodeText(object, header, piece.key) };
  }

  /** At most two ranged reads: the index, and all frames that are wanted in one stream. */
  async *#segmentStretches(
    piece: Piece,
    segment: ReadSegment,
    choose: (index: SegmentIndex) => Frame[],
  ): AsyncGenerator<Stretch> {
    const index = await this.#index(segment);
    expectPlace(piece, index.frames[0], index.next);
    const wanted = choose(index);
    const kept = wanted.length <= KEPT_FRAMES && segment.sha256 ? this.#cache?.frames : undefined;
    const nameOf = ({ at }: Frame) => `${segment.sha256}@${at}`;
    const known = wanted.map((frame) => kept?.get(nameOf(frame)));
    for (const [i, text] of known.entries()) {
      if (!text)
        return yield* this.#readFrames(segment.key, wanted.slice(i), (frame, text) =>
          kept?.set(nameOf(frame), text, text.byteLength),
        );
      yield { at: wanted[i] as Frame, text };
    }
  }

  /** One ranged read. */
  async *#readFrames(
    key: string,
    wanted: Frame[],
    keep: (frame: Frame, text: Buffer) => void,
  ): AsyncGenerator<Stretch> {
    const [first] = wanted;
    const last = wanted.at(-1);
    if (!first || !last) return;
    const length = last.at + last.size - first.at;
    const stream = await this.#store.get(key, { offset: first.at, length, ...this.#signal });
    const waiting = new Parts(first.at);
    const queue = [...wanted];
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      waiting.push(bytes);
      for (let frame = queue[0]; frame && waiting.end >= frame.at + frame.size; frame = queue[0]) {
        const text = await decompress(waiting.take(frame.at, frame.size), frame.bytes, key);
        keep(frame, text);
        yield { at: frame, text };
        queue.shift();
      }
    }
    if (queue.length > 0) throw new ArchiveError("damaged", `${key} ends before the frames that its index names`);
  }

  /** One ranged read, unless it is known. */
  async #index(segment: ReadSegment): Promise<SegmentIndex> {
    const { sha256 } = segment;
    const known = sha256 && this.#cache?.indexes.get(sha256);
    if (known) return known;
    const index = await readIndex(this.#store, segment, this.#signal.signal);
    if (sha256) this.#cache?.indexes.set(sha256, index, segment.index.length * PARSED_FACTOR);
    return index;
  }
}

/** Bytes of an object as they come, from which frames are taken in their order. No byte is joined more than once. */
class Parts {
  /** Where in the object the last of them ends. */
  end: number;
  #start: number;
  #parts: Buffer[] = [];

  constructor(start: number) {
    this.#start = start;
    this.end = start;
  }

  push(part: Buffer): void {
    this.#parts.push(part);
    this.end += part.byteLength;
  }

  /** The bytes from `at` on; those before it are dropped, and those after it wait. */
  take(at: number, size: number): Buffer {
    const [only] = this.#parts;
    const all = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    const taken = all.subarray(at - this.#start, at - this.#start + size);
    const rest = all.subarray(at - this.#start + size);
    this.#parts = rest.byteLength > 0 ? [rest] : [];
    this.#start = at + size;
    return taken;
  }
}

function grown(log: Log, end: Position, header: ChunkHeader | undefined): Log {
  if (!header) return log;
  const lines = end.offset > 0 ? end.line : end.line - 1;
  return {
    ...log,
    state: header.end?.state ?? "open",
    ...(header.end?.words && { words: header.end.words }),
    lines,
    bytes: header.totalBytes,
    ...(header.end && end.offset > 0 && { noEol: true }),
    ...(header.firstTime && { firstTime: header.firstTime }),
    ...(header.lastTime && { lastTime: header.lastTime }),
    gaps: header.gaps,
  };
}

/**
 * Lines would get wrong numbers, and be missing without a word, if a piece were not where the log has it.
 * @throws ArchiveError damaged
 */
function expectPlace({ key, at, end }: Piece, start: Position | undefined, next: Position): void {
  const isThere = start?.line === at.line && start.offset === at.offset;
  if (isThere && (!end || (next.line === end.line && next.offset === end.offset))) return;
  const place = ({ line, offset }: Position) => (offset > 0 ? `byte ${offset} of line ${line}` : `line ${line}`);
  const words = `the text from ${place(at)}${end ? ` to where ${place(end)} begins` : ""} is not in it`;
  throw new ArchiveError(
    "damaged",
    `${key} does not fit its place in the log: ${words}, or what lies behind it is gone`,
  );
}

const framesBetween = ({ frames, next }: SegmentIndex, from: Position, to: Position): Frame[] =>
  frames.filter((frame, i) => isBefore(frame, to) && isBefore(from, frames[i + 1] ?? next));

/** The frame in which the first line lies that is not older than a time, and those before it of which nobody knows. */
function framesAt({ frames }: SegmentIndex, wanted: bigint): Frame[] {
  const first = frames.findIndex(({ lastTime }) => lastTime === undefined || timeNs(lastTime) >= wanted);
  if (first === -1) return [];
  const last = frames.findIndex(({ lastTime }, i) => i >= first && lastTime !== undefined);
  return frames.slice(first, last === -1 ? undefined : last + 1);
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

function toLine(number: number, parts: Buffer[], bytes: number, maxBytes: number): Line {
  const raw = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  const line = wholeLine(raw, 0, raw.byteLength, number, maxBytes);
  return { ...line, bytes: line.bytes + bytes - raw.byteLength };
}

/** The line whose bytes are those of `raw` from `start` to `end`. */
function wholeLine(raw: Buffer, start: number, end: number, number: number, maxBytes: number): Line {
  const length = timeLength(raw, start);
  if (length === 0) return { number, text: raw.subarray(start, Math.min(end, start + maxBytes)), bytes: end - start };
  const from = start + length + 1;
  return {
    number,
    time: raw.toString("latin1", start, from - 1),
    text: raw.subarray(from, Math.min(end, from + maxBytes)),
    bytes: end - from,
  };
}
