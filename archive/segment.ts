import { createHash } from "node:crypto";
import { z } from "zod";
import { type ObjectReader, readBytes } from "../storage-adapters/store.ts";
import { ArchiveError } from "./error.ts";
import type { Position } from "./keys.ts";
import { advance, cutFrames, isBefore, timeSpan } from "./line.ts";
import { parseVersioned, type Segment } from "./record.ts";
import { type FoldState, foldStateSchema, Surveyor, surveySchema } from "./survey.ts";
import {
  compress,
  SEEK_FOOTER,
  SKIPPABLE_CONTENT_OFFSET,
  SMALL,
  seekTable,
  seekTableLength,
  skippableFrame,
} from "./zstd.ts";

/** Text in one frame: less packs worse, more is more to unpack for one line. */
export const FRAME_BYTES = 1024 * 1024;
/** A segment ends with the chunk that brings the chunks' stored size here. */
export const SEGMENT_BYTES = 8 * 1024 * 1024;
const INDEX_VERSION = 1;

const count = z.number().int().nonnegative();

const frameSchema = z.object({
  /** The line that the frame's first byte belongs to, and how far into it. */
  line: count,
  offset: count,
  newlines: count,
  /** Of the text. */
  bytes: count,
  /** Where in the object the frame begins, and how long it is there. */
  at: count,
  size: count,
  firstTime: z.string().optional(),
  lastTime: z.string().optional(),
  ...surveySchema.shape,
});
export type Frame = z.infer<typeof frameSchema>;

const indexSchema = z.object({
  version: z.literal(INDEX_VERSION),
  /** Where the segment's text ends, and so the position of the next segment. */
  next: z.object({ line: count, offset: count }),
  frames: z.array(frameSchema),
  /** How the segment's text leaves its fold markers to the next one; absent where nothing is open. */
  folds: foldStateSchema.optional(),
});
export type SegmentIndex = Omit<z.infer<typeof indexSchema>, "version">;

/** A segment of text that packs as well as text can has some thousand frames. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;

const LF = 0x0a;
/** Frames that are compressed at the same time. */
const PARALLEL = 2;

/** Collects text and packs it into one segment. Holds three frames of text at most, and the compressed frames. */
export class SegmentBuilder {
  readonly #start: Position;
  #at: Position;
  #pending: Buffer = Buffer.alloc(0);
  #frames: Omit<Frame, "at" | "size">[] = [];
  readonly #packed: Promise<Buffer>[] = [];
  readonly #surveyor: Surveyor;

  /** @param folds as the segment before has left them */
  constructor(start: Position, folds?: FoldState) {
    this.#start = start;
    this.#at = start;
    this.#surveyor = new Surveyor(folds);
  }

  /** For the next segment; undefined where nothing is open. */
  get folds(): FoldState | undefined {
    const { state } = this.#surveyor;
    return state.open.length > 0 || state.stopToken !== undefined ? state : undefined;
  }

