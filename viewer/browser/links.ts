import { dashboardPath, hashOf, type Lines, parseHash, rangeOf, withPlace } from "./address.ts";
import { all, byId, count, lineOf, make, pane, say } from "./dom.ts";
import { shownLog } from "./pane.ts";

type Selected = Lines & { start: number };
let selected: Selected | undefined;

export const selection = (): Lines | undefined => selected;

export function translateDashboard(): void {
  const path = location.pathname === "/" ? dashboardPath(location.hash) : undefined;
  if (path) location.replace(path);
}

/** Marks the selected lines among the rows that are here, and says what can be done with them. */
export function markRows(): void {
  for (const row of all(".rows .r")) {
    const line = lineOf(row) || lineOf(row.closest(".g") ?? row);
    const isIn = selected !== undefined && selected.from <= line && line <= selected.to;
    if (row.classList.contains("s") !== isIn) row.classList.toggle("s", isIn);
  }
}

/** The same as the server writes for lines that the address marks. */
function showPick(): void {
  byId("pick")?.remove();
  const log = shownLog();
  if (!selected || !log) return;
  const lines = rangeOf(selected);
  const words =
    selected.from === selected.to
      ? `Line ${count(selected.from)}`
      : `Lines ${count(selected.from)}–${count(selected.to)}`;
  const text = new URL(log.text, location.origin);
  text.searchParams.set("lines", lines);
  const copy = make("a", { href: linkTo(selected), textContent: "Copy link" });
  copy.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void copyLink();
  };
  pane()
    ?.querySelector(".tools")
    ?.append(
      make(
        "div",
        { id: "pick", className: "pick" },
        make("span", { textContent: words }),
        copy,
        make("a", { href: text.href, textContent: "Text" }),
      ),
    );
}

/** Of this log and these lines, as a server can read it, whatever the page was opened with. */
function linkTo(lines: Lines): string {
  const choice = new URLSearchParams(shownLog()?.search);
  const shown = new URLSearchParams(location.search);
  const isPinned = shown.has("uid");
  if (!isPinned) choice.delete("uid");
  choice.set("line", rangeOf(lines));
  return `${location.pathname}?${choice}`;
}

/** With the run's UID: names are used again, and a link that is kept must not lead to another run. */
export async function copyLink(): Promise<void> {
  const path = selected ? linkTo(selected) : `${location.pathname}${location.search}`;
  const link = new URL(path, location.origin).href;
  const button = byId("pick")?.querySelector("a");
  try {
    await navigator.clipboard.writeText(link);
    say("Link copied");
    button?.replaceChildren("Copied");
  } catch {
    // No clipboard without https or permission: the address bar has the link then.
    history.replaceState(history.state, "", link);
    say("The link is in the address bar");
    button?.replaceChildren("In the address bar");
  }
}

export function select(lines: Lines | undefined, start = lines?.from ?? 0): void {
  selected = lines && { ...lines, start };
  markRows();
  showPick();
}

/** Another log is here, with the marks that the server made. */
export const forgetSelection = (): void => {
  selected = undefined;
};

export function clearSelection(): boolean {
  if (!selected) return false;
  select(undefined);
  history.replaceState(history.state, "", `${location.pathname}${withPlace(location.search, {})}`);
  return true;
}

/** A click on a number selects its line, with shift the lines up to it. */
export function selectByClick(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest(".r > a, .g > a") : null;
  if (!link?.parentElement || event.ctrlKey || event.metaKey || event.button !== 0) return;
  const line = lineOf(link.parentElement);
  if (Number.isNaN(line)) return;
  event.preventDefault();
  if (event.shiftKey) getSelection()?.removeAllRanges();
  const start = event.shiftKey && selected ? selected.start : line;
  select({ from: Math.min(start, line), to: Math.max(start, line) }, start);
  history.replaceState(history.state, "", selected ? hashOf(selected) : "");
}

/** What the address names: a hash, else what the server has marked or found. */
export async function showAddressed(): Promise<void> {
  const hash = parseHash(location.hash);
  const log = shownLog();
  if (hash && pane()) {
    const { step, ...lines } = hash;
    const isOtherStep = step !== undefined && step !== pane()?.dataset.step;
    if (isOtherStep || !log) {
      const search = withPlace(location.search, { line: rangeOf(lines), ...(step !== undefined && { step }) });
      if (search !== location.search) location.replace(`${search}${hashOf(lines)}`);
      return;
    }
    if (lines.from > log.window.total) {
      say(`The log has only ${count(log.window.total)} lines.`);
      const search = withPlace(location.search, { line: rangeOf(lines) });
      if (search !== location.search) location.replace(`${search}${hashOf(lines)}`);
      return;
    }
    select(lines);
    await log.window.show(lines.from);
    markRows();
    return;
  }
  if (location.hash) return;
  const marked = all(".rows .r.s").map(lineOf);
  const from = marked[0];
  if (from !== undefined) select({ from, to: marked.at(-1) ?? from });
  const params = new URLSearchParams(location.search);
  const found = all(".rows mark.now, .rows .r.f").map((element) => lineOf(element.closest(".r") ?? element))[0];
  const line = from ?? (params.has("lines") || params.has("tail") ? undefined : found);
  if (line !== undefined) await log?.window.show(line);
}
