import { type Fold, Folder, nested } from "../archive/folds.ts";
import type { LogReader } from "../archive/log-reader.ts";
import { type MarkerOptions, MarkerReader } from "../archive/markers.ts";
import { isFinished } from "../archive/record.ts";
import type { Frame } from "../archive/segment.ts";
import type { LineRange } from "./window.ts";

/** Lines that are looked through before and behind a window where no frame's index tells of folds. */
const LOOK_BACK = 2_000;
const LOOK_AHEAD = 2_000;
/** What is read of a line to find its markers and its title. */
const HEAD_BYTES = 4_096;

export type FoldWindow = {
  /** Those that hold lines of the window, in the order of their starts; of one that goes on the end is not known. */
  folds: readonly Fold[];
  /** Reads the markers of the lines from the window's first on. */
  markers: MarkerReader;
};

/**
 * The folds of a window. Of segments the frames' indexes say what is open and where it ends, so that no more than the
 * window's own frames is read, and nothing where they have no markers; of chunks, and where headers are asked for
 * that no index knows, LOOK_BACK and LOOK_AHEAD lines are.
 */
export async function foldWindow(
  reader: LogReader,
  window: LineRange,
  options: MarkerOptions = {},
): Promise<FoldWindow> {
  const { lines, log } = reader;
  const isIndexed = isFinished(log) && !options.buildkite;
  const begin = isIndexed ? window.from : Math.max(1, window.from - LOOK_BACK);
  const frames: Frame[] = [];
  let next = begin;
  for await (const index of reader.indexes(begin, window.to)) {
    frames.push(...index.frames);
    next = index.next.line;
  }
  const isInWindow = ({ line, newlines }: Frame) => line <= window.to && line + newlines >= begin;
  const own = options.buildkite ? [] : frames.filter(isInWindow);
  const hasRest = !isIndexed && (options.buildkite || window.to >= next);
  if (!hasRest && !own.some(({ folds }) => folds)) return { folds: [], markers: new MarkerReader(options) };

  const [first] = own;
  const last = own.at(-1);
  const from = first ? first.line + (first.offset > 0 ? 1 : 0) : begin;
  const to = hasRest || !last ? Math.min(lines, window.to + LOOK_AHEAD) : Math.min(lines, last.line + last.newlines);
  const found: Fold[] = [];
  const folder = new Folder((fold) => found.push(fold), first?.folds?.open);
  const reading = new MarkerReader(options, first?.folds?.stopToken);
  let stopToken = first?.folds?.stopToken;
  for await (const lines of reader.linesOf(from, to, HEAD_BYTES)) {
    for (const { number, time, text } of lines) {
      if (number === window.from) stopToken = reading.stopToken;
      if (reading.mayRead(text, 0, text.byteLength)) folder.add({ number, time }, reading.read(text.toString()));
    }
  }
  folder.pass({ number: to, time: log.lastTime });
  // A line that goes on in the next frame has been looked at already, and so have its ends.
  const behind = hasRest || !last ? [] : frames.slice(frames.indexOf(last) + 1);
  for (const end of behind.flatMap(({ folds }) => folds?.ends ?? [])) folder.settle(end);
  folder.end({ isOver: isFinished(log) && (to >= lines || next > lines) });
  return {
    folds: nested(found).filter(({ start, end, goesOn }) => start <= window.to && (goesOn || end >= window.from)),
    markers: new MarkerReader(options, stopToken),
  };
}
