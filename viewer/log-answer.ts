import type { Context } from "hono";
import type { LogReader } from "../archive/log-reader.ts";
import { isFinished, type Log } from "../archive/record.ts";
import { streamed } from "./body.ts";
import { type ByteRange, holdsRange, isKnownTag, parseByteRange } from "./byte-range.ts";
import { chooseEncoding, type Encoding, packed } from "./encoding.ts";
import { Problem } from "./problem.ts";
import type { Site } from "./site.ts";
import { logText } from "./text.ts";
import type { LineRange } from "./window.ts";

export const TEXT = "text/plain; charset=utf-8";
/** Packing less than this gains nothing. */
const MIN_PACKED = 1024;

type Headers = Record<string, string>;
type Pieces = AsyncGenerator<Uint8Array>;

export type LogAnswer = {
  /** The log, opened for what is said before the text. */
  reader: LogReader;
  lines: LineRange;
  timestamps: boolean;
  /** How long the answer may be kept, and whatever else is to be said of it. */
  headers: Headers;
  /** Of what is asked for, however it is packed; absent while it can change. */
  tag?: string | undefined;
  /** Opens the log for its text. */
  open: (signal: AbortSignal) => Promise<LogReader>;
};

/** How the text of a log is packed for this client. */
export function encodingOf(c: Context, log: Log): Encoding {
  return log.bytes < MIN_PACKED ? "identity" : chooseEncoding(c.req.header("Accept-Encoding"));
}

/** A text that is packed has a tag of its own: it is other bytes. */
const tagFor = (tag: string, encoding: Encoding): string =>
  encoding === "identity" ? `"${tag}"` : `"${tag}-${encoding}"`;

/** 304, where the client has this text already: told by the record alone, before the storage is asked for more. */
export function unchanged(c: Context, log: Log, tag: string | undefined, headers: Headers): Response | undefined {
  const full = tag && tagFor(tag, encodingOf(c, log));
  if (!full || !isKnownTag(c.req.header("If-None-Match"), full)) return undefined;
  varyByEncoding(c);
  return c.body(null, 304, { ...headers, ETag: full });
}

/** Also tells the viewer's own packing to leave this answer as it is. */
export const varyByEncoding = (c: Context): void => c.header("Vary", "Accept-Encoding", { append: true });

/**
 * A log's text is never mixed with words about it: those are in the headers.
 * @throws Problem 404, if there is no log; 416, if it has no such bytes
 */
export function answerLog(c: Context, site: Site, answer: LogAnswer): Promise<Response> {
  const { reader, lines, timestamps, tag, open } = answer;
  const { log } = reader;
  if (log.state === "none") throw noLog(log);
  const isStored = timestamps && isFinished(log) && isAll(lines, log);
  const headers: Headers = {
    "Content-Type": TEXT,
    ...aboutLog(log, lines),
    ...answer.headers,
    ...(isStored && { "Accept-Ranges": "bytes" }),
  };
  varyByEncoding(c);
  const range = isStored ? askedRange(c, log, tag) : undefined;
  if (range) return partial(c, site, answer, range, headers);
  const encoding = lines.from > lines.to ? "identity" : encodingOf(c, log);
  const tagged = { ...headers, ...(tag && { ETag: tagFor(tag, encoding) }) };
  const text = async function* (signal: AbortSignal): Pieces {
    yield* logText(await open(signal), lines, { timestamps });
  };
  if (encoding === "identity") return streamed(c, site, { ...tagged, ...lengthOf(log, lines, isStored) }, text);
  const encoded = { ...tagged, "Content-Encoding": encoding };
  if (encoding === "gzip" || !isStored) return streamed(c, site, encoded, (signal) => packed(text(signal), encoding));
  // As it is stored: the cheapest and the smallest.
  const length = { "Content-Length": String(reader.packedBytes) };
  return streamed(c, site, { ...encoded, ...length }, async function* (signal): Pieces {
    yield* (await open(signal)).packed();
  });
}

const isAll = ({ from, to }: LineRange, log: Log): boolean => from === 1 && to >= log.lines;

/** What a text cannot say of itself. */
export function aboutLog(log: Log, { from, to }: LineRange): Headers {
  const isIncomplete = isFinished(log) && log.state !== "whole";
  const words = log.words ?? "Lines are missing where a gap is told.";
  return {
    "X-Log-Complete": log.state,
    "X-Log-Lines": String(log.lines),
    "X-Log-Ended": String(isFinished(log)),
    ...(log.gaps.length > 0 && { "X-Log-Gaps": String(log.gaps.length) }),
    ...(isIncomplete && { "X-Log-Note": headerText(words) }),
    ...(!isAll({ from, to }, log) && { "X-Log-Range": from > to ? "none" : `${from}-${to}` }),
  };
}

/** Some lines of a log, found by what is in them: how many is not known before. @throws Problem 404, if there is no log */
export function answerFound(
  c: Context,
  site: Site,
  log: Log,
  pieces: (signal: AbortSignal) => Pieces,
): Promise<Response> {
  if (log.state === "none") throw noLog(log);
  const headers = { "Content-Type": TEXT, ...aboutLog(log, { from: 1, to: log.lines }), "Cache-Control": "no-store" };
  return streamed(c, site, headers, pieces);
}

const noLog = (log: Log) => new Problem(404, "There is no such log", log.words ?? "Nothing was ever written.");

/** A header has one line of ASCII. */
const headerText = (words: string): string =>
  words
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[^ -~]/g, "?")
    .slice(0, 500);

/** Known beforehand only for what is stored as it is sent; then a client can tell when something was lost on the way. */
function lengthOf(log: Log, { from, to }: LineRange, isStored: boolean): Headers {
  if (from > to || log.lines === 0) return { "Content-Length": "0" };
  return isStored ? { "Content-Length": String(log.bytes) } : {};
}

/** Ranges are of the text itself, not of its packed forms, and for GET alone (RFC 9110 §14.2). */
function askedRange(c: Context, log: Log, tag: string | undefined): ByteRange | undefined {
  if (c.req.method !== "GET") return undefined;
  if (!holdsRange(c.req.header("If-Range"), tag ? tagFor(tag, "identity") : "")) return undefined;
  const range = parseByteRange(c.req.header("Range"), log.bytes);
  if (range !== "unsatisfiable") return range;
  c.header("Content-Range", `bytes */${log.bytes}`);
  throw new Problem(416, "The log has no such bytes", `It has ${log.bytes} bytes: ask for some of 0-${log.bytes - 1}.`);
}

function partial(
  c: Context,
  site: Site,
  { reader, tag, open }: LogAnswer,
  { first, last }: ByteRange,
  headers: Headers,
): Promise<Response> {
  const about = {
    ...headers,
    ...(tag && { ETag: tagFor(tag, "identity") }),
    "Content-Range": `bytes ${first}-${last}/${reader.log.bytes}`,
    "Content-Length": String(last - first + 1),
  };
  const bytes = async function* (signal: AbortSignal): Pieces {
    yield* (await open(signal)).bytes(first, last + 1);
  };
  return streamed(c, site, about, bytes, { status: 206 });
}
