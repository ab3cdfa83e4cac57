import { query } from "../address.ts";
import type { Page } from "../listing.ts";
import type { Site } from "../site.ts";
import { count, date } from "../time.ts";
import { type Html, html } from "./html.ts";
import { type Crumb, page } from "./layout.ts";
import { runsTable } from "./runs.ts";

export type ListOptions = {
  site: Site;
  title: string;
  crumbs: readonly Crumb[];
  /** Above the list. */
  head?: Html | undefined;
  aside?: Html | undefined;
  runs: Page;
  /** Path and query of this list, without where it begins. */
  path: string;
  params: Record<string, string | undefined>;
  /** What to say when there is nothing to show. */
  empty: Html;
  /** What was searched for, to say how far. */
  searched?: string | undefined;
};

/** A list of runs with the way to older ones. */
export function listPage(options: ListOptions): Html {
  const { site, title, crumbs, head, aside, runs, path, params } = options;
  const { before: _, ...filters } = params;
  return page(site.assets, {
    title,
    crumbs,
    faces: { text: `${suffixed(path, ".txt")}${query(params)}`, json: `${suffixed(path, ".json")}${query(params)}` },
    canonical: site.url && `${site.url}${path}${query(params)}`,
    hasSearch: path !== "/",
    main: html`${head}
<div class="two"><section aria-labelledby="n"><h2 id="n" class="vh">Newest runs</h2>
${runs.entries.length > 0 ? runsTable(runs.entries, site.now()) : options.empty}${remarks(options)}${
  runs.next && html`<p class="sm"><a href="${path}${query({ ...filters, before: runs.next })}">Older runs</a></p>`
}</section>
${aside}</div>`,
  });
}

export const suffixed = (path: string, suffix: string): string => `${path}${suffix}`;

export const damagedWords = (damaged: number): string =>
  `${count(damaged)} ${damaged === 1 ? "entry" : "entries"} of this list cannot be read and ${damaged === 1 ? "is" : "are"} left out.`;

/** What a reader cannot see: that the list was looked through only so far, or that something could not be read. */
function remarks({ runs, searched }: ListOptions): Html | undefined {
  const damaged = runs.damaged > 0 && damagedWords(runs.damaged);
  const far =
    searched &&
    `Looked through ${runs.next ? "the newest" : "all"} ${count(runs.looked)} runs${runs.oldest ? ` since ${date(runs.oldest)}` : ""}: ${searched}`;
  return damaged || far ? html`<p class="sm mut">${[far, damaged].filter(Boolean).join(" ")}</p>` : undefined;
}
