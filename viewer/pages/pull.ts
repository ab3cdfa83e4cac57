import type { Entry } from "../../archive/entry.ts";
import type { Place } from "../../archive/record.ts";
import { commitPath, pipelinePath, query, repositoryPath } from "../address.ts";
import { forgeLinks } from "../forge.ts";
import type { Page } from "../listing.ts";
import { runAddress } from "../lookup.ts";
import type { Site } from "../site.ts";
import { between, dateTime, duration } from "../time.ts";
import { type Html, html } from "./html.ts";
import { badge, capital, type Look, lookOf } from "./icons.ts";
import { page } from "./layout.ts";
import { damagedWords } from "./list.ts";
import { runTitle, shortCommit } from "./names.ts";

export type PullPageOptions = {
  site: Site;
  repository: string;
  pull: number;
  runs: Page;
  /** Of the newest run: where the pull request itself is. */
  place: Place | undefined;
  path: string;
  before: string | undefined;
};

/** The runs of one commit, by check, newest first. */
type Column = { commit: string; newest: Entry; cells: Map<string, Entry[]> };

/** A pull request: checks down, commits across, newest first. */
export function pullPage({ site, repository, pull, runs, place, path, before }: PullPageOptions): Html {
  const columns = columnsOf(runs.entries);
  const checks = [...new Set(runs.entries.map(checkOf))].sort();
  const now = site.now();
  const state = stateOf(columns[0]);
  const link = place && forgeLinks(place).find(({ text }) => text === "pull request");
  const [newest] = runs.entries;
  const older = runs.next ?? before;
  return page(site.assets, {
    title: `${state.mark} ${state.words} · ${repository} #${pull}`,
    description: state.sentence,
    crumbs: [
      ...repository
        .split("/")
        .map((text, i, all) => (i === all.length - 1 ? { text, href: repositoryPath(repository) } : { text })),
      { text: `pull ${pull}` },
    ],
    faces: { text: `${path}.txt`, json: `${path}.json` },
    canonical: site.url && `${site.url}${path}`,
    main: html`<header class="head"><div>
<h1 class="hd">${badge(state.look, state.words)} ${repository} #${pull}</h1>
<p class="why">${state.sentence}${link && html` <a href="${link.href}">Pull request on ${link.site}</a>`}</p>
<dl class="facts"><div><dt>Commits</dt><dd>${columns.length}</dd></div><div><dt>Runs</dt><dd>${runs.entries.length}${runs.next && " newest"}</dd></div>${newest && html`<div><dt>Last run</dt><dd><time datetime="${newest.createdAt}">${dateTime(newest.createdAt)}</time></dd></div>`}<div><dt>Logs</dt><dd>${logsOf(runs.entries)}</dd></div></dl>
</div></header>
<section class="sec"><div class="bar-h"><h2 id="m">Checks by commit</h2><span class="mut sm">Newest commit first. A cell shows the last try; older tries are folded.</span></div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="m"><table class="matrix"><thead><tr><td></td>
${columns.map((column) => head(column, repository))}</tr></thead><tbody>
${checks.map((check) => row(check, columns, now))}</tbody></table></div>${
      runs.damaged > 0 && html`<p class="sm mut">${damagedWords(runs.damaged)}</p>`
    }${
      older &&
      html`<p class="sm">${runs.next && html`<a href="${path}${query({ before: runs.next })}">Older runs</a>`}${before && html` <a href="${path}">Newest runs</a>`}</p>`
    }</section>`,
  });
}

const checkOf = ({ check, pipeline, run }: Entry): string => check ?? pipeline ?? runTitle(run).title;

/** Entries come newest first, so that commits appear in the order of their newest runs. */
function columnsOf(entries: readonly Entry[]): Column[] {
  const columns = new Map<string, Column>();
  for (const entry of entries) {
    const commit = entry.commit ?? "";
    const column = columns.get(commit) ?? { commit, newest: entry, cells: new Map() };
    columns.set(commit, column);
    const check = checkOf(entry);
    column.cells.set(check, [...(column.cells.get(check) ?? []), entry]);
  }
  return [...columns.values()];
}

type State = { look: Look; words: string; mark: string; sentence: string };

