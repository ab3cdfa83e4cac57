import { type Severity, severitySchema } from "../archive/findings.ts";
import type { MarkerOptions } from "../archive/markers.ts";
import { isUid, type LogChoice } from "./address.ts";
import { type Pattern, parsePattern } from "./grep/pattern.ts";
import { checkOrder, type Moment, parseMoment } from "./moment.ts";
import { FORMATS, type Format, namedFormat } from "./negotiation.ts";
import { badRequest } from "./problem.ts";
import { ORDER, type SeverityFilter } from "./severity-filter.ts";
import { isTimeMode, type TimeMode } from "./time-column.ts";
import { type LineRange, parseCount, parseLines, parseWindow, type WindowRequest } from "./window.ts";

/** Lines around each of a filter. */
const CONTEXT = 2;
const MAX_CONTEXT = 20;

/** What the query of a run's address asks for. Pure: what is wrong is said before the archive is asked for anything. */
export type RunQuery = {
  /** Which log. */
  choice: LogChoice;
  /** Which of its lines a page shows. */
  window: WindowRequest;
  /** Which of its lines a text holds; at most one of the two. */
  lines?: LineRange;
  tail?: number;
  /** Between which times; with `tail` the last lines of those. */
  since?: Moment;
  until?: Moment;
  /** A text goes on as long as its log does. */
  follow: boolean;
  /** Wins over the address's suffix and what the client accepts. */
  format?: Format;
  /** Whether a text's lines begin with their times; undefined = as is usual for it. */
  timestamps?: boolean;
  /** A text of the whole run has sidecars and init containers too. */
  all: boolean;
  /** Markers of folds that are heeded only when asked for. */
  markers: MarkerOptions;
  /** Only lines that say so of themselves. */
  severity?: SeverityFilter;
  /** What to look for in the log. */
  grep?: GrepQuery;
  /** A part of the page, for its script. */
  fragment?: string;
  /** The last line that the script has. */
  after: number;
  /** What the time column shows; undefined = as is usual. */
  time?: TimeMode;
  /** Whether long lines wrap. */
  wraps: boolean;
  /** The whole log as one page, for the browser's own search. */
  isPlain: boolean;
  /** Of what a stream of events tells: of the run alone, or of the chosen log too. */
  events: "all" | "run";
};

export type GrepQuery = {
  pattern: Pattern;
  /** As the address has it, to stay with it. */
  values: { grep: string; regex?: string; case?: string };
  /** Lines around each hit of a text. */
  context: number;
  /** Whether the lines of a text begin with their numbers. */
  numbers: boolean;
  /** Which hit a page shows, from 1. */
  hit?: number;
  /** All logs of the run. */
  inAllSteps: boolean;
};

/** More is asked for as a text without grep. */
const MAX_HIT_CONTEXT = 1_000;

/** @throws Problem */
export function parseRunQuery(params: URLSearchParams): RunQuery {
  const [lines, tail, fragment] = ["lines", "tail", "fragment"].map((name) => params.get(name)?.trim());
  if (lines && tail) throw badRequest("lines and tail exclude each other.");
  const [since, until] = [parseOptional(params, "since"), parseOptional(params, "until")];
  if (lines && (since || until))
    throw badRequest("lines and times exclude each other: leave out lines, or since and until.");
  checkOrder(since, until);
  const follow = parseSwitch(params, "follow") ?? false;
  if (follow && until) throw badRequest("follow goes on until the log ends: leave out until.");
  const format = parseFormat(params);
  const timestamps = parseSwitch(params, "timestamps");
  const [time, view] = ["time", "view"].map((name) => params.get(name) || undefined);
  if (time !== undefined && !isTimeMode(time)) throw badRequest("time is off, clock, elapsed or delta.");
  if (view !== undefined && view !== "plain" && view !== "steps") throw badRequest("view is plain or steps.");
  const severity = parseSeverity(params);
  return {
    choice: parseChoice(params),
    window: parseWindow(params),
    ...(lines && { lines: parseLines("lines", lines) }),
    ...(tail && { tail: parseCount("tail", tail) }),
    ...(since && { since }),
    ...(until && { until }),
    follow,
    ...(format && { format }),
    ...(timestamps !== undefined && { timestamps }),
    all: parseSwitch(params, "all") ?? false,
    markers: parseFolds(params),
    ...(severity && { severity }),
    ...parseGrep(params),
    ...(fragment && { fragment }),
    after: parseCount("after", params.get("after") || "0"),
    ...(time && { time }),
    // A form that was sent says nothing of a box that is not checked.
    wraps: params.has("wrap") || !params.has("wrapping"),
    isPlain: view === "plain",
    events: parseEvents(params.get("events")),
  };
}

