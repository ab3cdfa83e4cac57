import type { Entry } from "../../archive/entry.ts";
import { commitPath, namespacePath, pullPath, repositoryPath } from "../address.ts";
import { runAddress } from "../lookup.ts";
import { ago, between, dateTime, duration } from "../time.ts";
import { type Html, html } from "./html.ts";
import { badge, icon, lookOf } from "./icons.ts";
import { runTitle, shortCommit } from "./names.ts";

/** Runs as a table, newest first. */
export const runsTable = (entries: readonly Entry[], now: Date): Html =>
  html`<table class="list stack"><thead><tr><th scope="col">Status</th><th scope="col">Run</th><th scope="col">For</th><th scope="col">What happened</th><th scope="col" class="num">Started</th><th scope="col" class="num">Took</th></tr></thead><tbody>
${entries.map((entry) => row(entry, now))}</tbody></table>`;

function row(entry: Entry, now: Date): Html {
  const { title, rest } = runTitle({ name: entry.run.name, pipeline: entry.pipeline, check: entry.check });
  const started = entry.startedAt ?? entry.createdAt;
  return html`<tr><td>${badge(lookOf(entry.status))}</td><th scope="row" class="full"><a href="${runAddress(entry)}">${title}</a>${rest && html` <span class="mut mono">${rest}</span>`}</th><td class="for full">${belongsTo(entry)}</td><td class="hap full">${happened(entry)}</td><td class="num mut"><time datetime="${started}" title="${dateTime(started)}">${ago(started, now)}</time></td><td class="num">${tookWords(entry, now)}</td></tr>
`;
}

/** How long it took, or has been running. */
export function tookWords({ status, startedAt, completedAt }: Entry, now: Date): string {
  const goesOn = status === "running" || status === "waiting";
  const took = between(startedAt, completedAt ?? (goesOn ? now.toISOString() : undefined));
  return took === undefined ? "" : duration(took);
}

function belongsTo({ repository, pull, commit, run }: Entry): Html {
  if (!repository) return html`<a class="q mut" href="${namespacePath(run.namespace)}">${run.namespace}</a>`;
  const of = html`<a class="q" href="${pull === undefined ? repositoryPath(repository) : pullPath(repository, pull)}">${repository}${pull !== undefined && ` #${pull}`}</a>`;
  return html`${of}${commit && html` <a class="q" href="${commitPath(repository, commit)}"><code class="mut">${shortCommit(commit)}</code></a>`}`;
}

/** Why it failed; of one that succeeded only what is wrong with its logs. */
export function happenedWords({ why, reason, status, logs }: Entry): string | undefined {
  if (status !== "succeeded") return why || (status === "failed" ? reason : undefined);
  const missing = logs.total - logs.whole - logs.open;
  return missing > 0 ? `succeeded; ${missing} of ${logs.total} logs not whole` : undefined;
}

function happened(entry: Entry): Html | undefined {
  const words = happenedWords(entry);
  if (!words) return undefined;
  return entry.status === "succeeded"
    ? html`<span class="sm">${icon({ icon: "gap", tone: "warn" })} ${words}</span>`
    : html`<span class="sm mut cl">${words}</span>`;
}
