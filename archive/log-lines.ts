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

/** The lines of a text that begins with line `from`, each cut after `maxBytes`. */
export async function* linesIn(text: AsyncIterable<Buffer>, from: number, maxBytes: number): AsyncGenerator<Line> {
  let open: { number: number; parts: Buffer[]; kept: number; bytes: number } | undefined;
  const room = maxBytes + 64; // the time comes on top
  let number = from;
  for await (const piece of text) {
    for (let start = 0; start < piece.byteLength; ) {
      const newline = piece.indexOf(LF, start);
      const end = newline === -1 ? piece.byteLength : newline;
      open ??= { number, parts: [], kept: 0, bytes: 0 };
      const part = piece.subarray(start, Math.min(end, start + room - open.kept));
      open.parts.push(part);
      open.kept += part.byteLength;
      open.bytes += end - start;
      start = end + 1;
      if (newline === -1) break;
      yield toLine(open.number, open.parts, open.bytes, maxBytes);
      open = undefined;
      number++;
    }
  }
  if (open) yield toLine(open.number, open.parts, open.bytes, maxBytes);
}

function toLine(number: number, parts: Buffer[], bytes: number, maxBytes: number): Line {
  const raw = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  const length = timeLength(raw, 0);
  const from = length === 0 ? 0 : length + 1;
  return {
    number,
    ...(length > 0 && { time: raw.toString("latin1", 0, length) }),
    text: raw.subarray(from, from + maxBytes),
    bytes: bytes - from,
  };
}
