import { isUid, type LogChoice } from "./address.ts";
import { checkOrder, type Moment, parseMoment } from "./moment.ts";
import { type Format, namedFormat } from "./negotiation.ts";
import { badRequest } from "./problem.ts";
import { type LineRange, parseCount, parseLines, parseWindow, type WindowRequest } from "./window.ts";

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
  /** A part of the page, for its script. */
  fragment?: string;
  /** The last line that the script has. */
  after: number;
  /** Of what a stream of events tells: of the run alone, or of the chosen log too. */
  events: "all" | "run";
};

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
    ...(fragment && { fragment }),
    after: parseCount("after", params.get("after") || "0"),
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
  if (!format) throw badRequest("format is text, json or html.");
  return format;
}

/** @throws Problem */
function parseEvents(text: string | null): RunQuery["events"] {
  if (!text || text === "all") return "all";
  if (text === "run") return "run";
  throw badRequest("events is all or run.");
}

/** undefined where it is not said. @throws Problem */
export function parseSwitch(params: URLSearchParams, name: string): boolean | undefined {
  const value = params.get(name);
  if (!value) return undefined;
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw badRequest(`${name} is true or false.`);
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
