import { byId, make, pane, parsed, part, say } from "./dom.ts";
import { keepFolds } from "./folds.ts";
import { markRows } from "./links.ts";
import { openPane, type ShownLog, shownLog } from "./pane.ts";
import { restoreChoices } from "./times.ts";

const POLL_MS = 1_500;
const IDLE_MS = 5_000;
const TELL_MS = 10_000;
/** So often in a row may the stream of events fail before it is given up for asking again and again. */
const MAX_FAILURES = 3;

let updated: string | undefined;
let isFinal = false;
let toldAt = 0;
let isFollowing = false;
let lastY = 0;
let stop = new AbortController();

/** Replaces parts of the page around the rows by their ids. */
export function putParts(markup: string): void {
  inPlace(() => {
    for (const node of [...parsed(markup).children]) {
      keepFolds(node, "key");
      const old = node.id ? byId(node.id) : null;
      if (old && !old.isEqualNode(node)) old.replaceWith(node);
    }
  });
}

/** Does what changes the height of what stands above the rows; what is read stays where it is. */
function inPlace(change: () => void): void {
  const log = shownLog();
  // At the page's top the reader reads the head itself: it may grow.
  const isReading = (document.querySelector(".rows")?.getBoundingClientRect().top ?? 0) < 0;
  if (log && isReading) log.window.settle(change);
  else change();
  lastY = scrollY;
}

async function refreshHead(): Promise<void> {
  const search = shownLog()?.search ?? location.search;
  const [head, tree] = await Promise.all([part("head", search), part("tree", search)]);
  putParts(head.markup);
  putParts(tree.markup);
  document.title = byId("head")?.dataset.title ?? document.title;
  updated = head.headers.get("X-Run-Updated") ?? updated;
  isFinal = head.headers.get("X-Run-Final") === "true";
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

function putRows(markup: string): void {
  const log = shownLog();
  if (!log) return;
  log.window.put(markup);
  markRows();
  offerFollow();
  if (isFollowing) scrollToEnd();
  if (Date.now() - toldAt < TELL_MS) return;
  toldAt = Date.now();
  say(byId("live")?.textContent ?? "");
}

function endRows(): void {
  inPlace(() => {
    byId("follow")?.parentElement?.remove();
    pane()?.removeAttribute("data-live");
  });
  say(byId("live")?.textContent ?? "");
  isFollowing = false;
}

type Listener = { after?: number; signal: AbortSignal };

/**
 * Rows of the log after a line and changes of the run as they come; without a line the run's alone. False where the
 * server has no such stream, or it breaks again and again.
 */
function listen(search: string, { after, signal }: Listener): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const params = new URLSearchParams(search);
  if (after === undefined) params.set("events", "run");
  let last = after;
  let failures = 0;
  let source: EventSource;
  const close = (isDone: boolean) => {
    source.close();
    resolve(isDone);
  };
  const open = () => {
    if (last !== undefined) params.set("after", String(last));
    source = new EventSource(`${location.pathname}?${params}`);
    source.addEventListener("rows", ({ data, lastEventId }) => {
      failures = 0;
      last = Number(lastEventId);
      putRows(data);
    });
    source.addEventListener("run", ({ data }) => {
      failures = 0;
      const { updatedAt, final } = JSON.parse(data) as { updatedAt: string; final: boolean };
      isFinal = final;
      if (updatedAt === updated) return;
      updated = updatedAt;
      refreshHead().catch((error) => tellFailure(error));
      if (!shownLog() && pane()?.dataset.log === undefined) close(true);
    });
    source.addEventListener("end", () => {
      if (after !== undefined) endRows();
      close(true);
    });
    source.onerror = () => {
      source.close();
      if (++failures >= MAX_FAILURES) close(false);
      else setTimeout(() => !signal.aborted && open(), 300 * failures);
    };
  };
  signal.addEventListener("abort", () => close(true));
  open();
  return promise;
}

/** After which line to go on: the last row, which may have grown, comes again. */
const lineBefore = ({ window }: ShownLog): number => Math.max(0, window.total - 1);

/** The next rows by asking for them. @returns how long to wait before the next; undefined at the end */
async function pollRows(): Promise<number | undefined> {
  const log = shownLog();
  if (!log) return undefined;
  const { search } = log;
  const after = lineBefore(log);
  const { markup, headers } = await part("rows", search, { after: String(after) });
  const lines = Number(headers.get("X-Log-Lines"));
  const sent = Math.min(lines, after + 500);
  putRows(markup);
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
  isFinal = false;
  let hasEvents = true;
  for (let pause = 0; !signal.aborted; ) {
    const log = pane()?.dataset.live === undefined ? undefined : shownLog();
    if (isFinal && !log) return;
    await wait(document.hidden ? Math.max(pause, IDLE_MS) : pause);
    if (signal.aborted) return;
    try {
      const isMissing = !shownLog() && pane()?.dataset.log === undefined;
      if (isMissing && (await pollPane())) pause = 0;
      else if (hasEvents)
        hasEvents = await listen(log?.search ?? location.search, { signal, ...(log && { after: lineBefore(log) }) });
      else if (log) pause = (await pollRows()) ?? 0;
      else {
        await refreshHead();
        pause = IDLE_MS;
      }
    } catch (error) {
      pause = Math.min(30_000, Math.max(POLL_MS, pause) * 2);
      tellFailure(error);
    }
  }
}

const tellFailure = (error: unknown): void =>
  byId("live")?.lastElementChild?.replaceChildren(
    `No answer (${error instanceof Error ? error.message : error}); trying again.`,
  );
