const [BEL, LF, ESC, BACKSLASH, BRACKET] = [0x07, 0x0a, 0x1b, 0x5c, 0x5b];
/** What begins a string that BEL or ESC \ ends: OSC, DCS, SOS, PM, APC. */
const STRINGS = new Set(Buffer.from("]PX^_"));
/** A call for a copy costs more than this many bytes. */
const FEW_BYTES = 48;

/**
 * The text without escape sequences, as many lines as it has. Text without any is given as it is. Linear.
 * @param isSpent nobody needs the text itself any more: what is left of it is moved together in its own memory
 */
export function withoutEscapes(text: Buffer, isSpent = false): Buffer {
  let sequence = text.indexOf(ESC);
  if (sequence === -1) return text;
  const bare = isSpent ? text : Buffer.allocUnsafe(text.byteLength);
  let length = 0;
  for (let from = 0; ; ) {
    length = append(bare, length, text, from, sequence);
    if (sequence === text.byteLength) break;
    from = sequenceEnd(text, sequence);
    const next = text.indexOf(ESC, from);
    sequence = next === -1 ? text.byteLength : next;
  }
  // A last line without its end is still one when nothing is left of it.
  const isLost = text.at(-1) !== LF && (length === 0 || bare[length - 1] === LF);
  if (isLost) bare[length++] = LF;
  return bare.subarray(0, length);
}

function append(to: Buffer, at: number, text: Buffer, from: number, end: number): number {
  const length = end - from;
  if (length > FEW_BYTES) text.copy(to, at, from, end);
  else for (let i = 0; i < length; i++) to[at + i] = text[from + i] as number;
  return at + length;
}

/** Sequences as the terminal drops or obeys them: of a string that never ends, only the beginning is one. */
function sequenceEnd(text: Buffer, start: number): number {
  const kind = text[start + 1] ?? 0;
  if (kind === BRACKET) {
    const intermediates = skip(text, skip(text, start + 2, 0x30, 0x3f), 0x20, 0x2f);
    return isWithin(text[intermediates], 0x40, 0x7e) ? intermediates + 1 : intermediates;
  }
  if (STRINGS.has(kind)) return stringEnd(text, start + 2);
  const final = skip(text, start + 1, 0x20, 0x2f);
  return isWithin(text[final], 0x30, 0x7e) ? final + 1 : final;
}

function stringEnd(text: Buffer, start: number): number {
  let at = start;
  while (at < text.byteLength && text[at] !== BEL && text[at] !== ESC && text[at] !== LF) at++;
  if (text[at] === BEL) return at + 1;
  return text[at] === ESC && text[at + 1] === BACKSLASH ? at + 2 : start;
}

function skip(text: Buffer, from: number, least: number, most: number): number {
  let at = from;
  while (isWithin(text[at], least, most)) at++;
  return at;
}

const isWithin = (byte: number | undefined, least: number, most: number): boolean =>
  byte !== undefined && byte >= least && byte <= most;
