import type { PackedFrame, Unreadable } from "../../archive/log-reader.ts";

/** Text that is searched at once: a line and what stands before it in its first frame. */
const BLOCK_BYTES = 11 * 1024 * 1024;

/** Frames that are searched together: mostly one; of a line that goes over frames, all that it goes over. */
export type Block = {
  frames: PackedFrame[];
  bytes: number;
  /** Its text begins within a line: `match` what there is of it, or `skip` what is beyond the limit. */
  begins: "line" | "match" | "skip";
};

/**
 * Puts together the frames that a line goes over. Of a line the first 10 MiB are matched, and nothing of it beyond the
 * frame in which they end; frames that have nothing else are passed over.
 */
export async function* blocksOf(frames: AsyncIterable<PackedFrame | Unreadable>): AsyncGenerator<Block | Unreadable> {
  let open: Block | undefined;
  let isBeyond = false;
  for await (const frame of frames) {
    if ("error" in frame) {
      if (open) yield open;
      yield frame;
      [open, isBeyond] = [undefined, false];
      continue;
    }
    const goesOn = frame.at.offset > 0;
    const isFull = open !== undefined && open.bytes + frame.bytes > BLOCK_BYTES;
    if (open && (!goesOn || isFull)) {
      yield open;
      open = undefined;
    }
    isBeyond = goesOn && (isBeyond || isFull);
    if (isBeyond && frame.next.line === frame.at.line) continue;
    open ??= { frames: [], bytes: 0, begins: goesOn ? (isBeyond ? "skip" : "match") : "line" };
    isBeyond = false;
    open.frames.push(frame);
    open.bytes += frame.bytes;
    if (frame.next.offset > 0) continue;
    yield open;
    open = undefined;
  }
  if (open) yield open;
}
