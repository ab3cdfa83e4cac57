import { addCounts, type Severity, type SeverityCounts } from "../archive/findings.ts";
import { timeLength } from "../archive/line.ts";
import type { Line, LogReader, Stretch } from "../archive/log-reader.ts";
import { MarkerReader } from "../archive/markers.ts";
import { isFinished } from "../archive/record.ts";
import type { Frame } from "../archive/segment.ts";
import { SeverityReader } from "../archive/severity-reader.ts";
import { forEachLine } from "../archive/survey.ts";
import { WINDOW_LINES } from "./window.ts";

/** Lines by what they say of themselves: found and counted by the frames' indexes, so that only frames that have any are read. */
export type SeverityFilter = {
  name: Severity;
  /** With what is worse. */
  isWithWorse: boolean;
  wanted: ReadonlySet<Severity>;
  /** Lines around each that a page shows. */
  context: number;
  /** The first line that is looked at. */
  from: number;
};

/** Worst first. */
export const ORDER: readonly Severity[] = ["error", "warning", "notice", "debug"];
/** What is counted without an index, of a log that grows, and the segments whose indexes are read to count. */
const COUNTED_LINES = 50_000;
const COUNTED_SEGMENTS = 64;

/** Of the whole log; undefined where that would cost more than a look. */
export async function severityCounts(reader: LogReader): Promise<SeverityCounts | undefined> {
  if (reader.log.segments.length > COUNTED_SEGMENTS) return undefined;
  const counts: SeverityCounts = {};
  let next = 1;
  for await (const index of reader.indexes()) {
    for (const { severities = {} } of index.frames) addCounts(counts, severities);
    next = index.next.line;
  }
  if (isFinished(reader.log)) return counts;
  if (reader.lines - next > COUNTED_LINES) return undefined;
  for await (const stretch of reader.stretches(next, () => false)) {
    for (const { severity } of severeLines(stretch)) addCounts(counts, { [severity]: 1 });
  }
  return counts;
}

export const hasAny =
  (wanted: ReadonlySet<Severity>) =>
  ({ severities }: Pick<Frame, "severities">): boolean =>
    severities !== undefined && [...wanted].some((severity) => (severities[severity] ?? 0) > 0);

type SevereLine = { number: number; start: number; end: number; severity: Severity };

/** The lines of a frame or a chunk that have a severity, in the words of the counts. */
function severeLines({ at, text, stopToken }: Stretch): SevereLine[] {
  const lines: SevereLine[] = [];
  const reader = new SeverityReader(text);
  const markers = new MarkerReader({}, stopToken);
  forEachLine(text, at, (number, start, from, end) => {
    reader.isStopped = markers.stopToken !== undefined;
    if (markers.mayRead(text, from, end)) markers.read(text.toString("utf8", from, end));
    const severity = reader.read(start, from, end);
    if (severity !== undefined) lines.push({ number, start, end, severity });
  });
  return lines;
}

/** Lines that stand together, with those around them. */
export type Block = { lines: (Line & { isWanted: boolean })[] };
export type FilteredLines = {
  blocks: Block[];
  count: number;
  /** Where the next page begins; absent when there is none. */
  next?: number;
};

/** A page of wanted lines with what stands around them in their frame. Reads a frame after the other until it is full. */
export async function filteredLines(
  reader: LogReader,
  { wanted, context, from }: SeverityFilter,
  maxBytes: number,
): Promise<FilteredLines> {
  const blocks: Block[] = [];
  let [count, rows] = [0, 0];
  for await (const stretch of reader.stretches(from, hasAny(wanted))) {
    const found = severeLines(stretch).filter(({ number, severity }) => number >= from && wanted.has(severity));
    if (found.length === 0) continue;
    const numbers = new Set(found.map(({ number }) => number));
    const around = new Set(found.flatMap(({ number }) => range(number - context, number + context)));
    let isFull = false;
    let nextWanted: number | undefined;
    forEachLine(stretch.text, stretch.at, (number, start, textStart, end) => {
      if (isFull) {
        if (numbers.has(number)) nextWanted ??= number;
        return;
      }
      if (number < from || !around.has(number)) return;
      const isWanted = numbers.has(number);
      if (isWanted && rows >= WINDOW_LINES - context) {
        isFull = true;
        nextWanted = number;
        return;
      }
      const line = {
        number,
        ...(textStart > start && { time: stretch.text.toString("latin1", start, textStart - 1) }),
        text: stretch.text.subarray(textStart, Math.min(end, textStart + maxBytes)),
        bytes: end - textStart,
        isWanted,
      };
      const last = blocks.at(-1);
      if (last && last.lines.at(-1)?.number === number - 1) last.lines.push(line);
      else blocks.push({ lines: [line] });
      rows++;
      if (isWanted) count++;
    });
    if (nextWanted !== undefined) return { blocks, count, next: nextWanted };
  }
  return { blocks, count };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The wanted lines as they are stored, or without their times. */
export async function* filteredText(
  reader: LogReader,
  { wanted, from }: SeverityFilter,
  { timestamps }: { timestamps: boolean },
): AsyncGenerator<Buffer> {
  for await (const stretch of reader.stretches(from, hasAny(wanted))) {
    const { text } = stretch;
    const parts: Buffer[] = [];
    for (const { number, start, end, severity } of severeLines(stretch)) {
      if (number < from || !wanted.has(severity)) continue;
      const length = timestamps ? 0 : timeLength(text, start);
      const behind = length === 0 ? start : start + length + 1;
      if (end < text.byteLength) parts.push(text.subarray(behind, end + 1));
      else {
        // The line goes on in the next frame.
        if (parts.length > 0) yield Buffer.concat(parts.splice(0));
        let skip = behind - start;
        for await (const piece of reader.text(number, number)) {
          yield piece.subarray(skip);
          skip = 0;
        }
      }
    }
    if (parts.length > 0) yield Buffer.concat(parts);
  }
}
