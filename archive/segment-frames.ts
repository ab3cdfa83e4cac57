import type { ObjectReader } from "../storage-adapters/store.ts";
import { ArchiveError } from "./error.ts";
import type { Segment } from "./record.ts";
import type { Frame } from "./segment.ts";
import { decompress, SKIPPABLE_CONTENT_OFFSET } from "./zstd.ts";

type Options = { signal?: AbortSignal };

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
  let position = first.at;
  let rest: Buffer = Buffer.alloc(0);
  const queue = [...frames];
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    rest = rest.byteLength === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (let frame = queue[0]; frame && position + rest.byteLength >= frame.at + frame.size; frame = queue[0]) {
      yield { frame, packed: rest.subarray(frame.at - position, frame.at - position + frame.size) };
      rest = rest.subarray(frame.at - position + frame.size);
      position = frame.at + frame.size;
      queue.shift();
    }
  }
  if (queue.length > 0) throw new ArchiveError("damaged", `${key} ends before the frames that its index names`);
}

/**
 * The text of frames that follow one another in a segment, by one ranged read.
 * @throws ArchiveError damaged
 */
export async function* readFrames(
  store: ObjectReader,
  key: string,
  frames: readonly Frame[],
  options: Options = {},
): AsyncGenerator<{ frame: Frame; text: Buffer }> {
  for await (const { frame, packed } of packedFrames(store, key, frames, options))
    yield { frame, text: await decompress(packed, frame.bytes, key) };
}

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
