import type { Entry } from "../../archive/entry.ts";
import type { RunRecord } from "../../archive/record.ts";
import { namespacePath, pipelinePath, query, runPath } from "../address.ts";
import type { FoundRun } from "../lookup.ts";
import type { Selection } from "../selection.ts";
import type { Site } from "../site.ts";
import { dateTime } from "../time.ts";
import { type Html, html } from "./html.ts";
import { lookOf } from "./icons.ts";
import { page } from "./layout.ts";
import { logName, runTitle, taskName } from "./names.ts";
import { runHead } from "./run-head.ts";
import { tree } from "./tree.ts";

export type RunPageOptions = {
  site: Site;
  found: FoundRun;
  selection: Selection;
  pane: Html;
  /** What the lines say that the address marks. */
  markedText?: string | undefined;
  /** Nothing of the run can change any more. */
  isSettled: boolean;
  linkTo: (choice: object) => string;
};

/** What its parts need: those that the script asks for on their own. */
export type RunPartOptions = Omit<RunPageOptions, "pane" | "isSettled" | "markedText">;

/** A run: what happened, its tasks, and one of its logs. */
export function runPage(options: RunPageOptions): Html {
  const { site, found, selection, pane, markedText, isSettled } = options;
  const { run, why } = found.record;
  const path = runPath(run);
  const uid = found.isNewest ? {} : { uid: run.uid };
  return page(site.assets, {
    title: titleOf(found.record, selection),
    description: markedText || why || `${lookOf(run.status).word}, ${dateTime(run.startedAt ?? run.createdAt)}`,
    crumbs: [
      { text: run.namespace, href: namespacePath(run.namespace) },
      ...(run.pipeline ? [{ text: run.pipeline, href: pipelinePath(run.namespace, run.pipeline) }] : []),
      { text: run.name },
    ],
    faces: { text: `${path}.txt${query(uid)}`, json: `${path}.json${query(uid)}` },
    canonical: site.url && `${site.url}${path}${query(uid)}`,
    refreshes: !isSettled,
    main: html`${headOf(options)}
<div class="work">
${treeOf(options)}
${pane}
</div>`,
  });
}

export const headOf = ({ site, found, selection, linkTo }: RunPartOptions): Html =>
  runHead(found.record, site.now(), linkTo, sameName(found), titleOf(found.record, selection));
export const treeOf = ({ site, found, selection, linkTo }: RunPartOptions): Html =>
  tree({ record: found.record, selection, now: site.now(), linkTo });

const MARKS = { ok: "✓", bad: "✗", warn: "!", run: "●", off: "–" };

/** What a tab shows first is what happened. */
function titleOf(record: RunRecord, selection: Selection): string {
  const { run, place } = record;
  const look = lookOf(run.status);
  const { title } = runTitle({ name: run.name, pipeline: run.pipeline, check: place.check });
  const what =
    selection.type === "log"
      ? `${logName(record, selection.task, selection.container)} ${lookOf(selection.container.status).word}`
      : selection.type === "task"
        ? `${taskName(record, selection.task)} ${lookOf(selection.task.status).word}`
        : look.word;
  return `${MARKS[look.tone]} ${what} · ${title}`;
}

/** Names are used again: a reader must know which run this is. */
function sameName({ record, others, isNewest }: FoundRun): Html | undefined {
  if (others.length === 0) return undefined;
  const path = runPath(record.run);
  const link = (entry: Entry) =>
    html`<a href="${path}${query({ uid: entry.run.uid })}">${dateTime(entry.createdAt)}</a> (${lookOf(entry.status).word})`;
  const newer = isNewest ? undefined : html`A <a href="${path}">newer run</a> has this name. `;
  const older = others.filter((entry) => Date.parse(entry.createdAt) < Date.parse(record.run.createdAt));
  const list = older.map((entry, i) => html`${i > 0 && ", "}${link(entry)}`);
  const words = older.length === 1 ? "There is an older run of this name: " : "There are older runs of this name: ";
  return html`<p class="whole mut"><span>${newer}${older.length > 0 && html`${words}${list}.`}</span></p>`;
}
