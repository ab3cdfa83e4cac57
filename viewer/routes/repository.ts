import { type Context, Hono } from "hono";
import { repositoryValue } from "../../archive/entry.ts";
import type { IndexName } from "../../archive/keys.ts";
import { commitPath, isCommit, isPull, isRepository, pullPath, repositoryPath } from "../address.ts";
import { pageSignal } from "../body.ts";
import { listJson, listText } from "../list-text.ts";
import {
  isEmpty,
  LOOKED_THROUGH,
  listRuns,
  type Page,
  parseBefore,
  parseStatus,
  passing,
  type StatusFilter,
  statusWords,
} from "../listing.ts";
import { allRuns, nothingHere } from "../lookup.ts";
import { type Format, NEGOTIATED, preferredFormat, splitSuffix } from "../negotiation.ts";
import { pageAnswer } from "../page-answer.ts";
import { filters, nothingMatches } from "../pages/home.ts";
import { html } from "../pages/html.ts";
import { shortCommit } from "../pages/names.ts";
import { pullPage } from "../pages/pull.ts";
import { badRequest, Problem } from "../problem.ts";
import type { Site } from "../site.ts";
import { answerList } from "./list.ts";

/** What follows a repository's path, on the sites that people copy it from. */
const PULL = /^\/(.+?)\/(?:-\/merge_requests|pulls?)\/([^/]+)$/;
const COMMIT = /^\/(.+?)\/(?:-\/)?commit\/([^/]+)$/;

/** No owner of repositories: below these are Afterlog's own addresses. */
const OWN = ["namespaces", "logs", "assets", "api"];

/**
 * Pull requests, commits and repositories, as their own sites write them with another host in front. A repository
 * may lie below any number of groups, so that all of these are told apart by how they end.
 */
export function repositoryRoutes(site: Site): Hono {
  return new Hono().get("/:owner/:rest{.+}", (c) => {
    if (OWN.includes(c.req.param("owner"))) throw nothingHere();
    const path = decodePath(new URL(c.req.url).pathname);
    const { bare, format } = splitSuffix(path);
    const [, ofPull = "", pull] = PULL.exec(bare) ?? [];
    if (pull !== undefined) return answerPull(c, site, checked(ofPull), pull, format);
    const [, ofCommit = "", commit] = COMMIT.exec(bare) ?? [];
    if (commit !== undefined) return answerCommit(c, site, checked(ofCommit), commit, format);
    return answerRepository(c, site, checked(path.slice(1)), checked(bare.slice(1)), format);
  });
}

function decodePath(path: string): string {
  // A slash that is encoded belongs to a name, and no name may have one.
  if (/%2f|%00/i.test(path)) throw badRequest("That is no name of a repository.");
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest("Its percent-encoding is broken.");
  }
}

/** @throws Problem */
function checked(repository: string): string {
  const bare = repository.replace(/\/$/, "");
  if (isRepository(bare)) return bare;
  throw nothingHere();
}

const toRepository = (repository: string) => ({
  href: repositoryPath(repository),
  text: `Runs of ${repository}`,
});

async function answerPull(
  c: Context,
  site: Site,
  repository: string,
  pull: string,
  format?: Format,
): Promise<Response> {
  if (!isPull(pull)) throw badRequest("A pull request has a number.");
  const index: IndexName = { by: "pull", values: [repositoryValue(repository), pull] };
  const before = parseBefore(c.req.query("before"));
  const signal = pageSignal(c);
  const runs = await listRuns(site, [index], { before, limit: LOOKED_THROUGH, signal });
  const [newest] = runs.entries;
  if (isEmpty(runs) || !newest) {
    const words = `No run for ${repository} #${pull} is archived. It appears here the moment its first check starts.`;
    throw new Problem(404, "This pull request has no runs here", words, { links: [toRepository(repository)] });
  }
  const name = newest.repository ?? repository;
  const path = pullPath(name, Number(pull));
  c.header("Cache-Control", "no-cache");
  if (!format) c.header("Vary", NEGOTIATED);
  switch (format ?? preferredFormat(c)) {
    case "json":
      return c.json(listJson(site, runs, path, {}));
    case "text":
      return c.text(listText(site, runs, path, {}));
    case "html": {
      const record = await site.archive.run({ namespace: newest.run.namespace, runUid: newest.run.uid }, signal);
      return pageAnswer(
        c,
        pullPage({ site, repository: name, pull: Number(pull), runs, place: record?.place, path, before }),
      );
    }
  }
}

