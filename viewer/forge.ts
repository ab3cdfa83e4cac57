import type { Place } from "../archive/record.ts";
import type { SourceLink } from "./terminal/links.ts";

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

/** Where the lines of the run's files are, as they were at its commit; nothing without repository and commit. */
export function sourceLink({ repository, commit }: Place): SourceLink | undefined {
  const base = repository && webUrl(repository.url);
  if (!base || !commit) return undefined;
  const { filePart } = forgeOf(base);
  return (path, line) =>
    `${base}/${filePart}/${encodeURIComponent(commit)}/${path.split("/").map(encodeURIComponent).join("/")}#L${line}`;
}

/** A label is anybody's text: what is not http(s) is no link. */
function webUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return `${url.origin}${url.pathname.replace(/\/+$/, "").replace(/\.git$/, "")}`;
}

type Forge = { site: string; pullPart: string; commitPart: string; filePart: string };

function forgeOf(base: string): Forge {
  const { hostname } = new URL(base);
  const forge = { site: hostname, pullPart: "pull", commitPart: "commit", filePart: "blob" };
  if (hostname === "github.com") return { ...forge, site: "GitHub" };
  if (hostname.includes("gitlab")) {
    return { site: "GitLab", pullPart: "-/merge_requests", commitPart: "-/commit", filePart: "-/blob" };
  }
  if (/gitea|codeberg|forgejo/.test(hostname)) return { ...forge, pullPart: "pulls", filePart: "src/commit" };
  return forge;
}
