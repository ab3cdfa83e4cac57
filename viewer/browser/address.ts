/** What stands behind a page's `#`, and what lines are called in addresses. Pure. */

export type Lines = { from: number; to: number };

/** `#L10`, `#L10-L20`, `#10-20`, `#step:10-20`; undefined for what names no line. */
export function parseHash(hash: string): (Lines & { step?: string }) | undefined {
  const [, step, first, second = first] = /^#(?:([^:]+):)?L?(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(hash) ?? [];
  const [one, other] = [Number(first), Number(second)];
  if (!first || one < 1 || other < 1) return undefined;
  const lines = { from: Math.min(one, other), to: Math.max(one, other) };
  return step === undefined ? lines : { ...lines, step: decoded(step) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % stands for itself
  }
}

export const hashOf = ({ from, to }: Lines): string => (from === to ? `#L${from}` : `#L${from}-L${to}`);
export const rangeOf = ({ from, to }: Lines): string => (from === to ? `${from}` : `${from}-${to}`);

/** Where a page's lines are named, all of them for the server. */
const PLACES = ["line", "lineNumber", "lines", "tail", "t", "hit"];

/** A query with other values, without what names another place in the log. undefined takes a value away. */
export function withPlace(search: string, changes: Record<string, string | undefined>): string {
  const params = new URLSearchParams(search);
  for (const name of PLACES) params.delete(name);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) params.delete(name);
    else params.set(name, value);
  }
  return params.size > 0 ? `?${params}` : "";
}

/** Where the Dashboard's `/#/namespaces/…`, which no server sees, leads here; undefined for what is none. */
export function dashboardPath(hash: string): string | undefined {
  if (!hash.startsWith("#/")) return undefined;
  const url = new URL(hash.slice(1), "http://dashboard");
  const path = url.pathname.match(/^\/namespaces\/[^/]+(\/(pipelineruns|taskruns)(\/[^/]+)?)?/)?.[0] ?? "/";
  const pipeline = url.searchParams.get("labelSelector")?.match(/tekton\.dev\/pipeline=([^,]+)/)?.[1];
  const list = path.match(/(.*)\/(pipelineruns|taskruns)$/)?.[1];
  const ofPipeline = pipeline ? `/pipelines/${encodeURIComponent(pipeline)}` : "";
  return list ? list + ofPipeline : path + url.search;
}
