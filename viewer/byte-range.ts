/** What a Range header asks of so many bytes: the first and the last byte, both included. */
export type ByteRange = { first: number; last: number };

/** Fewer digits than a number can no longer count exactly. */
const RANGE = /^(\d{0,15})-(\d{0,15})$/;

/**
 * `Range` by RFC 9110 §14: undefined where the whole is to be sent, which goes for other units, for what is no range
 * at all, and for several ranges. Pure.
 */
export function parseByteRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const [unit, set] = (header ?? "").split("=", 2);
  if (unit?.trim().toLowerCase() !== "bytes" || set === undefined || set.includes(",")) return undefined;
  const text = set.trim();
  if (/^\d+-\d*$|^-\d+$/.test(text) && !RANGE.test(text)) return text.startsWith("-") ? whole(size) : "unsatisfiable";
  const match = RANGE.exec(text);
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return suffix(Number(last), size);
  const range = { first: Number(first), last: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
  return range.first > range.last ? "unsatisfiable" : range;
}

const whole = (size: number): ByteRange | "unsatisfiable" => suffix(size, size);

const suffix = (bytes: number, size: number): ByteRange | "unsatisfiable" =>
  bytes === 0 || size === 0 ? "unsatisfiable" : { first: Math.max(0, size - bytes), last: size - 1 };

/** Whether a tag is among those of `If-None-Match`, compared weakly (RFC 9110 §13.1.2). */
export function isKnownTag(header: string | undefined, tag: string): boolean {
  if (header?.trim() === "*") return true;
  return (header ?? "").split(",").some((known) => known.trim().replace(/^W\//, "") === tag);
}

/** Whether a Range still holds by its `If-Range`: a date or a weak tag proves nothing here (RFC 9110 §13.1.5). */
export const holdsRange = (header: string | undefined, tag: string): boolean =>
  header === undefined || header.trim() === tag;
