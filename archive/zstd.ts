import { promisify } from "node:util";
import { zstdDecompress, zstdDecompressSync } from "node:zlib";
import { ArchiveError } from "./error.ts";
import { type ContextPool, compressors, decompressors } from "./zstd-contexts.ts";

const decompressAlone = promisify(zstdDecompress);
const DECOMPRESSORS = decompressors();
/** For what lives for minutes. */
export const FAST = compressors({ level: 1 });
/**
 * For ever. Level 8 with matches of six bytes, half as many tries for one, and a table that a processor's cache holds:
 * real logs take 0.77 of what gzip -6 needs instead of 0.78, in four fifths of the time.
 */
export const SMALL = compressors({ level: 8, minMatch: 6, searchLog: 3, hashLog: 16 });

/** Begins a skippable frame that readers of plain zstd pass over; Afterlog's own use this one of the sixteen. */
export const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_HEADER = 8;

/** Frames hold 1 MiB and chunks little more: what promises this much would only fill the memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** One zstd frame with its content's size and checksum. The same text gives the same frame. */
export const compress = (text: Uint8Array, packing: ContextPool): Promise<Buffer> => packing.run(text);

/**
 * The content of exactly one frame. Node 24 stops silently after the first of several (storage.md §1), so the size
 * is compared with what the index promised.
 * @throws ArchiveError damaged
 */
export async function decompress(frame: Uint8Array, bytes: number, key: string): Promise<Buffer> {
  expectSize(bytes, key);
  try {
    return await DECOMPRESSORS.run(frame, bytes);
  } catch {
    // The frame before may have been the damaged one: only a context of its own tells.
    const text = await decompressAlone(frame, unpacking(bytes)).catch((cause) => {
      throw unpackable(key, cause);
    });
    return ofLength(text, bytes, key);
  }
}

/** The same for threads that have nothing else to do: nothing is waited for. @throws ArchiveError damaged */
export function decompressSync(frame: Uint8Array, bytes: number, key: string): Buffer {
  expectSize(bytes, key);
  let text: Buffer;
  try {
    text = zstdDecompressSync(frame, unpacking(bytes));
  } catch (cause) {
    throw unpackable(key, cause);
  }
  return ofLength(text, bytes, key);
}

function expectSize(bytes: number, key: string): void {
  if (bytes > MAX_BYTES) throw new ArchiveError("damaged", `${key} cannot hold a frame of ${bytes} bytes`);
}

/** One more than promised, so that a frame that holds more is refused without unpacking all of it. */
const unpacking = (bytes: number) => ({ maxOutputLength: bytes + 1, chunkSize: Math.max(16 * 1024, bytes + 1) });

const unpackable = (key: string, cause: unknown): ArchiveError =>
  new ArchiveError("damaged", `${key} holds a frame that cannot be unpacked: the object is damaged`, { cause });

function ofLength(text: Buffer, bytes: number, key: string): Buffer {
  if (text.byteLength === bytes) return text;
  throw new ArchiveError("damaged", `${key} holds a frame of ${text.byteLength} bytes where ${bytes} were promised`);
}

export function skippableFrame(content: Uint8Array, magic = SKIPPABLE_MAGIC): Buffer {
  const frame = Buffer.allocUnsafe(SKIPPABLE_HEADER + content.byteLength);
  frame.writeUInt32LE(magic, 0);
  frame.writeUInt32LE(content.byteLength, 4);
  frame.set(content, SKIPPABLE_HEADER);
  return frame;
}

/** The content of the skippable frame at the start of these bytes; undefined if there is none or it is cut. */
export function readSkippableFrame(bytes: Buffer, magic = SKIPPABLE_MAGIC): Buffer | undefined {
  if (bytes.byteLength < SKIPPABLE_HEADER || bytes.readUInt32LE(0) !== magic) return undefined;
  const end = SKIPPABLE_HEADER + bytes.readUInt32LE(4);
  return bytes.byteLength < end ? undefined : bytes.subarray(SKIPPABLE_HEADER, end);
}

/** Where the content of a skippable frame lies, seen from the frame's first byte. */
export const SKIPPABLE_CONTENT_OFFSET = SKIPPABLE_HEADER;

const SEEKABLE_MAGIC = 0x8f92eab1;
const SEEK_TABLE_MAGIC = 0x184d2a5e;
const ENTRY = 8;
export const SEEK_FOOTER = 9;

export type SeekEntry = { size: number; bytes: number };

/**
 * The seek table of the zstd seekable format 0.1.0 (facebook/zstd contrib/seekable_format): a skippable frame with
 * the compressed and the plain size of every frame before it, skippable ones included, without checksums.
 */
export function seekTable(entries: readonly SeekEntry[]): Buffer {
  const content = Buffer.alloc(entries.length * ENTRY + SEEK_FOOTER);
  entries.forEach(({ size, bytes }, i) => {
    content.writeUInt32LE(size, i * ENTRY);
    content.writeUInt32LE(bytes, i * ENTRY + 4);
  });
  const footer = entries.length * ENTRY;
  content.writeUInt32LE(entries.length, footer);
  content.writeUInt8(0, footer + 4);
  content.writeUInt32LE(SEEKABLE_MAGIC, footer + 5);
  return skippableFrame(content, SEEK_TABLE_MAGIC);
}

/** How long the seek table is, told from the object's last SEEK_FOOTER bytes; undefined if they are no footer. */
export function seekTableLength(footer: Buffer): number | undefined {
  if (footer.byteLength < SEEK_FOOTER || footer.readUInt32LE(footer.byteLength - 4) !== SEEKABLE_MAGIC)
    return undefined;
  return SKIPPABLE_HEADER + footer.readUInt32LE(footer.byteLength - SEEK_FOOTER) * ENTRY + SEEK_FOOTER;
}

/** The entries of a seek table without checksums; undefined if the bytes are none. */
export function readSeekTable(table: Buffer): SeekEntry[] | undefined {
  const content = readSkippableFrame(table, SEEK_TABLE_MAGIC);
  if (!content || content.byteLength < SEEK_FOOTER) return undefined;
  const count = content.readUInt32LE(content.byteLength - SEEK_FOOTER);
  if (content.readUInt8(content.byteLength - 5) !== 0 || content.byteLength !== count * ENTRY + SEEK_FOOTER)
    return undefined;
  return Array.from({ length: count }, (_, i) => ({
    size: content.readUInt32LE(i * ENTRY),
    bytes: content.readUInt32LE(i * ENTRY + 4),
  }));
}
