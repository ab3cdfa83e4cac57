import { type Context, Hono } from "hono";
import type { IndexName } from "../../archive/keys.ts";
import { isNamespace } from "../../settings.ts";
import { isName, namespacePath, pipelinePath } from "../address.ts";
import { pageSignal } from "../body.ts";
import { isEmpty, listRuns, parseBefore, parseStatus, passing, statusWords } from "../listing.ts";
import { allRuns, runAddress } from "../lookup.ts";
import { type Format, splitSuffix } from "../negotiation.ts";
import { filters, nothingMatches } from "../pages/home.ts";
import { html } from "../pages/html.ts";
import type { Crumb } from "../pages/layout.ts";
import { badRequest, Problem } from "../problem.ts";
import { type Site, shows } from "../site.ts";
import { answerList } from "./list.ts";

type Listed = { index: IndexName; namespace: string; what: string; title: string; path: string; crumbs: Crumb[] };

/** `/namespaces/<ns>` and `/namespaces/<ns>/pipelines/<pipeline>`: runs, and the newest of a pipeline. */
export function namespaceRoutes(site: Site): Hono {
  const namespace = (c: Context) => {
    const { bare, format } = splitSuffix(c.req.param("namespace") ?? "");
    return answer(c, site, ofNamespace(bare), format);
  };
  // The Dashboard's own lists, of which links are around.
  const dashboard = (c: Context) => c.redirect(ofNamespace(c.req.param("namespace") ?? "").path, 302);
  const pipeline = (c: Context) => {
    const { namespace = "", pipeline = "" } = c.req.param();
    const { bare, format } = splitSuffix(pipeline);
    return answer(c, site, ofPipeline(namespace, bare), format);
  };
  const latest = (c: Context) => {
    const { namespace = "", pipeline = "" } = c.req.param();
    return redirectToLatest(c, site, ofPipeline(namespace, pipeline));
  };
  return new Hono()
    .get("/namespaces/:namespace", namespace)
    .get("/namespaces/:namespace/pipelineruns", dashboard)
    .get("/namespaces/:namespace/taskruns", dashboard)
    .get("/namespaces/:namespace/pipelines/:pipeline", pipeline)
    .get("/namespaces/:namespace/pipelines/:pipeline/latest", latest);
}

/** @throws Problem */
function ofNamespace(namespace: string): Listed {
  if (!isNamespace(namespace)) throw badRequest("That is no name of a namespace.");
  const index: IndexName = { by: "namespace", values: [namespace] };
  const path = namespacePath(namespace);
  return { index, namespace, what: `in ${namespace}`, title: namespace, path, crumbs: [{ text: namespace }] };
}

/** @throws Problem */
function ofPipeline(namespace: string, pipeline: string): Listed {
  if (!isNamespace(namespace) || !isName(pipeline)) throw badRequest("That is no name of a pipeline.");
  return {
    index: { by: "pipeline", values: [namespace, pipeline] },
    namespace,
    what: `of the pipeline ${pipeline} in ${namespace}`,
    title: pipeline,
    path: pipelinePath(namespace, pipeline),
    crumbs: [{ text: namespace, href: namespacePath(namespace) }, { text: pipeline }],
  };
}

const nothing = ({ what }: Listed): Problem =>
  new Problem(404, "There are no runs", `No run ${what} is archived.`, { links: [allRuns] });

async function answer(c: Context, site: Site, listed: Listed, format: Format | undefined): Promise<Response> {
  const { index, title, path, crumbs } = listed;
  const status = parseStatus(c.req.query("status"));
  const before = parseBefore(c.req.query("before"));
  if (!shows(site, listed.namespace)) throw nothing(listed);
  const runs = await listRuns(site, [index], {
    before,
    matches: passing(status),
    signal: pageSignal(c),
  });
  if (isEmpty(runs) && !before) throw nothing(listed);
  return answerList(c, format, {
    site,
    title,
    crumbs,
    head: html`<header class="head"><h1 class="hd">${title}</h1></header>
${filters({ status: status?.name, namespaces: [], hasSearch: false })}`,
    runs,
    path,
    params: { status: status?.name, before },
    empty: nothingMatches("is like that"),
    searched: statusWords(status),
  });
}

/** A stable address for scripts and bookmarks: the newest run, or the newest of a status. */
async function redirectToLatest(c: Context, site: Site, listed: Listed): Promise<Response> {
  const status = parseStatus(c.req.query("status"));
  if (!shows(site, listed.namespace)) throw nothing(listed);
  const runs = await listRuns(site, [listed.index], { matches: passing(status), limit: 1, signal: pageSignal(c) });
  const [newest] = runs.entries;
  c.header("Cache-Control", "no-store");
  if (newest) return c.redirect(runAddress(newest), 302);
  if (isEmpty(runs) || !status) throw nothing(listed);
  const words = `None of the newest ${runs.looked} runs ${listed.what} is ${status.name}.`;
  throw new Problem(404, "There is no such run", words, {
    links: [{ href: listed.path, text: `Runs of ${listed.title}` }],
  });
}
