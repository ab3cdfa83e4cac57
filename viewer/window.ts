import { badRequest } from "./problem.ts";

/** How many lines a page shows at a time. */
export const WINDOW_LINES = 500;

/** A stretch of lines, both ends included. */
export type LineRange = { from: number; to: number };

/** What an address asks to see of a log. */
export type WindowRequest =
  | { type: "default" }
  /** These lines, and no more than a window of them. */
  | { type: "lines"; lines: LineRange }
  | { type: "tail" }
  /** These lines marked, in the middle of a window. */
  | { type: "mark"; lines: LineRange }
  | { type: "time"; time: string }
  /** A time of day, as the time column shows it. */
  | { type: "clock"; clock: string };

/** As many digits as the archive counts lines with. */
const LINES = /^L?(\d{1,12})(?:-L?(\d{1,12}))?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
const CLOCK = /^\d\d:\d\d(:\d\d(\.\d{1,9})?)?$/;

/** `10` or `10-20`. @throws Problem, which names the parameter */
export function parseLines(name: string, text: string): LineRange {
  const match = LINES.exec(text.replaceAll(",", ""));
  const [from = 0, to = 0] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || from < 1 || to < 1)
    throw badRequest(`${name} is a line or a range of lines, for example ${name}=100-200.`);
  if (from > to)
    throw badRequest(`${name} ends before it begins: write the smaller line first, ${name}=${to}-${from}.`);
  return { from, to };
}

/** The same in either order: lines are also selected upwards. */
function parseMark(name: string, text: string): LineRange {
  const [, from = "", to = ""] = /^([^-]+)-([^-]+)$/.exec(text) ?? [];
  const isUpwards = Number(from.replace(/[L,]/g, "")) > Number(to.replace(/[L,]/g, ""));
  return parseLines(name, isUpwards ? `${to}-${from}` : text);
}

/** @throws Problem */
export function parseTime(name: string, text: string): string {
  // A plus that was not encoded arrives as a space.
  const time = text.replace(" ", "+").toUpperCase();
  // RFC 3339 has seconds; people leave them out.
  if (TIME.test(time) && !Number.isNaN(Date.parse(time))) return time.replace(/(T\d\d:\d\d)(?!:)/, "$1:00");
  throw badRequest(`${name} is an RFC 3339 time, for example ${name}=2026-07-30T10:03:31Z.`);
}

function parseClock(name: string, text: string): string {
  if (!Number.isNaN(Date.parse(`1970-01-01T${text}Z`))) return text;
  throw badRequest(`${name} is no time of day, for example ${name}=10:03:31.`);
}

/** @throws Problem, which names the parameter */
export function parseCount(name: string, text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw badRequest(`${name} is a number of lines, for example ${name}=50.`);
}

/** @throws Problem */
export function parseWindow(params: URLSearchParams): WindowRequest {
  const value = (name: string) => params.get(name)?.trim() || undefined;
  const line = value("line") ?? value("lineNumber");
  if (line && CLOCK.test(line)) return { type: "clock", clock: parseClock("line", line) };
  if (line?.includes("T")) return { type: "time", time: parseTime("line", line) };
  if (line) return { type: "mark", lines: parseMark("line", line) };
  const time = value("t");
  if (time) return { type: "time", time: parseTime("t", time) };
  const lines = value("lines");
  if (lines) return { type: "lines", lines: parseLines("lines", lines) };
  const tail = value("tail");
  if (!tail) return { type: "default" };
  parseCount("tail", tail);
  return { type: "tail" };
}

/** The lines to show, and those of them to mark. */
export type Placed = LineRange & { mark?: LineRange };

/**
 * Where in a log of so many lines the window lies. Never empty unless the log is. Where the address does not say it,
 * it is around the `leading` line, else at the end or the beginning.
 */
export function place(
  request: Exclude<WindowRequest, { type: "time" | "clock" }>,
  total: number,
  { atEnd, leading }: { atEnd: boolean; leading?: number | undefined },
): Placed {
  const lastStart = Math.max(1, total - WINDOW_LINES + 1);
  const startingAt = (line: number): LineRange => {
    const from = Math.min(Math.max(1, line), lastStart);
    return { from, to: Math.min(total, from + WINDOW_LINES - 1) };
  };
  const around = (line: number, height = 1) => startingAt(line - Math.floor((WINDOW_LINES - height) / 2));
  switch (request.type) {
    case "default":
      if (leading !== undefined && leading <= total) return around(leading);
      return startingAt(atEnd ? lastStart : 1);
    case "tail":
      return startingAt(lastStart);
    case "lines": {
      const { from, to } = request.lines;
      if (from > total) return startingAt(lastStart);
      return { from, to: Math.min(total, to, from + WINDOW_LINES - 1) };
    }
    case "mark": {
      const { from, to } = request.lines;
      const height = Math.min(to - from + 1, WINDOW_LINES);
      return { ...around(from, height), mark: { from, to } };
    }
  }
}

/** The first moment from `start` on that a clock shows this time of day (UTC). */
export function clockAfter(start: string, clock: string): string | undefined {
  const first = Date.parse(start);
  if (Number.isNaN(first)) return undefined;
  const at = Date.parse(`${new Date(first).toISOString().slice(0, 10)}T${clock}Z`);
  // A clock without fractions means the whole second, in which the log may have begun.
  return new Date(at + 1_000 <= first ? at + 86_400_000 : at).toISOString();
}
