import type { Place } from "../archive/record.ts";

export type ForgeLink = { site: string; href: string; text: string };

/** Where a run's pull request and commit are on the site that hosts the repository. Only web addresses get out. */
export function forgeLinks({ repository, pull, commit }: Place): ForgeLink[] {
  const base = repository && webUrl(repository.url);
  if (!base) return [];
  const { site, pullPart, commitPart } = forgeOf(base);
  const links: ForgeLink[] = [];
  if (pull !== undefined) links.push({ site, href: `${base}/${pullPart}/${pull}`, text: "pull request" });
  if (commit) links.push({ site, href: `${base}/${commitPart}/${encodeURIComponent(commit)}`, text: "diff" });
  if (links.length === 0) links.push({ site, href: base, text: "repository" });
  return links;
}

/** A label is anybody's text: what is not http(s) is no link. */
function webUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return `${url.origin}${url.pathname.replace(/\/+$/, "").replace(/\.git$/, "")}`;
}

function forgeOf(base: string): { site: string; pullPart: string; commitPart: string } {
  const { hostname } = new URL(base);
  if (hostname === "github.com") return { site: "GitHub", pullPart: "pull", commitPart: "commit" };
  if (hostname.includes("gitlab")) return { site: "GitLab", pullPart: "-/merge_requests", commitPart: "-/commit" };
  if (/gitea|codeberg|forgejo/.test(hostname)) return { site: hostname, pullPart: "pulls", commitPart: "commit" };
  return { site: hostname, pullPart: "pull", commitPart: "commit" };
}
