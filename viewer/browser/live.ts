import { byId, keepFolds, make, pane, parsed, part, say } from "./dom.ts";
import { markRows } from "./links.ts";
import { openPane, shownLog } from "./pane.ts";
import { restoreChoices } from "./times.ts";

const POLL_MS = 1_500;
const IDLE_MS = 5_000;
const TELL_MS = 10_000;
/** So often in a row may the stream of events fail before it is given up for asking again and again. */
const MAX_FAILURES = 3;

let updated: string | undefined;
let toldAt = 0;
let isFollowing = false;
let lastY = 0;
let stop = new AbortController();

/** Replaces parts of the page around the rows by their ids; what is read stays in place. */
export function putParts(markup: string): void {
  const change = () => {
    for (const node of [...parsed(markup).children]) {
      keepFolds(node);
      const old = node.id ? byId(node.id) : null;
      if (old && !old.isEqualNode(node)) old.replaceWith(node);
    }
  };
  const log = shownLog();
  // At the page's top the reader reads the head itself: it may grow.
  const isReading = (document.querySelector(".rows")?.getBoundingClientRect().top ?? 0) < 0;
  if (log && isReading) log.window.settle(change);
  else change();
  lastY = scrollY;
}

async function refreshHead(): Promise<boolean> {
  const search = shownLog()?.search ?? location.search;
  const [head, tree] = await Promise.all([part("head", search), part("tree", search)]);
  putParts(head.markup);
  putParts(tree.markup);
  document.title = byId("head")?.dataset.title ?? document.title;
  updated = head.headers.get("X-Run-Updated") ?? updated;
  return head.headers.get("X-Run-Final") === "true";
}

// Following

function scrollToEnd(): void {
  scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  lastY = scrollY;
}

export async function follow(on: boolean): Promise<void> {
  isFollowing = on;
  const box = byId("follow");
  if (box instanceof HTMLInputElement) box.checked = on;
  history.replaceState({ ...history.state, isAway: !on }, "");
  if (!on) return;
  await shownLog()?.window.showEnd();
  scrollToEnd();
}

export function toggleFollow(): void {
  if (!byId("follow")) return;
  say(isFollowing ? "Not following" : "Following");
  void follow(!isFollowing);
}

function offerFollow(): void {
  const title = document.querySelector("[data-live] #what");
  if (!title || byId("follow")) return;
  const box = make("input", { type: "checkbox", id: "follow", onchange: () => void follow(box.checked) });
  title.after(make("label", { className: "tog" }, box, " Follow"));
  box.checked = isFollowing;
}

/** Whoever scrolls up reads; whoever comes back to the end follows again. */
export function followScroll(): void {
  if (!byId("follow")) return;
  const isUp = scrollY < lastY - 2;
  lastY = scrollY;
  const isAtEnd = (byId("end")?.getBoundingClientRect().bottom ?? Number.POSITIVE_INFINITY) <= innerHeight + 8;
  if (isFollowing && isUp && !isAtEnd) void follow(false);
  else if (!isFollowing && !isUp && isAtEnd && shownLog()?.window.isAtEnd) void follow(true);
}

// Rows that come

function putRows(markup: string, total: number): void {
  const log = shownLog();
  if (!log) return;
  log.window.put(markup, total);
  markRows();
  offerFollow();
  if (isFollowing) scrollToEnd();
  if (Date.now() - toldAt < TELL_MS) return;
  toldAt = Date.now();
  say(byId("live")?.textContent ?? "");
}

function endRows(): void {
  byId("follow")?.parentElement?.remove();
  pane()?.removeAttribute("data-live");
  say(byId("live")?.textContent ?? "");
  isFollowing = false;
}

/** Rows and changes of the run as they come. False where the server has no such stream, or it breaks again and again. */
function listen(signal: AbortSignal): Promise<boolean> {
  const log = shownLog();
  if (!log) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let failures = 0;
  let source: EventSource;
  const close = (isDone: boolean) => {
    source.close();
    resolve(isDone);
  };
  const open = () => {
    const { window, search } = log;
    const after = window.isAtEnd ? Math.max(0, window.to - 1) : window.total;
    const params = new URLSearchParams(search);
    params.set("after", String(after));
    source = new EventSource(`${location.pathname}?${params}`);
    source.addEventListener("rows", ({ data, lastEventId }) => {
      failures = 0;
      putRows(data, Number(lastEventId));
    });
    source.addEventListener("run", () => void refreshHead().catch(() => {}));
    source.addEventListener("end", () => {
      endRows();
      close(true);
    });
    source.onerror = () => {
      source.close();
      if (++failures >= MAX_FAILURES) return close(false);
      setTimeout(() => !signal.aborted && open(), 300 * failures);
    };
  };
  signal.addEventListener("abort", () => close(true));
  open();
  return promise;
}

/** The next rows by asking for them. @returns how long to wait before the next; undefined at the end */
async function pollRows(): Promise<number | undefined> {
  const log = shownLog();
  if (!log) return undefined;
  const { window, search } = log;
  // The last row, which may have grown, comes again.
  const after = window.isAtEnd ? Math.max(0, window.to - 1) : window.total;
  const { markup, headers } = await part("rows", search, { after: String(after) });
  const lines = Number(headers.get("X-Log-Lines"));
  const sent = Math.min(lines, after + 500);
  putRows(markup, sent);
  if (headers.get("X-Run-Updated") !== updated) await refreshHead();
  if (headers.get("X-Log-Ended") === "true" && sent >= lines) {
    endRows();
    return undefined;
  }
  return sent < lines ? 0 : POLL_MS;
}

/** A run that has no log here yet. @returns whether it has one now */
async function pollPane(): Promise<boolean> {
  const { markup } = await part("pane", location.search);
  putParts(markup);
  if (pane()?.dataset.log === undefined) return false;
  openPane();
  restoreChoices();
  offerFollow();
  return true;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps a page that still changes up to date until nothing can change any more, or another log is shown. */
export async function live(): Promise<void> {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  const data = pane()?.dataset ?? {};
  if (data.run === undefined) return;
  updated = data.run;
  const isPlace = !!location.hash || /[?&](line|lineNumber|lines|t|hit)=/.test(location.search);
  isFollowing = data.live !== undefined && !isPlace && !history.state?.isAway && !!shownLog()?.window.isAtEnd;
  offerFollow();
  if (isFollowing) scrollToEnd();
  let hasEvents = true;
  for (let isFinal = false, pause = 0; !signal.aborted; ) {
    const isLogLive = pane()?.dataset.live !== undefined && shownLog() !== undefined;
    if (isFinal && !isLogLive) return;
    await wait(document.hidden ? Math.max(pause, IDLE_MS) : pause);
    if (signal.aborted) return;
    try {
      if (isLogLive && hasEvents) hasEvents = await listen(signal);
      else if (isLogLive) pause = (await pollRows()) ?? 0;
      else if (!shownLog() && pane()?.dataset.log === undefined && (await pollPane())) pause = 0;
      else {
        isFinal = await refreshHead();
        pause = IDLE_MS;
      }
    } catch (error) {
      pause = Math.min(30_000, Math.max(POLL_MS, pause) * 2);
      byId("live")?.lastElementChild?.replaceChildren(
        `No answer (${error instanceof Error ? error.message : error}); trying again.`,
      );
    }
  }
}
