import { type Context, Hono } from "hono";
import type { Entry } from "../../archive/entry.ts";
import type { IndexName } from "../../archive/keys.ts";
import { isNamespace } from "../../settings.ts";
import { isBuild } from "../address.ts";
import { pageSignal } from "../body.ts";
import { listRuns, PAGE_RUNS, parseBefore, parseStatus, passing } from "../listing.ts";
import { allRuns, runAddress, takeReadable } from "../lookup.ts";
import { type Format, splitSuffix } from "../negotiation.ts";
import { filters, namespaceList, nothingArchived, nothingMatches } from "../pages/home.ts";
import { html } from "../pages/html.ts";
import { badRequest, Problem } from "../problem.ts";
import { directHit, matcher } from "../search.ts";
import { type Site, shownNamespaces, shows } from "../site.ts";
import { answerList } from "./list.ts";

const inNamespace = (namespace: string): IndexName => ({ by: "namespace", values: [namespace] });

/** `/`: newest runs, search, and the addresses of years past (`/?buildid=&namespace=`). */
export function homeRoutes(site: Site): Hono {
  const answer = (c: Context) => {
    const format = splitSuffix(c.req.path).format;
    return c.req.query("buildid") === undefined ? newestRuns(c, site, format) : legacyBuild(c, site, format);
  };
  return new Hono().get("/", answer).get("/.txt", answer).get("/.json", answer);
}

async function newestRuns(c: Context, site: Site, format: Format | undefined): Promise<Response> {
  const signal = pageSignal(c);
  const { q: words = "", namespace = "", status: wanted, before } = c.req.query();
  const q = words.trim();
  const status = parseStatus(wanted);
  const cursor = parseBefore(before);
  if (namespace && !isNamespace(namespace)) throw badRequest("That is no name of a namespace.");
  if (namespace && !shows(site, namespace))
    throw new Problem(404, "There are no runs", `No run in ${namespace} is archived.`, { links: [allRuns] });
  const namespaces = await shownNamespaces(site, signal);
  const isFirst = !status && !namespace && !cursor;
  const hit = q && isFirst ? await directHit(site, q, namespaces, signal) : undefined;
  if (hit) return c.redirect(hit, 302);
  const passes = passing(status);
  const holds = matcher(site, q);
  const runs = await listRuns(site, (namespace ? [namespace] : namespaces).map(inNamespace), {
    before: cursor,
    matches: (entry) => passes(entry) && holds(entry),
    signal,
  });
  const isFiltered = q !== "" || status !== undefined || namespace !== "" || cursor !== undefined;
  return answerList(c, format, {
    site,
    title: q ? `${q}: runs` : "Runs",
    crumbs: [{ text: q ? `Search: ${q}` : "All runs" }],
    head: html`<h1 class="vh">Newest runs</h1>
${filters({ q, status: status?.name, namespace, namespaces, hasSearch: true })}`,
    aside: namespaceList(namespaces),
    runs,
    path: "/",
    params: { q: q || undefined, namespace: namespace || undefined, status: status?.name, before: cursor },
    empty: isFiltered ? nothingMatches(q ? `matches “${q}”` : "is like that") : nothingArchived(site.namespaces),
    searched:
      q || status ? "names, pull requests, commits, checks and what happened, not the text of logs." : undefined,
  });
}

/** Tekton's own log app linked runs by their build id; those links are in years of comments. */
async function legacyBuild(c: Context, site: Site, format: Format | undefined): Promise<Response> {
  const { buildid = "", namespace = "" } = c.req.query();
  if (!isBuild(buildid)) throw badRequest("buildid is a number or a UUID.");
  if (!isNamespace(namespace)) throw badRequest("A build id is looked up in a namespace: add &namespace=<name>.");
  const entries: Entry[] = shows(site, namespace)
    ? await takeReadable(site, { by: "build", values: [namespace, buildid] }, PAGE_RUNS, pageSignal(c))
    : [];
  const runs = entries.filter((entry) => !entry.notification);
  const [only] = runs;
  if (!only) {
    const words = `No run in ${namespace} has the build id ${buildid}. What ran before archiving began was never read.`;
    throw new Problem(404, "No run has this build id", words, { links: [allRuns] });
  }
  if (runs.length === 1) return c.redirect(runAddress(only), 302);
  return answerList(c, format, {
    site,
    title: `Build ${buildid}`,
    crumbs: [{ text: namespace, href: `/namespaces/${namespace}` }, { text: `build ${buildid}` }],
    head: html`<header class="head"><h1 class="hd">Build ${buildid} <small>${runs.length} runs</small></h1></header>`,
    runs: { entries: runs, looked: runs.length, damaged: 0 },
    path: "/",
    params: { buildid, namespace },
    empty: html``,
  });
}
