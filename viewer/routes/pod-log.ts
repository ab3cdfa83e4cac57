import { type Context, Hono } from "hono";
import type { Entry } from "../../archive/entry.ts";
import type { ContainerRow, RunRecord } from "../../archive/record.ts";
import { isNamespace } from "../../settings.ts";
import { isContainer, isName } from "../address.ts";
import { pageSignal } from "../body.ts";
import { answerLog } from "../log-answer.ts";
import { gone, takeReadable } from "../lookup.ts";
import { badRequest, Problem } from "../problem.ts";
import { parseSwitch } from "../run-query.ts";
import { type Site, shows } from "../site.ts";
import { parseTime } from "../window.ts";

/** Runs whose pods had one name that are told apart by their times. */
const SAME_POD = 50;
/** How far the Dashboard's times and an attempt's may be apart: clocks differ, and some times are a container's. */
const SLACK_MS = 10 * 60_000;

/**
 * Tekton Dashboard's `--external-logs`: `/logs/<ns>/<pod>/<container>[?startTime=&completionTime=]`. Nothing but
 * text is ever sent: the Dashboard fails on anything else, and serves what it gets from its own origin.
 */
export function podLogRoutes(site: Site): Hono {
  return new Hono().get("/logs/:namespace/:pod/:container", async (c) => {
    const { namespace = "", pod = "", container = "" } = c.req.param();
    if (!isNamespace(namespace) || !isName(pod) || !isContainer(container))
      throw badRequest("These are no names of Kubernetes.");
    const params = new URL(c.req.url).searchParams;
    const timestamps = parseSwitch(params, "timestamps") ?? true;
    const times = parseTimes(params);
    const signal = pageSignal(c);
    const entries = shows(site, namespace)
      ? await takeReadable(site, { by: "pod", values: [namespace, pod] }, SAME_POD, signal)
      : [];
    const entry = chosen(entries, times);
    if (!entry) throw unknown(namespace, pod, container);
    const record = await site.archive.run({ namespace, runUid: entry.run.uid }, signal);
    if (!record) throw gone(entry);
    const found = findContainer(record, entry, container);
    if (!found) throw unknown(namespace, pod, container);
    return answer(c, site, record, found, { timestamps }, signal);
  });
}

async function answer(
  c: Context,
  site: Site,
  record: RunRecord,
  found: ContainerRow,
  options: { timestamps: boolean },
  signal: AbortSignal,
): Promise<Response> {
  const open = (signal: AbortSignal) => site.archive.logOf(record, found, signal);
  const reader = await open(signal);
  const headers = { "Cache-Control": record.final ? "no-cache" : "no-store" };
  return answerLog(c, site, { reader, lines: { from: 1, to: reader.lines }, ...options, headers, open });
}

const unknown = (namespace: string, pod: string, container: string): Problem =>
  new Problem(404, "No such log", `No log of container ${container} of pod ${pod} in ${namespace} is archived.`);

/** In ms since 1970. */
type Times = { start: number | undefined; end: number | undefined };

/** @throws Problem */
function parseTimes(params: URLSearchParams): Times {
  const time = (name: string) => {
    const value = params.get(name);
    return value ? Date.parse(parseTime(name, value)) : undefined;
  };
  return { start: time("startTime"), end: time("completionTime") };
}

/**
 * Pod names are used again: the attempt that began nearest to the asked-for time, if it can have been running then
 * at all, for a wrong log is worse than none. Without times the newest.
 */
function chosen(entries: readonly Entry[], { start, end }: Times): Entry | undefined {
  const [from, to] = [start ?? end, end ?? start];
  if (from === undefined || to === undefined) return entries[0];
  const spans = entries.map((entry) => {
    const began = Date.parse(entry.pod?.startedAt ?? entry.startedAt ?? entry.createdAt);
    const ended = Date.parse(entry.pod?.completedAt ?? entry.completedAt ?? "") || Number.POSITIVE_INFINITY;
    return { entry, began, distance: start !== undefined ? Math.abs(began - from) : Math.abs(ended - to), ended };
  });
  return spans
    .filter(({ began, ended }) => began - SLACK_MS <= to && from <= ended + SLACK_MS)
    .toSorted((a, b) => a.distance - b.distance)[0]?.entry;
}

/**
 * A container that was restarted has several logs and one address. The first run is the one that did the work:
 * what Tekton restarts is a sidecar, with an image that does nothing. Only if it has no line another is given.
 */
function findContainer(record: RunRecord, { pod }: Entry, name: string): ContainerRow | undefined {
  const task = record.tasks.find(({ taskRun }) => taskRun.uid === pod?.taskRunUid);
  const attempt = task?.attempts.find(({ number }) => number === pod?.attempt);
  const runs = attempt?.containers
    .filter((container) => container.name === name)
    .toSorted((a, b) => a.restart - b.restart);
  const container =
    runs?.find(({ log }) => log.lines > 0) ?? runs?.find(({ log }) => log.state !== "none") ?? runs?.[0];
  return task && attempt && container && { task, attempt, container };
}
