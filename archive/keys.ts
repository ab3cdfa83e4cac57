import { createHash } from "node:crypto";

/** One container run of one attempt: what a log belongs to. */
export type LogId = {
  namespace: string;
  runUid: string;
  taskRunUid: string;
  attempt: number;
  container: string;
  restart: number;
};

/** A place in a log's text: `offset` bytes into line `line`, which counts from 1. */
export type Position = { line: number; offset: number };

export const START: Position = { line: 1, offset: 0 };

export type RunId = { namespace: string; runUid: string };

const LINE_DIGITS = 12;
/** 2286-11-20: the latest creation time whose inversion still sorts. */
const LAST_MS = 9_999_999_999_999;
const SEGMENT_SUFFIX = ".log.zst";
const MAX_VALUE_BYTES = 200;

export const runPrefix = (run: RunId): string => `v1/runs/${run.namespace}/${run.runUid}/`;
export const runningKey = (run: RunId): string => `${runPrefix(run)}running.json`;
export const recordKey = (run: RunId): string => `${runPrefix(run)}record.json`;

const logPath = (id: LogId): string =>
  `${id.namespace}/${id.runUid}/${id.taskRunUid}/${id.attempt}/${id.container}${id.restart > 0 ? `.${id.restart}` : ""}/`;

/** Every segment of a log is below it, in the order of the text. */
export const segmentPrefix = (id: LogId): string => `v1/runs/${logPath(id)}`;
/** Every chunk of a log is below it, in the order of the text. */
export const chunkPrefix = (id: LogId): string => `v1/live/${logPath(id)}`;
/** Every chunk of a run is below it. */
export const liveRunPrefix = (run: RunId): string => `v1/live/${run.namespace}/${run.runUid}/`;

export const segmentKey = (id: LogId, at: Position): string =>
  `${segmentPrefix(id)}${formatPosition(at)}${SEGMENT_SUFFIX}`;
export const chunkKey = (id: LogId, at: Position): string => `${chunkPrefix(id)}${formatPosition(at)}`;

/** A stretch that begins inside a line adds its offset; `_` sorts behind `.`, so that keys stay in the text's order. */
function formatPosition({ line, offset }: Position): string {
  const digits = (n: number) => String(n).padStart(LINE_DIGITS, "0");
  return offset === 0 ? digits(line) : `${digits(line)}_${digits(offset)}`;
}

const POSITION = /^(\d{12})(?:_(\d{12}))?$/;

function parsePosition(text: string): Position | undefined {
  const match = POSITION.exec(text);
  if (!match) return undefined;
  return { line: Number(match[1]), offset: Number(match[2] ?? 0) };
}

export type ParsedKey =
  | { type: "running" | "record"; run: RunId }
  | { type: "segment" | "chunk"; log: LogId; at: Position };

/** The inverse of runningKey, recordKey, segmentKey and chunkKey; undefined for a key of another kind. */
export function parseKey(key: string): ParsedKey | undefined {
  const [version, area, namespace, runUid, ...rest] = key.split("/");
  if (version !== "v1" || !namespace || !runUid) return undefined;
  if (area === "runs" && rest.length === 1) {
    if (rest[0] === "running.json") return { type: "running", run: { namespace, runUid } };
    if (rest[0] === "record.json") return { type: "record", run: { namespace, runUid } };
    return undefined;
  }
  if ((area !== "runs" && area !== "live") || rest.length !== 4) return undefined;
  const [taskRunUid, attempt, containerRun, name] = rest as [string, string, string, string];
  const run = /^([^.]+)(?:\.([1-9]\d*))?$/.exec(containerRun);
  const suffix = area === "runs" ? SEGMENT_SUFFIX : "";
  if (!run?.[1] || !/^\d+$/.test(attempt) || !name.endsWith(suffix)) return undefined;
  const at = parsePosition(name.slice(0, name.length - suffix.length));
  if (!at) return undefined;
  const log = {
    namespace,
    runUid,
    taskRunUid,
    attempt: Number(attempt),
    container: run[1],
    restart: Number(run[2] ?? 0),
  };
  return { type: area === "runs" ? "segment" : "chunk", log, at };
}

/** The ways to find a run, each with the values it is found by. `open` holds the runs that still need work. */
export type IndexName =
  | { by: "name"; values: [namespace: string, kind: string, name: string] }
  | { by: "namespace"; values: [namespace: string] }
  | { by: "pull"; values: [repository: string, number: string] }
  | { by: "repository"; values: [repository: string] }
  | { by: "commit"; values: [repository: string, commit: string] }
  | { by: "pipeline"; values: [namespace: string, pipeline: string] }
  | { by: "check"; values: [namespace: string, check: string] }
  | { by: "pod"; values: [namespace: string, pod: string] }
  | { by: "build"; values: [namespace: string, build: string] }
  | { by: "open"; values: [namespace: string] };

/** All entries of one index value are below it, newest run first. */
export function indexPrefix({ by, values }: IndexName): string {
  return `v1/index/${by}/${values.map(encodeValue).join("/")}/`;
}

/** Below it, by delimiter, one prefix per first value. */
export const indexRoot = (by: IndexName["by"]): string => `v1/index/${by}/`;

export function entryKey(index: IndexName, createdAt: Date, runUid: string): string {
  return `${indexPrefix(index)}${invertTime(createdAt)}-${runUid}.json`;
}

/** What an entry's key alone tells; undefined for a key of another kind. */
export function parseEntryKey(
  key: string,
): { by: string; values: string[]; createdAt: Date; runUid: string } | undefined {
  const [version, area, by, ...rest] = key.split("/");
  const match = /^(\d{13})-(.+)\.json$/.exec(rest.pop() ?? "");
  if (version !== "v1" || area !== "index" || !by || !match?.[1] || !match[2]) return undefined;
  return { by, values: rest.map(decodeValue), createdAt: new Date(LAST_MS - Number(match[1])), runUid: match[2] };
}

/** Sorts before every entry of a run that was created at or before this time, for paging. */
export const entriesBefore = (index: IndexName, time: Date): string => `${indexPrefix(index)}${invertTime(time)}`;

function invertTime(time: Date): string {
  const ms = Math.min(Math.max(time.getTime(), 0), LAST_MS);
  return String(LAST_MS - ms).padStart(13, "0");
}

/**
 * Percent-encoding that leaves only letters, digits, `-` and `_` (so no value can be `..` or hold a `/`); what is
 * too long for a path segment ends in its hash instead.
 */
function encodeValue(value: string): string {
  const encoded = encodeURIComponent(value.toWellFormed()).replace(
    /[.!~*'()]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  if (encoded !== "" && encoded.length <= MAX_VALUE_BYTES) return encoded;
  const hash = createHash("sha256").update(value).digest("hex").slice(0, 32);
  return `${encoded.slice(0, MAX_VALUE_BYTES - 34).replace(/%.?$/, "")}~${hash}`;
}

function decodeValue(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // Only a foreign object has such a name; it is shown as it is.
    return encoded;
  }
}
