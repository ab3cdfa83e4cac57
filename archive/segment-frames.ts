import type { ObjectReader } from "../storage-adapters/store.ts";
import { ArchiveError } from "./error.ts";
import type { Position } from "./keys.ts";
import { isBefore } from "./line.ts";
import type { ReadCache } from "./read-cache.ts";
import type { Segment } from "./record.ts";
import type { Frame, SegmentIndex } from "./segment.ts";
import { decompress, SKIPPABLE_CONTENT_OFFSET } from "./zstd.ts";

type Options = { signal?: AbortSignal };

/** Frames that are wanted at once are kept if they are no more than this: a window's, not those of a whole text. */
const KEPT_FRAMES = 2;

/**
 * Frames that follow one another in a segment, as they are stored, by one ranged read.
 * @throws ArchiveError damaged
 */
export async function* packedFrames(
  store: ObjectReader,
  key: string,
  frames: readonly Frame[],
  options: Options = {},
): AsyncGenerator<{ frame: Frame; packed: Buffer }> {
  const [first] = frames;
  const last = frames.at(-1);
  if (!first || !last) return;
  const length = last.at + last.size - first.at;
  const stream = await store.get(key, { offset: first.at, length, ...options });
  const waiting = new Parts(first.at);
  const queue = [...frames];
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    waiting.push(bytes);
    for (let frame = queue[0]; frame && waiting.end >= frame.at + frame.size; frame = queue[0]) {
      yield { frame, packed: waiting.take(frame.at, frame.size) };
      queue.shift();
    }
  }
  if (queue.length > 0) throw new ArchiveError("damaged", `${key} ends before the frames that its index names`);
}

/** Bytes of an object as they come, from which frames are taken in their order. Only what lies in two parts is copied. */
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
    this.#cut(at - this.#start);
    const taken = this.#cut(size);
    this.#start = at + size;
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
  }

  /** The next bytes, in the parts in which they came; fewer where an index names frames that overlap. */
  #cut(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    for (let left = bytes; left > 0; ) {
      const part = this.#parts.shift();
      if (!part) break;
      if (part.byteLength > left) this.#parts.unshift(part.subarray(left));
      taken.push(part.subarray(0, left));
      left -= Math.min(left, part.byteLength);
    }
    return taken;
  }
}

/**
 * The text of frames that follow one another in a segment, by one ranged read at most: what is in the cache is not read,
 * and what others hold is not unpacked.
 * @throws ArchiveError damaged
 */
export async function* readFrames(
  store: ObjectReader,
  { key, sha256 }: Pick<Segment, "key"> & Partial<Segment>,
  frames: readonly Frame[],
  { cache, ...options }: Options & { cache?: ReadCache | undefined } = {},
): AsyncGenerator<{ frame: Frame; text: Buffer }> {
  const kept = sha256 && frames.length <= KEPT_FRAMES ? cache?.frames : undefined;
  const inHand = sha256 ? cache?.framesInHand : undefined;
  const nameOf = ({ at }: Frame) => `${sha256}@${at}`;
  const known = frames.map((frame) => kept?.get(nameOf(frame)));
  const missing = known.indexOf(undefined);
  const end = missing === -1 ? frames.length : missing;
  for (let i = 0; i < end; i++) yield { frame: frames[i] as Frame, text: known[i] as Buffer };
  for await (const { frame, packed } of packedFrames(store, key, frames.slice(end), options)) {
    const unpack = () => decompress(packed, frame.bytes, key);
    const text = await (inHand ? inHand.get(nameOf(frame), unpack) : unpack());
    kept?.set(nameOf(frame), text, text.byteLength);
    yield { frame, text };
  }
}

/** The frames that have text from `from` on and, if that is given, before `to`. */
export const framesBetween = ({ frames, next }: SegmentIndex, from: Position, to?: Position): Frame[] =>
  frames.filter((frame, i) => (!to || isBefore(frame, to)) && isBefore(from, frames[i + 1] ?? next));

/** How long a segment's frames are in all: its index follows the last of them. */
export const packedLength = ({ index }: Pick<Segment, "index">): number => index.offset - SKIPPABLE_CONTENT_OFFSET;

/** A segment's frames as they are stored. @throws ArchiveError damaged, if the object is shorter than they are */
export async function* readPacked(
  store: ObjectReader,
  segment: Pick<Segment, "key" | "index">,
  options: Options = {},
): AsyncGenerator<Buffer> {
  const length = packedLength(segment);
  let read = 0;
  for await (const bytes of (await store.get(segment.key, {
    offset: 0,
    length,
    ...options,
  })) as AsyncIterable<Buffer>) {
    read += bytes.byteLength;
    yield bytes;
  }
  if (read < length) throw new ArchiveError("damaged", `${segment.key} ends before its index`);
}
