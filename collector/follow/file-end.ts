import { lineStart, timeAt, timeNs } from "../../archive/line.ts";

/** What a stream that is left gave at last, which is the end of its file: lines, and a line that was cut there. */
export type FileEnd = {
  lines: Buffer;
  cut?: Buffer | undefined;
  /** Whether that is all of the file. "cut short": something of it is left out. */
  state: "over" | "unknown" | "cut short";
};

export type FileEndTiming = {
  /** At most so far apart are two lines of a program that prints without a pause. */
  closeMs: number;
  /** Less than a file is written for at the least: kubelet takes no shorter time than 3 s between two looks. */
  fileMs: number;
};

/** `line`: with which of a newer file's first two lines the stream went on; `first`: the first one, without its time. */
export type Target = { line: 1 | 2; first: Buffer };

/**
 * The end of a file from which kubelet leapt to a newer one. Was it cut inside a line, then kubelet has put the newer
 * file's first line behind that, and only who knows this file can tell.
 */
export function endBeforeLeap(lines: Buffer, target: Target | undefined): FileEnd {
  if (target?.line === 1) return { lines, state: "over" };
  const at = lineStart(lines, lines.byteLength - 1);
  const last = lines.subarray(at);
  const isGlued = target !== undefined && last.subarray(-target.first.byteLength).equals(target.first);
  if (!isGlued) return { lines: lines.subarray(0, at), state: "cut short" };
  return { lines: lines.subarray(0, at), cut: last.subarray(0, -target.first.byteLength), state: "over" };
}

/** A newer file: the time of its first line, and whether it is known that none was begun and left before it. */
export type NextFile = { timeNs: bigint; isNext: boolean };

/**
 * Nothing stands between the end and the next file. Where the log is beyond that file's beginning already, it does not
 * just go on there.
 * @param lastTime the log's last line's, if the end has none
 */
export function goesOn(end: FileEnd, next: NextFile, lastTime: string | undefined, timing: FileEndTiming): boolean {
  const pauseMs = pauseBetween(end, next, lastTime);
  if (pauseMs < 0) return false;
  if (end.state === "unknown") return pauseMs <= timing.closeMs;
  return end.state === "over" && (next.isNext || pauseMs <= timing.fileMs);
}

function pauseBetween({ lines, cut }: FileEnd, next: NextFile, lastTime: string | undefined): number {
  const [text, at] = cut ? [cut, 0] : [lines, lineStart(lines, lines.byteLength - 1)];
  const last = timeAt(text, at) ?? lastTime;
  return last === undefined ? Number.POSITIVE_INFINITY : Number(next.timeNs - timeNs(last)) / 1e6;
}
