import type { Position } from "./keys.ts";
import { isBefore, isLater, timeAt, timeNs } from "./line.ts";
import type { Piece } from "./log-extent.ts";
import type { Frame, SegmentIndex } from "./segment.ts";
import { framesBetween } from "./segment-frames.ts";

const LF = 0x0a;

/** Text as it is stored, beginning at a place. */
export type Stretch = {
  at: Position;
  text: Buffer;
  /** What ends the stop of commands that holds there, as far as an index knows. */
  stopToken?: string | undefined;
};

/** What finding a line by its time takes of a log. */
export type TimedLog = {
  pieces: readonly Piece[];
  end: Position;
  lines: number;
  /** What a segment's index says; undefined for a chunk. */
  index: (piece: Piece) => Promise<SegmentIndex | undefined>;
  /** `choose`: which frames of a segment are wanted. */
  stretches: (piece: Piece, choose: (index: SegmentIndex) => Frame[]) => AsyncGenerator<Stretch>;
};

/**
 * The first line from `from` on of whose time `isFound` is true, in ns; one more than there are where there is none.
 * Stretches whose last line it is not true of are passed over, but for those in which a clock was set back; of a
 * segment nothing is read behind the first frame whose last line it is true of.
 */
export async function firstLine(log: TimedLog, isFound: (time: bigint) => boolean, from = 1): Promise<number> {
  const start = { line: from, offset: 0 };
  const isOut = ({ firstTime, lastTime }: Pick<Frame, "firstTime" | "lastTime">) =>
    !!lastTime && !isFound(timeNs(lastTime)) && !(firstTime && isLater(firstTime, lastTime));
  const choose = (index: SegmentIndex) => {
    const frames = framesBetween(index, start).filter((frame) => !isOut(frame));
    const last = frames.findIndex(({ lastTime }) => lastTime && isFound(timeNs(lastTime)));
    return last === -1 ? frames : frames.slice(0, last + 1);
  };
  for (const [i, piece] of log.pieces.entries()) {
    if (piece.segment && isOut(piece.segment)) continue;
    if (!isBefore(start, log.pieces[i + 1]?.at ?? log.end)) continue;
    for await (const stretch of log.stretches(piece, choose)) {
      const line = firstLineIn(stretch, isFound, from);
      if (line !== undefined) return line;
    }
  }
  return log.lines + 1;
}

function firstLineIn({ at, text }: Stretch, isFound: (time: bigint) => boolean, from: number): number | undefined {
  for (let begin = 0, line = at.line; begin < text.byteLength; line++) {
    const time = line < from || (begin === 0 && at.offset > 0) ? undefined : timeAt(text, begin);
    if (time && isFound(timeNs(time))) return line;
    const newline = text.indexOf(LF, begin);
    if (newline === -1) return undefined;
    begin = newline + 1;
  }
  return undefined;
}

/**
 * Whether times rise from segment to segment, and in those that hold the given lines from frame to frame: a node's
 * clock may have been set back.
 */
export async function timesRise(log: TimedLog, lines: readonly number[]): Promise<boolean> {
  let last = 0n;
  for (const [i, piece] of log.pieces.entries()) {
    const next = log.pieces[i + 1]?.at ?? log.end;
    const holdsOne = lines.some((line) => piece.at.line <= line && line <= next.line);
    const index = holdsOne ? await log.index(piece) : undefined;
    for (const time of (index?.frames ?? [{ ...piece.segment }]).flatMap(({ firstTime, lastTime }) => [
      firstTime,
      lastTime,
    ])) {
      if (time && timeNs(time) < last) return false;
      if (time) last = timeNs(time);
    }
  }
  return true;
}