async function answerCommit(
  c: Context,
  site: Site,
  repository: string,
  commit: string,
  format?: Format,
): Promise<Response> {
  if (!isCommit(commit)) throw badRequest("A commit is 7 to 64 hexadecimal digits.");
  const sha = commit.toLowerCase();
  const value = repositoryValue(repository);
  const options = { before: parseBefore(c.req.query("before")), signal: pageSignal(c) };
  const exact = await listRuns(site, [{ by: "commit", values: [value, sha] }], options);
  // The index knows whole hashes; the beginning of one is looked for among the repository's newest runs.
  const runs =
    exact.looked > 0 || exact.damaged > 0 || sha.length >= 40
      ? exact
      : await listRuns(site, [{ by: "repository", values: [value] }], {
          ...options,
          matches: (entry) => entry.commit?.startsWith(sha) ?? false,
        });
  if (isEmpty(runs) || runs.entries.length === 0) {
    const words = `No run for commit ${sha} of ${repository} is archived.`;
    throw new Problem(404, "This commit has no runs here", words, { links: [toRepository(repository)] });
  }
  return answerOf(c, site, runs, {
    format,
    path: commitPath(repository, sha),
    title: `${repository} ${shortCommit(sha)}`,
    crumbs: [{ text: repository, href: repositoryPath(repository) }, { text: `commit ${shortCommit(sha)}` }],
  });
}

/** A repository whose own name ends like a format comes first. */
async function answerRepository(
  c: Context,
  site: Site,
  whole: string,
  bare: string,
  suffix?: Format,
): Promise<Response> {
  const status = parseStatus(c.req.query("status"));
  const options = {
    before: parseBefore(c.req.query("before")),
    matches: passing(status),
    signal: pageSignal(c),
  };
  const list = (name: string) => listRuns(site, [{ by: "repository", values: [repositoryValue(name)] }], options);
  const asWhole = await list(whole);
  const isBare = asWhole.looked === 0 && asWhole.damaged === 0 && whole !== bare;
  const runs = isBare ? await list(bare) : asWhole;
  const repository = isBare ? bare : whole;
  if (isEmpty(runs) && !options.before) {
    throw new Problem(404, "There are no runs", `No run of the repository ${repository} is archived.`, {
      links: [allRuns],
    });
  }
  return answerOf(c, site, runs, {
    format: isBare ? suffix : undefined,
    path: repositoryPath(repository),
    title: runs.entries[0]?.repository ?? repository,
    crumbs: [{ text: repository }],
    status,
    hasFilters: true,
  });
}

type Listed = {
  format: Format | undefined;
  path: string;
  title: string;
  crumbs: { text: string; href?: string }[];
  status?: StatusFilter | undefined;
  hasFilters?: boolean;
};

function answerOf(c: Context, site: Site, runs: Page, listed: Listed): Response | Promise<Response> {
  const { format, path, title, crumbs, status, hasFilters } = listed;
  return answerList(c, format, {
    site,
    title,
    crumbs,
    head: html`<header class="head"><h1 class="hd">${title}</h1></header>
${hasFilters && filters({ status: status?.name, namespaces: [], hasSearch: false })}`,
    runs,
    path,
    params: { status: status?.name, before: c.req.query("before") || undefined },
    empty: nothingMatches("is like that"),
    searched: statusWords(status),
  });
}
