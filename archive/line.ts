import type { Position } from "./keys.ts";

const LF = 0x0a;
const SPACE = 0x20;

/** `2026-07-30T10:03:31.936986000Z ` is the shortest prefix that kubelet writes; an offset makes it five longer. */
const MIN_TIME = 20;
const MAX_TIME = 35;

/**
 * The length of the RFC 3339 time at `start`, 0 if there is none that ends in a space within the line.
 * Checks the shape, not the calendar: this runs for every line of every log.
 */
export function timeLength(text: Uint8Array, start: number): number {
  if (text[start + 4] !== 0x2d || text[start + 7] !== 0x2d || text[start + 10] !== 0x54) return 0;
  if (text[start + 13] !== 0x3a || text[start + 16] !== 0x3a) return 0;
  for (let i = start + MIN_TIME; i <= start + MAX_TIME; i++) {
    if (text[i] !== SPACE) continue;
    return isTime(text, start, i) ? i - start : 0;
  }
  return 0;
}

export const isDigit = (c: number | undefined): boolean => c !== undefined && c >= 0x30 && c <= 0x39;

const DIGITS = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18];

function isTime(text: Uint8Array, start: number, end: number): boolean {
  for (let n = 0; n < DIGITS.length; n++) if (!isDigit(text[start + (DIGITS[n] as number)])) return false;
  let i = start + 19;
  if (text[i] === 0x2e) {
    const fraction = ++i;
    while (isDigit(text[i])) i++;
    if (i === fraction) return false;
  }
  if (text[i] === 0x5a) return i + 1 === end;
  const sign = text[i] === 0x2b || text[i] === 0x2d;
  return sign && end - i === 6 && text[i + 3] === 0x3a && [1, 2, 4, 5].every((n) => isDigit(text[i + n]));
}

/**
 * Nanoseconds since midnight of the time at `start`; -1 if there is none. Orders the lines of one stream within a day
 * at the cost of a few additions: this too runs for every line.
 */
export function dayNs(text: Uint8Array, start: number): number {
  const usual = usualDayNs(text, start);
  if (usual !== -1) return usual;
  if (timeLength(text, start) === 0) return -1;
  let ns = twoDigits(text, start + 11) * 3600 + twoDigits(text, start + 14) * 60 + twoDigits(text, start + 17);
  let inFraction = text[start + 19] === 0x2e;
  for (let i = start + 20; i < start + 29; i++) {
    inFraction &&= isDigit(text[i]);
    ns = ns * 10 + (inFraction ? (text[i] as number) - 0x30 : 0);
  }
  return ns;
}

/** Of `2026-07-30T10:03:31.936986000Z `, as nodes on UTC write it: in one look at its bytes. */
function usualDayNs(text: Uint8Array, start: number): number {
  if (text[start + 30] !== SPACE || text[start + 29] !== 0x5a || text[start + 19] !== 0x2e) return -1;
  if (text[start + 4] !== 0x2d || text[start + 7] !== 0x2d || text[start + 10] !== 0x54) return -1;
  if (text[start + 13] !== 0x3a || text[start + 16] !== 0x3a) return -1;
  let range = 0;
  let ns = 0;
  for (let i = start + 20; i < start + 29; i++) {
    const digit = (text[i] as number) - 0x30;
    range |= digit | (9 - digit);
    ns = ns * 10 + digit;
  }
  const hours = pair(text, start + 11);
  const minutes = pair(text, start + 14);
  const seconds = pair(text, start + 17);
  range |=
    hours |
    minutes |
    seconds |
    pair(text, start) |
    pair(text, start + 2) |
    pair(text, start + 5) |
    pair(text, start + 8);
  // Negative as soon as one of them was no digit.
  return range < 0 ? -1 : (hours * 3600 + minutes * 60 + seconds) * 1e9 + ns;
}

/** Two digits; something negative if one of them is none. */
function pair(text: Uint8Array, at: number): number {
  const tens = (text[at] as number) - 0x30;
  const ones = (text[at + 1] as number) - 0x30;
  const range = tens | (9 - tens) | ones | (9 - ones);
  return range < 0 ? range : tens * 10 + ones;
}

const twoDigits = (text: Uint8Array, at: number): number =>
  ((text[at] as number) - 0x30) * 10 + (text[at + 1] as number) - 0x30;

/** Nanoseconds since 1970 of a time that timeLength() accepted, comparable whatever its offset and digits. */
export function timeNs(time: string): bigint {
  const match = /^(.{19})(?:\.(\d+))?(.+)$/.exec(time);
  const seconds = Date.parse(`${match?.[1]}${match?.[3]}`) / 1000;
  const fraction = (match?.[2] ?? "").slice(0, 9).padEnd(9, "0");
  return Number.isNaN(seconds) ? 0n : BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
}

/** Whether `a` is later than `b`, whatever their offsets; times of one form are compared as they are written. */
export function isLater(a: string, b: string): boolean {
  const alike = a.length === b.length && a.charCodeAt(a.length - 1) === 0x5a && b.endsWith("Z");
  return alike ? a > b : timeNs(a) > timeNs(b);
}

/** The later one, where there are two. */
export const later = (a: string | undefined, b: string | undefined): string | undefined =>
  a && b ? (isLater(a, b) ? a : b) : a || b;

/** The time at `start` of a line as it is written there; undefined if there is none. */
export function timeAt(text: Buffer, start: number): string | undefined {
  const length = timeLength(text, start);
  return length === 0 ? undefined : text.toString("latin1", start, start + length);
}

export function countNewlines(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(LF); at !== -1; at = text.indexOf(LF, at + 1)) count++;
  return count;
}

/** Where the line before `end` begins. */
export const lineStart = (text: Buffer, end: number): number => (end <= 0 ? 0 : text.lastIndexOf(LF, end - 1) + 1);

/** Where the text after `at` ends up. */
export function advance(at: Position, text: Buffer, newlines = countNewlines(text)): Position {
  if (newlines === 0) return { line: at.line, offset: at.offset + text.byteLength };
  return { line: at.line + newlines, offset: text.byteLength - text.lastIndexOf(LF) - 1 };
}

/** Whether the one lies before the other. */
export const isBefore = (a: Position, b: Position): boolean =>
  a.line < b.line || (a.line === b.line && a.offset < b.offset);

/** The first and last time that stand at a line's start in text that begins at `at`. */
export function timeSpan(text: Buffer, at: Position): { firstTime?: string; lastTime?: string } {
  const firstStart = at.offset === 0 ? 0 : text.indexOf(LF) + 1;
  if (at.offset !== 0 && firstStart === 0) return {};
  const firstTime = timeAt(text, firstStart);
  let start = lineStart(text, text.byteLength);
  if (start === text.byteLength) start = lineStart(text, start - 1);
  const lastTime = start < firstStart ? undefined : timeAt(text, start);
  return { ...(firstTime && { firstTime }), ...(lastTime && { lastTime }) };
}

/** Splits text into frames of at most `limit` bytes, at a line's end wherever one lies in the second half of the limit. */
export function* cutFrames(text: Buffer, limit: number): Generator<Buffer> {
  let start = 0;
  while (text.byteLength - start > limit) {
    const newline = text.lastIndexOf(LF, start + limit - 1);
    const end = newline >= start + limit / 2 ? newline + 1 : start + limit;
    yield text.subarray(start, end);
    start = end;
  }
  if (start < text.byteLength) yield text.subarray(start);
}
