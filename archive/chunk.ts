import { z } from "zod";
import { ArchiveError } from "./error.ts";
import { gapSchema, logStateSchema, parseVersioned } from "./record.ts";
import { compress, decompress, FAST, readSkippableFrame, SKIPPABLE_CONTENT_OFFSET, skippableFrame } from "./zstd.ts";

const CHUNK_VERSION = 1;

const count = z.number().int().nonnegative();

/** One line that is committed, told by its time, its length and the CRC-32 of its bytes, newline excluded. */
const markSchema = z.object({ time: z.string(), bytes: count, crc: count, partial: z.boolean().optional() });
export type Mark = z.infer<typeof markSchema>;

const headerSchema = z.object({
  version: z.literal(CHUNK_VERSION),
  /** A pod of the same name with another UID is another container run and never continues this chain. */
  podUid: z.string(),
  line: count,
  offset: count,
  /** Where the chunk's text ends, and so the position of the next chunk. */
  next: z.object({ line: count, offset: count }),
  /** Of the chunk's text. */
  bytes: count,
  /** Of the log's text up to and with this chunk. */
  totalBytes: count,
  /** Of the log's first and, so far, last line. */
  firstTime: z.string().optional(),
  lastTime: z.string().optional(),
  /** The latest of all times so far: not the last line's where a clock has stepped back. */
  newestTime: z.string().optional(),
  /** The newest committed lines, oldest first: where a reader of the source takes up again. */
  window: z.array(markSchema),
  /** All gaps of the log so far. */
  gaps: z.array(gapSchema),
  /** The log ends with this chunk. */
  end: z.object({ state: logStateSchema, words: z.string().optional() }).optional(),
});
export type ChunkHeader = Omit<z.infer<typeof headerSchema>, "version">;
export type ChunkEnd = NonNullable<ChunkHeader["end"]>;

/** A chunk's text as it is stored: at most one frame. */
export const packText = async (text: Buffer): Promise<Buffer> =>
  text.byteLength === 0 ? text : await compress(text, FAST);

/** The header in a skippable frame, then the packed text: `zstdcat` prints chunks too. */
export const encodeChunk = (header: ChunkHeader, packed: Buffer): Buffer =>
  Buffer.concat([skippableFrame(Buffer.from(JSON.stringify({ version: CHUNK_VERSION, ...header }))), packed]);

/** @throws ArchiveError damaged, future */
export function decodeHeader(object: Buffer, key: string): ChunkHeader {
  const content = readSkippableFrame(object);
  if (!content) throw new ArchiveError("damaged", `${key} does not begin as a chunk does: it is truncated or foreign`);
  return parseVersioned(content, key, headerSchema, CHUNK_VERSION);
}

/** @throws ArchiveError damaged */
export function decodeText(object: Buffer, header: ChunkHeader, key: string): Promise<Buffer> {
  if (header.bytes === 0) return Promise.resolve(Buffer.alloc(0));
  return decompress(packedText(object), header.bytes, key);
}

/** The zstd frame of a chunk whose header was understood; empty if there is no text. */
export const packedText = (object: Buffer): Buffer =>
  object.subarray(SKIPPABLE_CONTENT_OFFSET + object.readUInt32LE(4));
