import { isBefore, isLater, timeAt, timeNs } from "./line.ts";
import { isSegment, type LogPieces, type Stretch } from "./log-pieces.ts";
import type { Frame, SegmentIndex } from "./segment.ts";
import { framesBetween } from "./segment-frames.ts";

const LF = 0x0a;

/**
 * The first line from `from` on of whose time `isFound` is true, in ns; one more than there are where there is none.
 * Stretches whose last line it is not true of are passed over, but for those in which a clock was set back; of a
 * segment nothing is read behind the first frame whose last line it is true of.
 */
export async function firstLine(pieces: LogPieces, isFound: (time: bigint) => boolean, from = 1): Promise<number> {
  const start = { line: from, offset: 0 };
  const isOut = ({ firstTime, lastTime }: Pick<Frame, "firstTime" | "lastTime">) =>
    !!lastTime && !isFound(timeNs(lastTime)) && !(firstTime && isLater(firstTime, lastTime));
  const choose = (index: SegmentIndex) => {
    const frames = framesBetween(index, start).filter((frame) => !isOut(frame));
    const last = frames.findIndex(({ lastTime }) => lastTime && isFound(timeNs(lastTime)));
    return last === -1 ? frames : frames.slice(0, last + 1);
  };
  for (const piece of pieces.all) {
    if (piece.segment && isOut(piece.segment)) continue;
    if (!isBefore(start, pieces.endOf(piece))) continue;
    for await (const stretch of pieces.stretches(piece, choose)) {
      const line = firstLineIn(stretch, isFound, from);
      if (line !== undefined) return line;
    }
  }
  return pieces.lines + 1;
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
export async function timesRise(pieces: LogPieces, lines: readonly number[]): Promise<boolean> {
  let last = 0n;
  for (const piece of pieces.all) {
    const next = pieces.endOf(piece);
    const holdsOne = lines.some((line) => piece.at.line <= line && line <= next.line);
    const index = holdsOne && isSegment(piece) ? await pieces.index(piece) : undefined;
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
