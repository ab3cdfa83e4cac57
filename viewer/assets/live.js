// Makes pages quicker; each is complete without it.

const POLL_MS = 1_500;
const IDLE_MS = 5_000;
const TELL_MS = 10_000;
const MAX_ROWS = 2_000;

const root = document.documentElement;
const all = (selector) => [...document.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const numberOf = (row) => Number(row.id.slice(1));

// The Dashboard's /#/namespaces/…, which no server sees.

function translateDashboard() {
  if (location.pathname !== "/" || !location.hash.startsWith("#/")) return;
  const url = new URL(location.hash.slice(1), location.origin);
  const path = url.pathname.match(/^\/namespaces\/[^/]+(\/(pipelineruns|taskruns)(\/[^/]+)?)?/)?.[0] ?? "/";
  const pipeline = url.searchParams.get("labelSelector")?.match(/tekton\.dev\/pipeline=([^,]+)/)?.[1];
  const list = path.match(/(.*)\/(pipelineruns|taskruns)$/)?.[1];
  const ofPipeline = pipeline ? `/pipelines/${encodeURIComponent(pipeline)}` : "";
  location.replace(list ? list + ofPipeline : path + url.search);
}

// #L10, #L10-L20, #10-20, #step:10-20.

let selected;

function mark() {
  for (const row of all(".r")) {
    row.classList.toggle("s", selected?.from <= numberOf(row) && numberOf(row) <= selected.to);
  }
}

function showHash() {
  const [, step, first, second = first] = location.hash.match(/^#(?:([^:]+):)?L?(\d{1,12})(?:-L?(\d{1,12}))?$/) ?? [];
  const pane = byId("pane");
  if (!first || !pane) return;
  const [from, to] = [Number(first), Number(second)].sort((a, b) => a - b);
  const isOtherStep = step && step !== pane.dataset.step;
  const row = isOtherStep ? null : byId(`L${from}`);
  const line = from === to ? `${from}` : `${from}-${to}`;
  const params = new URLSearchParams(location.search);
  if (row) {
    selected = { from, to };
    mark();
    row.scrollIntoView({ block: "center" });
  } else if (params.get("line") !== line) {
    if (isOtherStep) params.set("step", step);
    params.set("line", line);
    location.replace(`?${params}#L${line.replace("-", "-L")}`);
  }
}

/** What `?line=` or `?t=` has marked; without a wish for other lines, the finding. */
function showMarked() {
  if (location.hash) return;
  const rows = all(".r.s");
  if (rows[0]) selected = { from: numberOf(rows[0]), to: numberOf(rows.at(-1)) };
  const params = new URLSearchParams(location.search);
  const found = params.has("lines") || params.has("tail") ? [] : all(".r.f");
  (rows[0] ?? found[0])?.scrollIntoView({ block: "center" });
}

function select(event) {
  const link = event.target.closest?.(".r > a");
  if (!link || event.ctrlKey || event.metaKey || event.button !== 0) return;
  event.preventDefault();
  if (event.shiftKey) getSelection().removeAllRanges();
  const line = numberOf(link.parentElement);
  const start = event.shiftKey && selected ? (selected.start ?? selected.from) : line;
  const [from, to] = [Math.min(start, line), Math.max(start, line)];
  selected = { start, from, to };
  history.replaceState(history.state, "", from === to ? `#L${to}` : `#L${from}-L${to}`);
  mark();
}

// A page that still changes.

let updated;
let headAt = Date.now();
let toldAt = 0;
let isFinal, isFollowing, lastY;

/** Marks aside. */
const looksLike = (one, other) =>
  one.matches(".o") === other.matches(".o") && one.lastElementChild.isEqualNode(other.lastElementChild);

/** A row that later lines have changed, and that is not in the document. */
function isEarlier(node) {
  const last = all(".r").at(-1);
  return node.matches(".r") && last && numberOf(node) < numberOf(last);
}

/** Replaces elements by id, adds others at the log's end; what is read stays in place. */
function put(markup) {
  const page = new DOMParser().parseFromString(markup, "text/html");
  const top = () => all(".rows")[0]?.getBoundingClientRect().top ?? 0;
  const before = top();
  for (const node of [...page.body.children]) {
    const old = byId(node.id);
    for (const fold of [node, ...node.querySelectorAll("[data-key]")]) {
      const known = all("[data-key]").find(({ dataset }) => dataset.key === fold.dataset.key);
      if (known) fold.open = known.open;
    }
    if (!old && !isEarlier(node)) byId("end")?.before(node);
    else if (old && (node.matches(".r") ? !looksLike(old, node) : !old.isEqualNode(node))) old.replaceWith(node);
  }
  if (before < 0) scrollBy({ top: top() - before, behavior: "instant" });
  lastY = scrollY;
}

async function part(fragment, query, after = "") {
  const params = new URLSearchParams(query);
  for (const [key, value] of Object.entries({ fragment, after })) params.set(key, value);
  const answer = await fetch(`${location.pathname}?${params}`, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return { markup: await answer.text(), headers: answer.headers };
}

async function refreshHead(query, headers) {
  isFinal = headers.get("X-Run-Final") === "true";
  const now = headers.get("X-Run-Updated");
  if (now === updated && Date.now() - headAt < 2 * TELL_MS) return;
  for (const name of ["head", "tree"]) put((await part(name, query)).markup);
  [updated, headAt] = [now, Date.now()];
  document.title = byId("head")?.dataset.title ?? document.title;
}

async function pollHead(query) {
  await refreshHead(query, (await part("head", query)).headers);
  return IDLE_MS;
}

function scrollToEnd() {
  scrollTo({ top: root.scrollHeight, behavior: "instant" });
  lastY = scrollY;
}

/** Also after a reload. */
function follow(on) {
  isFollowing = on;
  history.replaceState({ isAway: !on }, "");
  history.scrollRestoration = on ? "manual" : "auto";
  byId("follow").checked = on;
}

function offerFollow() {
  const [title] = all("[data-live] #what");
  if (!title || byId("follow")) return;
  title.insertAdjacentHTML("afterend", '<label class="tog"><input type="checkbox" id="follow"> Follow</label>');
  byId("follow").onchange = ({ target }) => {
    follow(target.checked);
    if (isFollowing) scrollToEnd();
  };
  follow(isFollowing);
}

function onScroll() {
  if (!byId("follow")) return;
  const isUp = scrollY < lastY - 2;
  lastY = scrollY;
  if (isFollowing ? isUp : !isUp && byId("end").getBoundingClientRect().bottom <= innerHeight + 8) follow(!isFollowing);
}

/** New rows, and the last one, which may have grown. */
async function pollRows(query) {
  const rows = all(".r");
  const isFull = rows.length >= MAX_ROWS;
  if (isFull && !isFollowing) return pollHead(query);
  const last = rows.length > 0 ? numberOf(rows.at(-1)) : 0;
  const { markup, headers } = await part(isFull ? "pane" : "rows", query, Math.max(0, last - 1));
  put(markup);
  offerFollow();
  const lines = Number(headers.get("X-Log-Lines"));
  const shown = Math.min(lines, last + 499);
  byId("last").textContent = shown.toLocaleString("en");
  byId("total").textContent = lines.toLocaleString("en");
  mark();
  if (isFollowing) scrollToEnd();
  const isEnded = headers.get("X-Log-Ended") === "true" && shown >= lines;
  if (isEnded || Date.now() - toldAt > TELL_MS) {
    byId("say").textContent = byId("live").textContent;
    toldAt = Date.now();
  }
  if (isEnded) byId("follow")?.parentElement.remove();
  await refreshHead(query, headers);
  if (isFollowing) scrollToEnd();
  if (isEnded) return undefined;
  return shown < lines ? 0 : POLL_MS;
}

async function live() {
  const { live: start, run } = byId("pane")?.dataset ?? {};
  if (run === undefined) return;
  updated = run;
  isFollowing = !!start && !location.hash && !history.state?.isAway && !/[?&](line|lines|t)=/.test(location.search);
  offerFollow();
  addEventListener("scroll", onScroll, { passive: true });
  if (isFollowing) scrollToEnd();
  let hasEnded = start === undefined;
  for (let pause = POLL_MS; !isFinal || !hasEnded; ) {
    const ms = document.hidden ? Math.max(pause, IDLE_MS) : pause;
    await new Promise((resolve) => setTimeout(resolve, ms));
    try {
      const query = byId("pane").dataset.live;
      if (hasEnded) pause = await pollHead(query ?? location.search);
      else if (query) {
        const next = await pollRows(query);
        hasEnded = next === undefined;
        pause = next ?? IDLE_MS;
      } else {
        const { markup, headers } = await part("pane", location.search);
        put(markup);
        offerFollow();
        await refreshHead(location.search, headers);
        hasEnded = isFinal && !byId("pane").dataset.live;
        pause = IDLE_MS;
      }
    } catch (error) {
      pause = Math.min(30_000, Math.max(POLL_MS, pause) * 2);
      byId("live")?.lastElementChild.replaceChildren(`No answer (${error.message}); trying again.`);
    }
  }
}

root.classList.add("js");
translateDashboard();
addEventListener("hashchange", showHash);
addEventListener("click", select);
showMarked();
showHash();
live();
