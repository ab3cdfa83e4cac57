/**
 * What a line says, apart from how it is dressed. Lines are handled as latin1 strings, a character a byte, so that a
 * place in the string is a place in the log; only what is looked at closely is decoded.
 */

const ESC = "\x1b";
/** CSI, OSC (ended by BEL or ST), and the escapes of two and three characters; a cut one goes as far as it is there. */
const ESCAPES =
  /\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]?|[\]PX^_][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)?|[ -/]{1,3}[0-~]?|[0-~])?/g;
const NOT_ASCII = /[\x80-\xff]/;
/** Controls except tab, and what turns or hides text: bidi marks, embeddings, isolates, joiners, the BOM, separators. */
const UNSEEN = /[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const LONE_SURROGATE_AT_END = /[\ud800-\udbff]$/;

/** What a terminal would keep of a line that a carriage return draws over: what stands after the last one. */
function afterReturns(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  const at = text.lastIndexOf("\r");
  return at === -1 ? text : text.slice(at + 1) || text.slice(0, at);
}

/** A raw latin1 line as readable text: decoded, without escapes, control and bidi characters. */
export function cleanLine(raw: string): string {
  let text = raw.includes("\r") ? afterReturns(raw) : raw;
  if (text.includes(ESC)) text = text.replace(ESCAPES, "");
  if (NOT_ASCII.test(text)) text = Buffer.from(text, "latin1").toString("utf8");
  return text.replace(UNSEEN, "");
}

/** At most `length` characters, cut at no half of a pair. */
export function excerptOf(text: string, length: number): string {
  const trimmed = text.trim();
  if (trimmed.length <= length) return detached(trimmed);
  return `${detached(trimmed.slice(0, length - 1).replace(LONE_SURROGATE_AT_END, ""))}…`;
}

/** A copy: V8 keeps the whole text that a string was sliced from, and what is kept must not keep the log. */
export const detached = (slice: string): string => Buffer.from(slice, "utf8").toString("utf8");

/** What loggers, runners and builders put in front of a line that somebody else printed; each at the line's start. */
export const PREFIXES: readonly RegExp[] = [
  // [task 2025-02-13T21:47:57.540Z], 2025-02-13 21:47:57,540
  /^\s{0,16}\[?(?:[a-z]{1,16} )?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| UTC)?\]? ?/,
  // 21:47:57, [21:47:57.540]
  /^\s{0,16}\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]? /,
  // the levels of mozharness and of Python's logging
  /^\s{0,8}(?:INFO|WARNING|ERROR|DEBUG|FATAL|CRITICAL)\s{0,4} - ?/,
  // BuildKit's step and seconds, in its summary the seconds alone
  /^(?:#\d{1,4} )?\d{1,6}\.\d{3} /,
  // docker compose
  /^[a-z][\w.-]{0,60}\s{1,20}\| /,
  // the margin of Python's exception groups
  /^\s{2,16}(?:\| |\+ (?=Exception Group ))/,
  // klog
  /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,9}\s{1,8}\d{1,8} [\w.-]{1,80}:\d{1,6}\] /,
  // workflow commands
  /^(?:##\[error\]|::error(?: [^:]{0,300})?::)/,
  // Maven, sbt and other loggers in brackets
  /^\[(?:ERROR|error|FATAL)\] {0,2}/,
];

const MAX_PREFIXES = 4;
/** A message goes on no longer than this; patterns look at no more. */
const MAX_MESSAGE = 2000;

/** A line as the rules see it. */
export interface ReadLine {
  /** The whole line, cleaned. */
  text: string;
  /** Without what stands in front of it, but with its indentation. */
  body: string;
  /** Without indentation. */
  message: string;
}

/** @param raw a latin1 line without Kubernetes' time */
export function readLine(raw: string): ReadLine {
  const text = cleanLine(raw);
  const body = text.slice(prefixLength(text));
  return { text, body, message: body.trimStart().slice(0, MAX_MESSAGE) };
}

/** Where a line's own text begins, before its indentation. */
function prefixLength(text: string): number {
  let at = 0;
  for (let count = 0; count < MAX_PREFIXES; count++) {
    const rest = text.slice(at);
    let length = 0;
    for (const prefix of PREFIXES) {
      length = prefix.exec(rest)?.[0].length ?? 0;
      if (length > 0) break;
    }
    if (length === 0) break;
    at += length;
  }
  return at;
}
