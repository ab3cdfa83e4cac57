import { type Context, Hono } from "hono";
import { isNamespace } from "../../settings.ts";
import { choiceOf, isName, type LogChoice, query, type RunName, runPath } from "../address.ts";
import { pageSignal } from "../body.ts";
import { type FoundRun, findOwner, findRun, noSuchRun } from "../lookup.ts";
import { type Format, NEGOTIATED, preferredFormat, splitSuffix } from "../negotiation.ts";
import { badRequest, Problem } from "../problem.ts";
import { runJson } from "../run-json.ts";
import { parseRunQuery, type RunQuery } from "../run-query.ts";
import { select } from "../selection.ts";
import type { Site } from "../site.ts";
import { runEventStream, wantsEvents } from "./run-events.ts";
import { runHtml } from "./run-html.ts";
import { runTextAnswer } from "./run-text.ts";

/** A request for a run, understood. */
export type RunRequest = {
  c: Context;
  site: Site;
  found: FoundRun;
  asked: RunQuery;
  signal: AbortSignal;
};

const KINDS = { pipelineruns: "PipelineRun", taskruns: "TaskRun" } as const;

/** `/namespaces/<ns>/pipelineruns/<name>` and `/namespaces/<ns>/taskruns/<name>` */
export function runRoutes(site: Site): Hono {
  const answer = (kind: RunName["kind"]) => async (c: Context) => {
    const { namespace = "", name = "" } = c.req.param();
    if (!isNamespace(namespace)) throw badRequest("That is no name of a namespace.");
    if (!isName(name)) throw badRequest("That is no name of a run.");
    return answerRun(c, site, { kind, namespace, name });
  };
  const app = new Hono();
  for (const [part, kind] of Object.entries(KINDS)) app.get(`/namespaces/:namespace/${part}/:name`, answer(kind));
  return app;
}

async function answerRun(c: Context, site: Site, name: RunName): Promise<Response> {
  const asked = parseRunQuery(new URL(c.req.url).searchParams);
  if (!asked.format && wantsEvents(c)) return runEventStream(c, site, name, asked);
  const { choice } = asked;
  const signal = pageSignal(c);
  const { run, format: suffixed } = await findBySuffix(site, name, choice.uid, signal);
  if (!run) {
    const bare = { ...name, name: splitSuffix(name.name).bare };
    return (
      (await redirectToOwner(c, site, bare, choice, signal)) ?? Promise.reject(await noSuchRun(site, bare, signal))
    );
  }
  const request: RunRequest = { c, site, found: run, asked, signal };
  const selection = select(run.record, choice);
  const format = asked.format ?? suffixed;
  if (!format) c.header("Vary", NEGOTIATED);
  const face = format ?? preferredFormat(c);
  // A page can wait for what is not there yet; a text or JSON cannot.
  if (selection.type === "unknown" && (run.record.final || face !== "html")) {
    const links = [{ href: runPath(run.record.run), text: `The run ${run.record.run.name}` }];
    throw new Problem(404, "This run has no such log", `${selection.words}.`, { links });
  }
  switch (face) {
    case "json":
      return runJson(request);
    case "text":
      return runTextAnswer(request, selection);
    case "html":
      return runHtml(request, selection);
  }
}

/** A run whose own name ends like a format comes first. */
async function findBySuffix(
  site: Site,
  name: RunName,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<{ run?: FoundRun | undefined; format?: Format | undefined }> {
  const run = await findRun(site, name, uid, signal);
  const { bare, format } = splitSuffix(name.name);
  if (run || !format || !isName(bare)) return { run };
  return { run: await findRun(site, { ...name, name: bare }, uid, signal), format };
}

/** The TaskRun of a pipeline has its place in the pipeline's run. */
async function redirectToOwner(
  c: Context,
  site: Site,
  { kind, namespace, name }: RunName,
  choice: LogChoice,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const owner = kind === "TaskRun" ? await findOwner(site, namespace, name, signal) : undefined;
  const task = owner?.tasks.find((task) => task.taskRun.name === name);
  if (!owner || !task) return undefined;
  const { step, retry, kind: containerKind, restart } = choice;
  const place = { ...choiceOf(owner, task), taskRunName: name, step, retry, kind: containerKind, restart };
  return c.redirect(`${runPath(owner.run)}${query({ ...place, uid: owner.run.uid })}`, 302);
}
