import { all, byId, lineOf, make, say } from "./dom.ts";
import { clearSelection, copyLink, markRows, select, selection } from "./links.ts";
import { toggleFollow } from "./live.ts";
import { shownLog } from "./pane.ts";
import { search } from "./search.ts";
import { go, goToStep } from "./steps.ts";
import { nextMode, toggleWrap } from "./times.ts";

type Key = { keys: string[]; words: string };

/** As the page lists them. */
const KEYS: Key[] = [
  { keys: ["n", "N"], words: "next, previous finding or hit" },
  { keys: ["e", "E"], words: "next, previous error line" },
  { keys: ["/"], words: "search this log" },
  { keys: ["g"], words: "go to a line or a time" },
  { keys: ["j", "k"], words: "next, previous step" },
  { keys: ["w"], words: "wrap" },
  { keys: ["t"], words: "time column" },
  { keys: ["f"], words: "follow" },
  { keys: ["r"], words: "raw text" },
  { keys: ["y"], words: "copy a link to the selected lines" },
  { keys: ["Esc"], words: "clear selection or search" },
  { keys: ["?"], words: "this list" },
];

const ACTIONS: Record<string, () => void> = {
  n: () => find("next"),
  N: () => find("prev"),
  e: () => void error(1),
  E: () => void error(-1),
  "/": () => focusOn("grep"),
  g: goTo,
  j: () => goToStep(1),
  k: () => goToStep(-1),
  w: toggleWrap,
  t: nextMode,
  f: toggleFollow,
  r: () => {
    const raw = shownLog()?.text;
    if (raw) location.assign(raw);
  },
  y: () => void copyLink(),
  "?": () => byId("keys")?.togglePopover(),
};

/** No key acts while a field has the focus, save Escape, which leaves it. */
export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  const { target } = event;
  const isField =
    target instanceof Element &&
    target.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  if (event.key === "Escape") {
    if (document.querySelector(":popover-open")) return;
    if (isField) (target as HTMLElement).blur();
    if (!clearSelection()) search.clear();
    return;
  }
  const action = isField || !byId("pane") ? undefined : ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function focusOn(id: string): void {
  const input = byId(id);
  input?.focus();
  if (input instanceof HTMLInputElement) input.select();
}

function find(way: "next" | "prev"): void {
  if (new URLSearchParams(location.search).has("grep")) {
    search.step(way === "next" ? 1 : -1);
    return;
  }
  const label = way === "next" ? "Next" : "Previous";
  const link = document.querySelector<HTMLAnchorElement>(`.finds a[rel=${way}], .finds a[aria-label^=${label}]`);
  if (link) void go(link.href);
  else if (way === "next") document.querySelector<HTMLAnchorElement>(".finds a.fx")?.click();
  else say("There is no other finding");
}

/** How many windows of rows are looked through for an error before the reader is asked to go on. */
const LOOKS = 25;

async function error(by: 1 | -1): Promise<void> {
  const log = shownLog();
  if (!log) return;
  const { window } = log;
  const start = selection()?.from ?? window.place?.line ?? (by > 0 ? 0 : window.total + 1);
  let edge = start;
  for (let look = 0; look < LOOKS; look++) {
    const lines = all(".rows .r:is(.e, .f)").map((row) => lineOf(row) || lineOf(row.closest(".g") ?? row));
    const line = by > 0 ? lines.find((line) => line > start) : lines.findLast((line) => line < start);
    if (line !== undefined) {
      select({ from: line, to: line });
      history.replaceState(history.state, "", `#L${line}`);
      await window.show(line);
      markRows();
      return;
    }
    edge = by > 0 ? window.to + 1 : window.from - 1;
    if (edge < 1 || edge > window.total) break;
    await window.show(edge);
  }
  if (window.row(start) === null) await window.show(start);
  say(by > 0 ? "No error line after this one" : "No error line before this one");
}

/** The form of the page's own strip, where a key or a button brings it. */
function goTo(): void {
  byId("go")?.showPopover();
  focusOn("goto");
}

/** What is only of use with a script. Also after another log has come. */
export function offerKeys(): void {
  const foot = document.querySelector(".foot");
  if (!byId("pane") || !foot) return;
  if (!byId("keys")) {
    const rows = KEYS.flatMap(({ keys, words }) => [
      make("dt", {}, ...keys.flatMap((key) => [make("kbd", { textContent: key }), " "])),
      make("dd", { textContent: words }),
    ]);
    const list = make(
      "div",
      { id: "keys", popover: "auto" },
      make("h2", { textContent: "Keys" }),
      make("dl", { className: "kv" }, ...rows),
    );
    const button = make("button", { type: "button" }, "Keys ", make("kbd", { textContent: "?" }));
    button.popoverTargetElement = list;
    foot.querySelector("span")?.after(button);
    document.body.append(list);
  }
  const acts = document.querySelector(".acts");
  if (!acts || byId("go") || !shownLog()) return;
  const input = make("input", { id: "goto", type: "text", name: "line", maxLength: 40, autocomplete: "off" });
  const form = make(
    "form",
    { id: "go", popover: "auto" },
    make("label", { htmlFor: "goto", textContent: "Line or time" }),
    input,
    make("button", { textContent: "Go" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void goToPlace(input.value.trim());
    form.hidePopover();
  });
  const button = make("button", { type: "button", textContent: "Go to" });
  button.popoverTargetElement = form;
  acts.prepend(button);
  acts.closest(".tools")?.append(form);
}

/** A line is shown at once; what a time means the server knows. */
async function goToPlace(text: string): Promise<void> {
  if (text === "") return;
  const line = /^L?([\d,]{1,15})$/.exec(text)?.[1]?.replaceAll(",", "");
  const log = shownLog();
  if (line && log) {
    const at = Math.min(Math.max(1, Number(line)), log.window.total);
    select({ from: at, to: at });
    history.replaceState(history.state, "", `#L${at}`);
    await log.window.show(at);
    markRows();
    return;
  }
  const params = new URLSearchParams(log?.search);
  if (!new URLSearchParams(location.search).has("uid")) params.delete("uid");
  params.set("line", text);
  await go(`${location.origin}${location.pathname}?${params}`);
}