/** How the newest commit stands: the last try of each check counts. */
function stateOf(column: Column | undefined): State {
  const last = [...(column?.cells ?? [])].flatMap(([check, [entry]]) => (entry ? { check, entry } : []));
  const named = (tone: Look["tone"]) => last.filter(({ entry }) => lookOf(entry.status).tone === tone);
  const [bad, running] = [named("bad"), last.filter(({ entry }) => ["running", "waiting"].includes(entry.status))];
  const of = `${last.length} ${last.length === 1 ? "check" : "checks"}`;
  const failed = bad.length > 0 && `${listed(bad.map(({ check }) => check))} failed`;
  const goesOn =
    running.length > 0 &&
    `${listed(running.map(({ check }) => check))} ${running.length === 1 ? "is" : "are"} still running`;
  const told =
    [failed, goesOn].filter(Boolean).join(", ") ||
    `${last.length === 1 ? "its check" : `all ${of}`} ended without a failure`;
  const sentence = `${column?.commit ? `Newest commit ${shortCommit(column.commit)}` : "Newest runs"}: ${told}.`;
  if (bad.length > 0) return { look: lookOf("failed"), words: `${bad.length} of ${of} failed`, mark: "✗", sentence };
  if (running.length > 0)
    return { look: lookOf("running"), words: `${running.length} of ${of} running`, mark: "●", sentence };
  if (named("ok").length === last.length)
    return {
      look: lookOf("succeeded"),
      words: capital(`${last.length === 1 ? "its check" : `all ${of}`} succeeded`),
      mark: "✓",
      sentence,
    };
  return { look: lookOf("cancelled"), words: "No check failed", mark: "–", sentence };
}

const listed = (names: string[]): string =>
  names.length <= 2 ? names.join(" and ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;

function logsOf(entries: readonly Entry[]): string {
  const sum = (of: (logs: Entry["logs"]) => number) => entries.reduce((total, { logs }) => total + of(logs), 0);
  const [total, whole, open] = [sum((logs) => logs.total), sum((logs) => logs.whole), sum((logs) => logs.open)];
  if (total === whole) return total === 0 ? "none" : `all ${total} whole`;
  return `${whole} of ${total} whole${open > 0 ? `, ${open} being written` : ""}`;
}

const head = ({ commit, newest }: Column, repository: string): Html =>
  html`<th scope="col">${commit ? html`<a href="${commitPath(repository, commit)}"><code>${shortCommit(commit)}</code></a>` : "no commit"} <span class="nw"><time datetime="${newest.createdAt}">${dateTime(newest.createdAt)}</time></span></th>`;

function row(check: string, columns: readonly Column[], now: Date): Html {
  const any = columns.flatMap(({ cells }) => cells.get(check) ?? [])[0];
  const name = any?.pipeline
    ? html`<a class="q" href="${pipelinePath(any.run.namespace, any.pipeline)}">${check}</a>`
    : check;
  return html`<tr><th scope="row">${name}</th>${columns.map(({ cells }) => cell(cells.get(check) ?? [], now))}</tr>
`;
}

function cell([last, ...older]: readonly Entry[], now: Date): Html {
  if (!last) return html`<td class="mut">Not run</td>`;
  const why = last.why && last.status !== "succeeded" && html`<a class="ex" href="${runAddress(last)}">${last.why}</a>`;
  const tries =
    older.length > 0 &&
    html`<details><summary>${older.length} older ${older.length === 1 ? "try" : "tries"}</summary><ul>${older.map(
      (entry) => html`<li>${run(entry)} <span class="mut">${took(entry, now)}</span></li>`,
    )}</ul></details>`;
  return html`<td>${run(last)} <span class="mut nw sm">${took(last, now)}</span>${why}${tries}</td>`;
}

const run = (entry: Entry): Html => html`<a class="q" href="${runAddress(entry)}">${badge(lookOf(entry.status))}</a>`;

function took({ status, startedAt, completedAt }: Entry, now: Date): string {
  const goesOn = status === "running" || status === "waiting";
  const ms = between(startedAt, completedAt ?? (goesOn ? now.toISOString() : undefined));
  return ms === undefined ? "" : `${status === "cancelled" ? "after " : ""}${duration(ms)}${goesOn ? " so far" : ""}`;
}
