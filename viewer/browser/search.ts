import { withPlace } from "./address.ts";
import { all, byId, count, make, say } from "./dom.ts";
import { onRows, shownLog } from "./pane.ts";

/** What the server tells while it searches: lines with hits, new ones each time. */
type Told = { searched: number; total: number; count: number; lines: number[]; done?: boolean };

/** How the text is to be understood; undefined for what is not switched on. */
const SWITCHES = ["regex", "case"] as const;
function switches(): Record<(typeof SWITCHES)[number], string | undefined> {
  const value = (name: string) => document.querySelector<HTMLInputElement>(`.tools [name=${name}]:checked`)?.value;
  return { regex: value("regex"), case: value("case") };
}

const STEPS = [
  ["Previous hit", "↑", -1],
  ["Next hit", "↓", 1],
] as const;

const field = (): HTMLInputElement | null => byId("grep") as HTMLInputElement | null;

/** The search of the shown log. */
class Search {
  #lines: number[] = [];
  #count = 0;
  #isDone = true;
  #at = 0;
  #text = "";
  #stop = new AbortController();

  /** Another log, or another address. */
  refresh(): void {
    const params = new URLSearchParams(location.search);
    const text = params.get("grep") ?? "";
    if (text === "" || !field() || !shownLog()) this.#forget();
    else void this.#run(text, Number(params.get("hit") ?? 1));
  }

  /** Enter in the field, or one of its buttons. @returns whether the script does it */
  submit(event: SubmitEvent): boolean {
    const text = field()?.value;
    const log = shownLog();
    if (text === undefined || !log || !(event.target as Element).contains(field())) return false;
    if (text === "") {
      this.clear();
      return true;
    }
    const isSame = text === this.#text && this.#count > 0;
    const shown = new URLSearchParams(location.search);
    if (isSame && SWITCHES.every((name) => switches()[name] === (shown.get(name) ?? undefined))) this.step(1);
    else void this.#run(text, undefined);
    return true;
  }

  step(by: 1 | -1): void {
    const all = this.#isDone ? this.#count : this.#lines.length;
    if (all > 0) void this.#show(((this.#at + by - 1 + all) % all) + 1);
  }

  /** @returns whether there was something to clear */
  clear(): boolean {
    const input = field();
    if (!input || (this.#text === "" && input.value === "")) return false;
    input.value = "";
    const had = this.#text !== "";
    this.#forget();
    if (had) {
      history.replaceState(history.state, "", `${location.pathname}${withPlace(location.search, { grep: undefined })}`);
      for (const mark of all(".rows mark")) mark.replaceWith(...mark.childNodes);
    }
    return true;
  }

  #forget(): void {
    this.#stop.abort();
    [this.#lines, this.#count, this.#at, this.#text, this.#isDone] = [[], 0, 0, "", true];
    this.#tell("");
  }

  /** Searches the whole log while the server does, and shows a hit as soon as one is known. */
  async #run(text: string, hit: number | undefined): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    [this.#lines, this.#count, this.#at, this.#text, this.#isDone] = [[], 0, 0, text, false];
    this.#tell("Searching…");
    const wanted = hit ?? 1;
    const hasRows = hit !== undefined && document.querySelector(".rows mark") !== null;
    try {
      for await (const told of hits(`${shownLog()?.search}`, text, signal)) {
        for (const line of told.lines) this.#lines.push(line);
        [this.#count, this.#isDone] = [told.count, told.done === true];
        if (this.#at === 0 && this.#lines.length >= wanted) {
          if (hasRows) this.#at = wanted;
          else await this.#show(wanted);
        }
        this.#tell();
      }
      if (this.#count === 0) this.#keepAddress(undefined);
      say(`${this.#words()} for ${text}`);
    } catch (error) {
      if (!signal.aborted) this.#tell(`The search broke off (${error instanceof Error ? error.message : error})`);
    }
  }

  async #show(hit: number): Promise<void> {
    const line = this.#lines[hit - 1];
    const log = shownLog();
    if (!log) return;
    if (line === undefined) {
      // Beyond those whose lines were told: the server finds it.
      const search = withPlace(location.search, { grep: this.#text, hit: String(hit) });
      if (hit <= this.#count) location.assign(search);
      return;
    }
    const isNew = this.#at === 0;
    this.#at = hit;
    this.#keepAddress(hit);
    this.#tell();
    // Rows that came before the search have no marks.
    if (isNew) await log.window.renew(line);
    else await log.window.show(line);
    this.focus();
  }

  /** The hit in focus, among the rows that are here. */
  focus(): void {
    const line = this.#lines[this.#at - 1];
    for (const mark of all(".rows mark.now")) mark.classList.remove("now");
    if (line !== undefined) byId(`L${line}`)?.querySelector("mark")?.classList.add("now");
  }

  #keepAddress(hit: number | undefined): void {
    const changes = { grep: this.#text, ...switches(), ...(hit !== undefined && { hit: String(hit) }) };
    history.replaceState(history.state, "", `${location.pathname}${withPlace(location.search, changes)}`);
  }

  #words(): string {
    const at = this.#at > 0 ? `${count(this.#at)} of ` : "";
    const words = `${at}${count(this.#count)} ${this.#count === 1 ? "hit" : "hits"}`;
    return this.#isDone ? words : `${count(this.#count)} so far`;
  }

  #tell(words = this.#words()): void {
    const box = field()?.closest(".search");
    if (!box) return;
    // The server writes them for a page that has been searched already.
    const output = box.querySelector("output") ?? box.appendChild(make("output", {}));
    output.replaceChildren(words);
    for (const button of all("button[name=hit]", box)) button.remove();
    if (this.#count < 2) return;
    for (const [label, sign, by] of STEPS) {
      const button = make("button", { type: "button", name: "hit", className: "icb", textContent: sign });
      button.ariaLabel = label;
      button.onclick = () => this.step(by);
      box.append(button);
    }
  }
}

async function* hits(search: string, text: string, signal: AbortSignal): AsyncGenerator<Told> {
  const params = new URLSearchParams(search);
  params.set("fragment", "hits");
  params.set("grep", text);
  for (const [name, value] of Object.entries(switches())) if (value !== undefined) params.set(name, value);
  const answer = await fetch(`${location.pathname}?${params}`, { signal, headers: { Accept: "text/html" } });
  // What is wrong with an expression the page says better.
  if (answer.status === 400) location.assign(withPlace(location.search, { grep: text, ...switches() }));
  if (!answer.ok || !answer.body) throw new Error(String(answer.status));
  // Not every browser iterates over streams.
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line) yield JSON.parse(line) as Told;
  }
  if (rest) yield JSON.parse(rest) as Told;
}

export const search = new Search();
onRows(() => search.focus());