  async append(text: Buffer): Promise<void> {
    // Chunks of a fast log are nearly frames already: they are taken as they are rather than copied together.
    const { byteLength } = this.#pending;
    const isFull = byteLength >= FRAME_BYTES / 2 && byteLength + text.byteLength > FRAME_BYTES;
    if (isFull && this.#pending[byteLength - 1] === LF) {
      await this.#pack(this.#pending);
      this.#pending = Buffer.alloc(0);
    }
    this.#pending = this.#pending.byteLength === 0 ? text : Buffer.concat([this.#pending, text]);
    if (this.#pending.byteLength <= FRAME_BYTES) return;
    const cuts = [...cutFrames(this.#pending, FRAME_BYTES)];
    // The last cut may still grow to a full frame.
    this.#pending = cuts.pop() ?? Buffer.alloc(0);
    for (const cut of cuts) await this.#pack(cut);
  }

  async #pack(text: Buffer): Promise<void> {
    const packed = compress(text, SMALL);
    packed.catch(() => {}); // finish() awaits and reports it
    this.#packed.push(packed);
    await this.#packed.at(-PARALLEL);
    const { newlines, ...survey } = this.#surveyor.survey(text, this.#at);
    this.#frames.push({ ...this.#at, newlines, bytes: text.byteLength, ...timeSpan(text, this.#at), ...survey });
    this.#at = advance(this.#at, text, newlines);
  }

  /** The object's bytes and what the record says of it. */
  async finish(key: string): Promise<{ object: Buffer; segment: Segment }> {
    if (this.#pending.byteLength > 0) await this.#pack(this.#pending);
    const packed = await Promise.all(this.#packed);
    let at = 0;
    const frames: Frame[] = this.#frames.map((frame, i) => {
      const size = packed[i]?.byteLength ?? 0;
      at += size;
      return { ...frame, at: at - size, size };
    });
    const json = JSON.stringify({ version: INDEX_VERSION, next: this.#at, frames, folds: this.folds });
    const index = skippableFrame(Buffer.from(json));
    const table = seekTable([...frames, { size: index.byteLength, bytes: 0 }]);
    const object = Buffer.concat([...packed, index, table]);
    const firstTime = this.#frames.find((f) => f.firstTime)?.firstTime;
    const lastTime = this.#frames.findLast((f) => f.lastTime)?.lastTime;
    const segment: Segment = {
      key,
      firstLine: this.#start.line,
      offset: this.#start.offset,
      lines: lineStartsBetween(this.#start, this.#at),
      bytes: this.#frames.reduce((sum, f) => sum + f.bytes, 0),
      size: object.byteLength,
      index: { offset: at + SKIPPABLE_CONTENT_OFFSET, length: index.byteLength - SKIPPABLE_CONTENT_OFFSET },
      ...(firstTime && { firstTime }),
      ...(lastTime && { lastTime }),
      sha256: createHash("sha256").update(object).digest("hex"),
    };
    return { object, segment };
  }
}

/** How many lines begin in a stretch. */
export function lineStartsBetween(start: Position, end: Position): number {
  const startedBefore = start.offset > 0 ? start.line : start.line - 1;
  const startedAfter = end.offset > 0 ? end.line : end.line - 1;
  return startedAfter - startedBefore;
}

/**
 * What a segment holds, by one ranged read.
 * @throws ArchiveError damaged, future
 */
export async function readIndex(
  store: ObjectReader,
  segment: Pick<Segment, "key" | "index">,
  signal?: AbortSignal,
): Promise<SegmentIndex> {
  const { key, index } = segment;
  if (index.length > MAX_INDEX_BYTES)
    throw new ArchiveError("damaged", `${key} cannot have an index of ${index.length} bytes`);
  const bytes = await readBytes(store, key, { ...index, ...(signal && { signal }) });
  const parsed = parseVersioned(bytes, key, indexSchema, INDEX_VERSION);
  if (!isInOrder(parsed, index.offset))
    throw new ArchiveError("damaged", `${key} has an index that contradicts itself`);
  return parsed;
}

/** Frames lie one behind the other, in the object before the index as in the text. */
function isInOrder({ frames, next }: SegmentIndex, end: number): boolean {
  return frames.every((frame, i) => {
    const { at, line, offset } = frames[i + 1] ?? { at: end, ...next };
    return frame.at + frame.size <= at && isBefore(frame, { line, offset });
  });
}

/**
 * Finds the index of a segment that no record describes yet, from the object's end.
 * @throws ArchiveError damaged, if the object does not end as a segment does
 */
export async function locateIndex(
  store: ObjectReader,
  key: string,
  size: number,
  signal?: AbortSignal,
): Promise<{ offset: number; length: number }> {
  const range = (offset: number, length: number) =>
    readBytes(store, key, { offset, length, ...(signal && { signal }) });
  const tableLength = seekTableLength(await range(Math.max(0, size - SEEK_FOOTER), SEEK_FOOTER));
  if (tableLength === undefined || tableLength > size) throw notASegment(key);
  const table = await range(size - tableLength, tableLength);
  const last = lastSeekEntrySize(table);
  const offset = size - tableLength - last;
  if (last <= SKIPPABLE_CONTENT_OFFSET || offset < 0) throw notASegment(key);
  return { offset: offset + SKIPPABLE_CONTENT_OFFSET, length: last - SKIPPABLE_CONTENT_OFFSET };
}

const lastSeekEntrySize = (table: Buffer): number =>
  table.byteLength < SKIPPABLE_CONTENT_OFFSET + 8 + SEEK_FOOTER
    ? 0
    : table.readUInt32LE(table.byteLength - SEEK_FOOTER - 8);

const notASegment = (key: string) =>
  new ArchiveError("damaged", `${key} does not end as a segment does: it is truncated or was not written by Afterlog`);
