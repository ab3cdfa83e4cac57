import { type Severity, severitySchema } from "../archive/findings.ts";
import type { MarkerOptions } from "../archive/markers.ts";
import { isUid, type LogChoice } from "./address.ts";
import { badRequest } from "./problem.ts";
import { ORDER, type SeverityFilter } from "./severity-filter.ts";
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
  /** Whether a text's lines begin with their times; undefined = as is usual for it. */
  timestamps?: boolean;
  /** A text of the whole run has sidecars and init containers too. */
  all: boolean;
  /** Markers of folds that are heeded only when asked for. */
  markers: MarkerOptions;
  /** Only lines that say so of themselves. */
  severity?: SeverityFilter;
  /** A part of the page, for its script. */
  fragment?: string;
  /** The last line that the script has. */
  after: number;
};

/** @throws Problem */
export function parseRunQuery(params: URLSearchParams): RunQuery {
  const [lines, tail, fragment] = ["lines", "tail", "fragment"].map((name) => params.get(name)?.trim());
  if (lines && tail) throw badRequest("lines and tail exclude each other.");
  const timestamps = parseSwitch(params, "timestamps");
  const severity = parseSeverity(params);
  return {
    choice: parseChoice(params),
    window: parseWindow(params),
    ...(lines && { lines: parseLines("lines", lines) }),
    ...(tail && { tail: parseCount("tail", tail) }),
    ...(timestamps !== undefined && { timestamps }),
    all: parseSwitch(params, "all") ?? false,
    markers: parseFolds(params),
    ...(severity && { severity }),
    ...(fragment && { fragment }),
    after: parseCount("after", params.get("after") || "0"),
  };
}

/** @throws Problem */
function parseFolds(params: URLSearchParams): MarkerOptions {
  const value = params.get("folds");
  if (!value) return {};
  if (value === "buildkite") return { buildkite: true };
  throw badRequest("folds is buildkite: then lines that begin with ---, +++ or ~~~ are headers.");
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
