import type { Context } from "hono";
import type { RunRecord } from "../../archive/record.ts";
import { type RunName, runPath } from "../address.ts";
import { ending, PATIENCE_MS, pageSignal, streamed } from "../body.ts";
import { logEvents, runEvents } from "../live/run-events.ts";
import { findRun, noSuchRun } from "../lookup.ts";
import { badRequest, Problem } from "../problem.ts";
import type { RunQuery } from "../run-query.ts";
import { select } from "../selection.ts";
import { type Site, shows } from "../site.ts";

const EVENTS = "text/event-stream";
const HEADERS = {
  "Content-Type": EVENTS,
  "Cache-Control": "no-store",
  // nginx, and those who took its word over, would collect events before they pass them on.
  "X-Accel-Buffering": "no",
  Vary: "Accept",
};

export const wantsEvents = (c: Context): boolean =>
  (c.req.header("Accept") ?? "").split(",").some((type) => type.split(";")[0]?.trim().toLowerCase() === EVENTS);

/**
 * What happens to a run and to one of its logs, as server-sent events, from the line on that the client has. Without
 * a log (a task that has not begun), or with `events=run`, only what happens to the run.
 */
export async function runEventStream(c: Context, site: Site, name: RunName, asked: RunQuery): Promise<Response> {
  const { live } = site;
  const after = lastEventId(c) ?? asked.after;
  const leave = live.admit();
  try {
    const record = await recordOf(c, site, name, asked.choice.uid);
    const selection = select(record, asked.choice);
    if (selection.type === "unknown" && record.final)
      throw new Problem(404, "This run has no such log", `${selection.words}.`, {
        links: [{ href: runPath(record.run), text: `The run ${record.run.name}` }],
      });
    if (c.req.method === "HEAD") {
      leave();
      return c.body(null, 200, HEADERS);
    }
    if (selection.type === "log" && asked.events !== "run") {
      const { value, release } = await live.followLog(record, selection);
      const events = (signal: AbortSignal) => logEvents(value, { selection, after, rows: live.rows }, signal);
      return await answer(c, site, events, [release, leave]);
    }
    const { value, release } = await live.followRun(record);
    return await answer(c, site, (signal) => runEvents(value, signal), [release, leave]);
  } catch (error) {
    leave();
    throw error;
  }
}

function answer(
  c: Context,
  site: Site,
  events: (signal: AbortSignal) => AsyncGenerator<Buffer>,
  endings: (() => void)[],
): Promise<Response> {
  return streamed(c, site, HEADERS, (signal) => ending(events(signal), endings), {
    stallMs: site.live.stallMs,
    stop: site.live.signal,
  });
}

/**
 * What others follow already is known; else it is looked up, once for all who ask at the same time.
 * @throws Problem 404, 410
 */
async function recordOf(c: Context, site: Site, name: RunName, uid: string | undefined): Promise<RunRecord> {
  const { live } = site;
  const { kind, namespace } = name;
  const followed = async (uid: string) => {
    const record = shows(site, namespace) ? await live.recordOf(namespace, uid) : undefined;
    return record?.run.name === name.name && record.run.kind === kind ? record : undefined;
  };
  const lookUp = async () => {
    const signal = AbortSignal.any([live.signal, AbortSignal.timeout(PATIENCE_MS)]);
    return (await findRun(site, name, uid, signal))?.record;
  };
  const record = await live.lookups.find(name, uid, { followed, lookUp });
  if (!record) throw await noSuchRun(site, name, pageSignal(c));
  return record;
}

/** @throws Problem */
function lastEventId(c: Context): number | undefined {
  const id = c.req.header("Last-Event-ID")?.trim();
  if (!id) return undefined;
  if (!/^\d{1,12}$/.test(id)) throw badRequest("Last-Event-ID is the number of a line.");
  return Number(id);
}
