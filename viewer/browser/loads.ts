import type { Lines } from "./address.ts";
import { byId, count, make, part } from "./dom.ts";
import type { Edge } from "./scale.ts";
import { toolsOf } from "./view.ts";

/**
 * A leap follows the scrollbar and ends with it; what is to be shown is fetched whatever the reader does meanwhile; the
 * ending is what the log's last words say.
 */
export type Load = Edge | "leap" | "show" | "ending";
type Failure = { load: Load; words: string; retry: () => void };
/** Markup, and how many lines the log had when it was made. */
export type Answer = { markup: string; total: number };

export type LoadsOptions = {
  /** `.rows` */
  box: Element;
  /** What leads to this log. */
  search: string;
  /** What else rows are asked with. */
  values: () => Record<string, string>;
};

/** What is being fetched of a log, one of each kind at a time, and what of it has failed. */
export class Loads {
  readonly #options: LoadsOptions;
  readonly #running = new Map<Load, AbortController>();
  #failure: Failure | undefined;
  #passing: number | undefined;

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  isRunning(...loads: Load[]): boolean {
    return loads.some((load) => this.#running.has(load));
  }

  /** What has failed waits until the reader has it tried again. */
  hasFailed(load: Load): boolean {
    return this.#failure?.load === load;
  }

  /** Without names all of them. */
  abort(...loads: Load[]): void {
    for (const load of loads.length > 0 ? loads : [...this.#running.keys()]) {
      this.#running.get(load)?.abort();
      this.#running.delete(load);
    }
  }

  close(): void {
    this.abort();
    byId("wait")?.remove();
  }

  /** undefined when it was aborted, or failed: then the reader is told, and can have it tried again. */
  rows(load: Load, { from, to }: Lines, retry: () => void): Promise<Answer | undefined> {
    const values = { ...this.#options.values(), lines: `${from}-${to}` };
    return this.#fetch(values, { load, words: `Lines ${count(from)}–${count(to)}`, retry });
  }

  /** How the log ends, after its last line. undefined as with rows. */
  ending(line: number, retry: () => void): Promise<Answer | undefined> {
    return this.#fetch({ after: String(line) }, { load: "ending", words: "The log's end", retry });
  }

  /** Tells which line the scrollbar passes; undefined when it rests at rows, or near them. */
  pass(line: number | undefined): void {
    if (this.#passing === line) return;
    this.#passing = line;
    this.#tell();
  }

  async #fetch(values: Record<string, string>, { load, words, retry }: Failure): Promise<Answer | undefined> {
    this.abort(load);
    const running = new AbortController();
    this.#running.set(load, running);
    const { signal } = running;
    try {
      const { markup, headers } = await part("rows", this.#options.search, values, signal);
      if (signal.aborted) return undefined;
      this.#running.delete(load);
      // Where other rows take the place of all, nothing is known of their edges.
      if (this.hasFailed(load) || load === "leap" || load === "show") this.#forgive();
      return { markup, total: Number(headers.get("X-Log-Lines")) };
    } catch (error) {
      if (signal.aborted) return undefined;
      this.#running.delete(load);
      const reason = error instanceof Error ? error.message : error;
      this.#failure = { load, words: `${words} could not be fetched (${reason}).`, retry };
      this.#passing = undefined;
      this.#tell();
      return undefined;
    }
  }

  #forgive(): void {
    if (!this.#failure) return;
    this.#failure = undefined;
    this.#tell();
  }

  /** Below the tools, where it moves nothing. What passes hides a failure until it has passed. */
  #tell(): void {
    const old = byId("wait");
    const failure = this.#passing === undefined ? this.#failure : undefined;
    if (this.#passing === undefined && !failure) {
      old?.remove();
      return;
    }
    const box = old ?? make("div", { id: "wait", className: "pick" });
    box.toggleAttribute("role", false);
    if (failure) {
      const onclick = () => {
        this.#forgive();
        failure.retry();
      };
      box.setAttribute("role", "alert");
      box.replaceChildren(failure.words, make("button", { type: "button", textContent: "Try again", onclick }));
    } else box.replaceChildren(`Line ${count(this.#passing ?? 0)}`);
    if (!old) toolsOf(this.#options.box)?.append(box);
  }
}
