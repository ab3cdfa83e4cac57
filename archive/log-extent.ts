import { type ObjectReader, readBytes } from "../storage-adapters/store.ts";
import { type ChunkHeader, decodeHeader } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import { chunkPrefix, type LogId, type Position, parseKey, START, segmentPrefix } from "./keys.ts";
import { isBefore } from "./line.ts";
import { isFinished, type Log, type Segment } from "./record.ts";
import { locateIndex, readIndex } from "./segment.ts";

/** What is known of a segment that no record describes yet is less. */
export type PieceSegment = Pick<Segment, "key" | "index"> & Partial<Segment>;

/** Where a part of the text lies. It ends where the next one begins. */
export type Piece = { at: Position; key: string; segment?: PieceSegment };

/** How far a log goes, as it was at one moment, and where its text lies. */
export type LogExtent = {
  /** What the record says, brought up to date for a log that grows. */
  log: Log;
  pieces: readonly Piece[];
  end: Position;
  /** The newest chunk that has been seen; whatever is added sorts after it. */
  newestChunk?: string | undefined;
};

/** A finished log is told by its record alone; for one that grows the bucket is asked what there is by now. */
export async function extentOf(store: ObjectReader, id: LogId, log: Log, signal?: AbortSignal): Promise<LogExtent> {
  if (!isFinished(log)) return extentOfGrowing(store, id, log, signal);
  const pieces = log.segments.map((segment) => ({
    at: { line: segment.firstLine, offset: segment.offset },
    key: segment.key,
    segment,
  }));
  return { log, pieces, end: { line: log.lines + 1, offset: 0 } };
}

async function extentOfGrowing(store: ObjectReader, id: LogId, log: Log, signal?: AbortSignal): Promise<LogExtent> {
  const pieces: Piece[] = [];
  let next = START;
  for await (const item of store.list(segmentPrefix(id), signal && { signal })) {
    const parsed = parseKey(item.key);
    if (item.type !== "object" || parsed?.type !== "segment") continue;
    const known = log.segments.find((segment) => segment.key === item.key);
    const index = known?.index ?? (await locateIndex(store, item.key, item.size, signal));
    const segment = known ?? { key: item.key, index };
    next = (await readIndex(store, segment, signal)).next;
    pieces.push({ at: parsed.at, key: item.key, segment });
  }
  return extended(store, { log, pieces, end: next }, await chunksAfter(store, id, undefined, signal), signal);
}

/**
 * The same log later, by one listing of what was added and one read of the newest chunk; the same extent if nothing
 * was. Where the chunks in between have become a segment and are gone, the whole is looked up again.
 */
export async function extentSince(
  store: ObjectReader,
  id: LogId,
  known: LogExtent,
  signal?: AbortSignal,
): Promise<LogExtent> {
  if (isFinished(known.log)) return known;
  const chunks = await chunksAfter(store, id, known.newestChunk, signal);
  const [first] = chunks;
  if (!first) return known;
  if (isBefore(known.end, first.at)) return extentOfGrowing(store, id, known.log, signal);
  return extended(store, known, chunks, signal);
}

async function chunksAfter(
  store: ObjectReader,
  id: LogId,
  startAfter: string | undefined,
  signal?: AbortSignal,
): Promise<Piece[]> {
  const chunks: Piece[] = [];
  const options = { ...(startAfter !== undefined && { startAfter }), ...(signal && { signal }) };
  for await (const item of store.list(chunkPrefix(id), options)) {
    const parsed = parseKey(item.key);
    if (item.type === "object" && parsed?.type === "chunk") chunks.push({ at: parsed.at, key: item.key });
  }
  return chunks;
}

async function extended(
  store: ObjectReader,
  { log, pieces, end }: LogExtent,
  chunks: readonly Piece[],
  signal?: AbortSignal,
): Promise<LogExtent> {
  const tip = chunks.at(-1);
  if (!tip) return { log, pieces, end };
  const header = decodeHeader(await readBytes(store, tip.key, signal && { signal }), tip.key);
  const newEnd = isBefore(end, header.next) ? header.next : end;
  return {
    log: grown(log, newEnd, header),
    pieces: [...pieces, ...chunks.filter((chunk) => !isBefore(chunk.at, end))],
    end: newEnd,
    newestChunk: tip.key,
  };
}

/**
 * Lines would get wrong numbers, and be missing without a word, if a piece were not where the log has it.
 * @param start,next what the object says of its text: where it begins, and where it ends
 * @param end where the next piece begins, if that is known
 * @throws ArchiveError damaged
 */
export function expectPlace(
  { key, at }: Piece,
  end: Position | undefined,
  start: Position | undefined,
  next: Position,
): void {
  if (start && isSame(start, at) && (!end || isSame(next, end))) return;
  const words = `the text from ${placeWords(at)}${end ? ` to where ${placeWords(end)} begins` : ""} is not in it`;
  throw new ArchiveError(
    "damaged",
    `${key} does not fit its place in the log: ${words}, or what lies behind it is gone`,
  );
}

const isSame = (a: Position, b: Position): boolean => a.line === b.line && a.offset === b.offset;

const placeWords = ({ line, offset }: Position): string =>
  offset > 0 ? `byte ${offset} of line ${line}` : `line ${line}`;

function grown(log: Log, end: Position, header: ChunkHeader): Log {
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