function parseOptional(params: URLSearchParams, name: string): Moment | undefined {
  const text = params.get(name)?.trim();
  return text ? parseMoment(name, text) : undefined;
}

/** @throws Problem */
function parseFormat(params: URLSearchParams): Format | undefined {
  const text = params.get("format");
  if (!text) return undefined;
  const format = namedFormat(text);
  if (!format) throw badRequest(`format is one of ${FORMATS.join(", ")}.`);
  return format;
}

/** @throws Problem */
function parseEvents(text: string | null): RunQuery["events"] {
  if (!text || text === "all") return "all";
  if (text === "run") return "run";
  throw badRequest("events is all or run.");
}

/** @throws Problem */
function parseFolds(params: URLSearchParams): MarkerOptions {
  const value = params.get("folds");
  if (!value) return {};
  if (value === "buildkite") return { buildkite: true };
  throw badRequest("folds is buildkite: then lines that begin with ---, +++ or ~~~ are headers.");
}

function parseGrep(params: URLSearchParams): { grep?: GrepQuery } {
  const grep = params.get("grep");
  if (!grep) return {};
  const [regex, isCaseSensitive] = [parseSwitch(params, "regex"), parseSwitch(params, "case")];
  const context = parseCount("context", params.get("context") || "0");
  if (context > MAX_HIT_CONTEXT) throw badRequest(`context is at most ${MAX_HIT_CONTEXT} lines.`);
  const hit = params.get("hit") ? parseCount("hit", params.get("hit") as string) : undefined;
  if (hit === 0) throw badRequest("hit counts from 1.");
  return {
    grep: {
      pattern: parsePattern(grep, regex ?? false, isCaseSensitive),
      values: {
        grep,
        ...(regex && { regex: "true" }),
        ...(isCaseSensitive !== undefined && { case: String(isCaseSensitive) }),
      },
      context,
      numbers: parseSwitch(params, "numbers") ?? false,
      inAllSteps: params.get("view") === "steps",
      ...(hit !== undefined && { hit }),
    },
  };
}

/** undefined where it is not said. @throws Problem */
export function parseSwitch(params: URLSearchParams, name: string): boolean | undefined {
  const value = params.get(name);
  if (!value) return undefined;
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw badRequest(`${name} is true or false.`);
}

/** @throws Problem, which names the parameter */
function parseSeverity(params: URLSearchParams): SeverityFilter | undefined {
  const value = params.get("severity");
  if (!value) return undefined;
  const parsed = severitySchema.safeParse(value.trim().toLowerCase());
  if (!parsed.success) throw badRequest(`severity is one of ${severitySchema.options.join(", ")}.`);
  const name = parsed.data;
  const isWithWorse = parseSwitch(params, "worse") ?? false;
  const wanted = isWithWorse ? ORDER.slice(0, ORDER.indexOf(name) + 1) : [];
  const context = params.get("context");
  const start = params.get("start");
  return {
    name,
    isWithWorse,
    wanted: new Set<Severity>([...wanted, name]),
    context: Math.min(MAX_CONTEXT, context ? parseCount("context", context) : CONTEXT),
    from: Math.max(1, start ? parseCount("start", start) : 1),
  };
}

function parseChoice(params: URLSearchParams): LogChoice {
  const text = (name: string): Record<string, string> => {
    const value = params.get(name);
    if (!value) return {};
    if (value.length > 253) throw badRequest(`${name} is too long.`);
    return { [name]: value };
  };
  const number = (name: string): Record<string, number> => {
    const value = params.get(name);
    if (!value) return {};
    if (!/^\d{1,4}$/.test(value)) throw badRequest(`${name} is a number, for example ${name}=0.`);
    return { [name]: Number(value) };
  };
  const uid = params.get("uid");
  if (uid && !isUid(uid)) throw badRequest("uid is the UID of a run.");
  return {
    ...text("uid"),
    ...text("pipelineTask"),
    ...text("taskRunName"),
    ...number("retry"),
    ...text("step"),
    ...text("kind"),
    ...number("restart"),
  };
}
