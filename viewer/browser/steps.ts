import { all, byId, pane, parsed, part } from "./dom.ts";
import { forgetSelection, showAddressed } from "./links.ts";
import { live } from "./live.ts";
import { openPane, shownLog } from "./pane.ts";
import { search } from "./search.ts";
import { restoreChoices } from "./times.ts";

const listeners: (() => void)[] = [];
/** Tells when another log is in the page. */
export const onPane = (listener: () => void): void => void listeners.push(listener);

let shownSearch = location.search;
let going = new AbortController();

/** Links of a run's page to another of its logs, or to another place in one. */
const LINKS = ".tree a, .finds a, .why a, .whole a, .gantt a";

/** Whether a link leads to this run as it is shown here. */
const isHere = (link: HTMLAnchorElement): boolean =>
  link.origin === location.origin && link.pathname === location.pathname;

/** Shows another log of the run, or another place, without a reload. Falls back to one. */
export function goByClick(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>(LINKS) : null;
  if (
    !link ||
    event.defaultPrevented ||
    event.button !== 0 ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  if (!isHere(link) || !pane()) return;
  if (link.search === location.search && link.hash) return;
  event.preventDefault();
  void go(link.href);
}

export async function go(href: string): Promise<void> {
  keepPlace();
  if (await load(href)) {
    history.pushState({}, "", href);
    await arrive();
  }
}

/** After back and forward. A change of the hash alone is told by `hashchange`. */
export async function comeBack(): Promise<void> {
  if (location.search === shownSearch || !pane()) return;
  const { line, top } = history.state ?? {};
  if (!(await load(location.href))) return;
  begin();
  if (typeof line === "number") await shownLog()?.window.show(line, top);
  else await showAddressed();
  void live();
}

/** What back and forward come back to. */
export function keepPlace(): void {
  const place = shownLog()?.window.place;
  if (place) history.replaceState({ ...history.state, ...place }, "");
}

function begin(): void {
  shownSearch = location.search;
  openPane();
  restoreChoices();
  forgetSelection();
  for (const listener of listeners) listener();
  search.refresh();
}

async function load(href: string): Promise<boolean> {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  const url = new URL(href);
  try {
    const parts = await Promise.all(["pane", "tree", "head"].map((name) => part(name, url.search, {}, signal)));
    if (signal.aborted) return false;
    const wasOpen = all("details[open][data-key]").map(({ dataset }) => dataset.key);
    for (const { markup } of parts) {
      for (const node of [...parsed(markup).children]) if (node.id) byId(node.id)?.replaceWith(node);
    }
    for (const fold of all("details[data-key]")) {
      if (wasOpen.includes(fold.dataset.key) && !(fold.matches("#tree") && innerWidth < 960))
        fold.setAttribute("open", "");
    }
    document.title = byId("head")?.dataset.title ?? document.title;
    return true;
  } catch (error) {
    if (!signal.aborted) location.assign(href);
    if (!signal.aborted && !(error instanceof Error)) throw error;
    return false;
  }
}

async function arrive(): Promise<void> {
  begin();
  const top = pane()?.getBoundingClientRect().top ?? 0;
  // The new log is seen from its head on, unless the address names a place in it.
  if (top < 0 || top > innerHeight / 2) scrollBy({ top, behavior: "instant" });
  await showAddressed();
  void live();
}

/** The step before or after the one that is shown. */
export function goToStep(by: 1 | -1): void {
  const links = all(".tree nav a") as HTMLAnchorElement[];
  const at = links.findIndex((link) => link.matches("[aria-current]"));
  const next = links[at + by];
  if (next) void go(next.href);
}
