import { type Attempt, containersOf, isFinished, type RunRecord, type Task } from "../../archive/record.ts";
import { choiceOf, commitPath, pullPath, repositoryPath } from "../address.ts";
import { forgeLinks } from "../forge.ts";
import { between, count, dateTime, duration } from "../time.ts";
import { type Html, html } from "./html.ts";
import { badge, icon, lookOf } from "./icons.ts";
import { logName, runTitle, shortCommit } from "./names.ts";
import { moreWords, progressOf } from "./progress.ts";
import { timeline } from "./timeline.ts";

/** What happened, why, for whom, how long, and whether the logs are whole. */
export function runHead(
  record: RunRecord,
  now: Date,
  linkTo: (choice: object) => string,
  sameName: Html | undefined,
  tabTitle: string,
): Html {
  const { run, place, why } = record;
  const { title, rest } = runTitle({ name: run.name, pipeline: run.pipeline, check: place.check });
  return html`<header class="head wide" id="head" data-title="${tabTitle} · Afterlog"><div>
<h1 class="hd">${badge(lookOf(run.status))} ${title}${rest && html` <small>${run.name}</small>`}</h1>
${whyLine(record, why, now, linkTo)}<dl class="facts">${facts(record, now)}</dl>
${wholeLine(record, linkTo)}
${sameName}</div>
${timeline(record, now, linkTo)}
</header>`;
}

/** Why it ended as it did; of a run that goes on, what it is busy with. */
function whyLine(
  record: RunRecord,
  why: string | undefined,
  now: Date,
  linkTo: (choice: object) => string,
): Html | undefined {
  const { status, message } = record.run;
  const { items, more } = progressOf(record, now);
  const goesOn = items.map(({ choice, name, words }) => html` <a href="${linkTo(choice)}">${name}</a> ${words}`);
  if (goesOn.length > 0) return html`<p class="why">${why}${goesOn}${moreWords(more)}</p>\n`;
  const isCount = status === "running" && record.tasks.length > 0;
  const words = why ?? (status === "succeeded" || isCount ? undefined : message);
  return words ? html`<p class="why">${words}</p>\n` : undefined;
}

/** An event is worth a word, the number of a delivery is not. */
const isWord = (event: string | undefined): boolean => !!event && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-/i.test(event);

function facts({ run, place }: RunRecord, now: Date): Html[] {
  const { repository, pull, commit } = place;
  const took = between(run.startedAt ?? run.createdAt, run.completedAt ?? now.toISOString());
  const links = forgeLinks(place);
  const fact = (name: string, value: Html | string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return [
    repository && pull !== undefined
      ? fact("Pull request", html`<a href="${pullPath(repository.path, pull)}">${repository.path} #${pull}</a>`)
      : repository && fact("Repository", html`<a href="${repositoryPath(repository.path)}">${repository.path}</a>`),
    repository && commit
      ? fact("Commit", html`<a href="${commitPath(repository.path, commit)}"><code>${shortCommit(commit)}</code></a>`)
      : commit && fact("Commit", html`<code>${shortCommit(commit)}</code>`),
    fact(
      "Started",
      html`<time datetime="${run.startedAt ?? run.createdAt}">${dateTime(run.startedAt ?? run.createdAt)}</time>`,
    ),
    took !== undefined && fact(run.completedAt ? "Took" : "So far", html`<b>${duration(took)}</b>`),
    fact("By", [run.namespace, isWord(place.event) && place.event].filter(Boolean).join(" · ")),
    links.length > 0 &&
      fact(
        links[0]?.site ?? "",
        html`${links.map(({ href, text }, i) => html`${i > 0 && ", "}<a href="${href}">${text}</a>`)}`,
      ),
  ].filter((part) => part !== undefined && part !== false && part !== "") as Html[];
}

/** Always said, also when all is well. */
function wholeLine(record: RunRecord, linkTo: (choice: object) => string): Html {
  const logs = [...containersOf(record)];
  const of = (...states: string[]) => logs.filter(({ container }) => states.includes(container.log.state));
  const [whole, incomplete, none] = [of("whole"), of("incomplete", "cut"), of("none")];
  const growing = logs.filter(({ container }) => !isFinished(container.log));
  const line = (look: { icon: string; tone: "ok" | "warn" | "run" | "off" }, words: unknown) =>
    html`<p class="whole">${icon(look)}<span>${words}</span></p>`;
  if (growing.length > 0 || !record.final) {
    const parts = [
      `${count(whole.length)} ${whole.length === 1 ? "log" : "logs"} whole`,
      of("open").length > 0 && `${count(of("open").length)} being written`,
      of("waiting").length > 0 && `${count(of("waiting").length)} not begun`,
      incomplete.length > 0 && `${count(incomplete.length)} not whole`,
    ].filter(Boolean);
    const sentence = logs.length === 0 ? "No container has begun yet." : `${parts.join(", ")}.`;
    return line({ icon: "run", tone: "run" }, `${sentence} This address stays the same when the run ends.`);
  }
  if (logs.length === 0)
    return line({ icon: "skip", tone: "off" }, "There is no log: no container was ever made for this run.");
  const unwritten =
    none.length > 0 ? ` ${count(none.length)} ${none.length === 1 ? "container" : "containers"} wrote none.` : "";
  // What is said about the newest attempts matters most.
  const [first] = incomplete.toSorted((a, b) => Number(isNewest(b)) - Number(isNewest(a)));
  if (!first) {
    const written = logs.length - none.length;
    if (written === 0) return line({ icon: "gap", tone: "warn" }, `No log was written.${unwritten}`);
    const all = written === 1 ? "The one log is whole" : `All ${count(written)} logs whole`;
    return line({ icon: "ok", tone: "ok" }, `${all}, from first line to exit.${unwritten}`);
  }
  const { task, attempt, container } = first;
  const href = linkTo(choiceOf(record, task, attempt, container));
  const words = container.log.words ?? container.log.gaps[0]?.words ?? "";
  const at = container.log.gaps[0]
    ? `${href.includes("?") ? "&" : "?"}line=${Math.max(1, container.log.gaps[0].afterLine)}#gap-1`
    : "";
  const others =
    incomplete.length > 1
      ? ` ${count(incomplete.length - 1)} more ${incomplete.length > 2 ? "are" : "is"} not whole.`
      : "";
  return line(
    { icon: "gap", tone: "warn" },
    html`${count(whole.length)} of ${count(logs.length - none.length)} logs whole. <a href="${href}${at}">${logName(record, task, container)}</a>: ${sentence(words)}${others}${unwritten}`,
  );
}

const isNewest = ({ task, attempt }: { task: Task; attempt: Attempt }): boolean => attempt === task.attempts.at(-1);

const sentence = (words: string): string => (/[.!?]$/.test(words) || words === "" ? words : `${words}.`);
