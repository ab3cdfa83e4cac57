import { timeLength } from "./line.ts";

const LF = 0x0a;

export type Line = {
  number: number;
  /** RFC 3339, as Kubernetes gave it. */
  time?: string;
  /** Without time and newline; at most the asked-for number of bytes. */
  text: Buffer;
  /** What the line has in all, so that a cut can be told. */
  bytes: number;
};

/** How much of a line is given unless more is asked for. */
export const LINE_BYTES = 64 * 1024;

/**
 * The lines of a text that begins with line `from`, each cut after `maxBytes`: those of a piece of the text at once, for
 * to wait for every line costs as much as to read it.
 */
export async function* linesIn(text: AsyncIterable<Buffer>, from: number, maxBytes: number): AsyncGenerator<Line[]> {
  let open: { number: number; parts: Buffer[]; kept: number; bytes: number } | undefined;
  const room = maxBytes + 64; // the time comes on top
  let number = from;
  for await (const piece of text) {
    const lines: Line[] = [];
    for (let start = 0; start < piece.byteLength; ) {
      const newline = piece.indexOf(LF, start);
      const end = newline === -1 ? piece.byteLength : newline;
      if (!open && newline !== -1 && end - start <= room) {
        lines.push(wholeLine(piece, start, end, number++, maxBytes));
        start = end + 1;
        continue;
      }
      open ??= { number, parts: [], kept: 0, bytes: 0 };
      const part = piece.subarray(start, Math.min(end, start + room - open.kept));
      open.parts.push(part);
      open.kept += part.byteLength;
      open.bytes += end - start;
      start = end + 1;
      if (newline === -1) break;
      lines.push(toLine(open.number, open.parts, open.bytes, maxBytes));
      open = undefined;
      number++;
    }
    yield lines;
  }
  if (open) yield [toLine(open.number, open.parts, open.bytes, maxBytes)];
}

function toLine(number: number, parts: Buffer[], bytes: number, maxBytes: number): Line {
  const raw = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  const line = wholeLine(raw, 0, raw.byteLength, number, maxBytes);
  return { ...line, bytes: line.bytes + bytes - raw.byteLength };
}

/** The line whose bytes are those of `raw` from `start` to `end`. */
function wholeLine(raw: Buffer, start: number, end: number, number: number, maxBytes: number): Line {
  const length = timeLength(raw, start);
  if (length === 0) return { number, text: raw.subarray(start, Math.min(end, start + maxBytes)), bytes: end - start };
  const from = start + length + 1;
  return {
    number,
    time: raw.toString("latin1", start, from - 1),
    text: raw.subarray(from, Math.min(end, from + maxBytes)),
    bytes: end - from,
  };
}
