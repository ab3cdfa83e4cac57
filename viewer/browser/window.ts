import type { Lines } from "./address.ts";
import { byId, count, firstLineOf, lineOf, make, parsed, part } from "./dom.ts";
import { joinParts, keepFolds, openTogether } from "./folds.ts";
import { around, clamp, lineAtShare, MIN_SPACER, nextLines, shareOfLine, shareOfView, virtualHeight } from "./scale.ts";

/** Rows fetched at an edge, and around a line that was far away. */
const BLOCK = 200;
const LEAP = 400;
/** Rows in the document; what is beyond goes where the reader is not. */
const MAX_ROWS = 2_000;
const MOST_ROWS = 10_000;
/** How far beyond the view rows are fetched, in heights of the view. */
const AHEAD = 3;
/**
 * Farther from the rows than so many heights of the view, a place means a share of the log; nearer, as many rows as
 * there is room for: wheel and keys leave no line out, whatever the scrollbar's scale.
 */
const NEAR = 8;
/** While the reader drags the scrollbar nothing is asked for. */
const DRAG_MS = 90;

type Edge = "above" | "below";
/** A leap follows the scrollbar and ends with it; what is to be shown is fetched whatever the reader does meanwhile. */
type Load = Edge | "leap" | "show" | "ending";
type Anchor = { element: Element; top: number };
/** Where the view was when the anchor was looked up. */
type Marked = Anchor & { y: number; size: number };

export type WindowOptions = {
  /** `.rows` */
  box: HTMLElement;
  /** What leads to this log. */
  search: string;
  /** What else rows are asked with. */
  values: () => Record<string, string>;
  /** Rows have come or gone. */
  changed: () => void;
};

/**
 * A window of a log's rows in a document that scrolls as if it held all. What comes and goes never moves the line that
 * is read: the spacer above takes up the difference, and only where it cannot, and when the scrolling has ended, the
 * scroll position is corrected in the same frame.
 */
export class LogWindow {
  readonly box: HTMLElement;
  readonly #options: WindowOptions;
  readonly #above = make("div", { className: "sp" });
  readonly #below = make("div", { className: "sp" });
  readonly #closed = new AbortController();
  readonly #loads = new Map<Load, AbortController>();
  readonly #sizes: ResizeObserver;
  #failed: { retry: () => void; edge: Load } | undefined;
  #anchor: Marked | undefined;
  #rowHeight = 20;
  #aboveHeight = 0;
  #drag: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  from: number;
  to: number;
  total: number;

  constructor(options: WindowOptions, lines: Lines, total: number) {
    this.#options = options;
    this.box = options.box;
    ({ from: this.from, to: this.to } = lines);
    this.total = total;
    for (const strip of this.box.querySelectorAll(":scope > .more")) strip.remove();
    const first = [...this.box.children].find((child) => child.id || child.matches(".slow, .r, .g"));
    if (first) first.before(this.#above);
    else this.box.append(this.#above);
    const end = byId("end");
    if (end) end.before(this.#below);
    else this.box.append(this.#below);
    const signal = this.#closed.signal;
    addEventListener("scroll", () => this.#onScroll(), { passive: true, signal });
    // The event does not bubble.
    this.box.addEventListener("toggle", ({ target }) => openTogether(this.box, target), { capture: true, signal });
    addEventListener("scrollend", () => this.#onRest(), { signal });
    this.#sizes = new ResizeObserver(() => this.keep());
    this.#sizes.observe(this.box);
    this.settle(() => {});
    this.#extend();
  }

  close(): void {
    this.#closed.abort();
    this.#sizes.disconnect();
    for (const load of this.#loads.values()) load.abort();
    clearTimeout(this.#drag);
    clearTimeout(this.#rest);
    byId("wait")?.remove();
  }

  get isAtEnd(): boolean {
    return this.to >= this.total;
  }

  row(line: number): HTMLElement | null {
    return line >= this.from && line <= this.to ? byId(`L${line}`) : null;
  }

  /** The first line in view, and where it stands: what a history entry keeps. */
  get place(): { line: number; top: number } | undefined {
    const { element, top } = this.#anchor ?? {};
    const line = element ? lineOf(element) : Number.NaN;
    return Number.isNaN(line) ? undefined : { line, top: top as number };
  }

  /**
   * Brings a line into view; rows that are not there are fetched. @param top where it is to stand, in pixels from the
   * view's top; in the middle without
   */
  async show(line: number, top?: number): Promise<HTMLElement | null> {
    const wanted = clamp(line, 1, Math.max(1, this.total));
    for (const load of this.#loads.values()) load.abort();
    if (!this.row(wanted)) {
      const lines = around(wanted, this.total, LEAP);
      const load = this.#begin("show");
      const nodes = await this.#fetch(lines, load.signal, "show", () => void this.show(line, top));
      if (!nodes) return null;
      this.#replace(nodes, lines);
      this.#setHeights(Math.max(MIN_SPACER, shareOfLine(lines.from, this.total) * this.#height()));
    }
    const row = this.row(wanted);
    if (!row) return null;
    for (let fold = row.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) {
      fold.open = true;
      openTogether(this.box, fold);
    }
    // Where the tools will stand, which may still be further down.
    const tools = this.box.closest(".pane")?.querySelector<HTMLElement>(".tools")?.offsetHeight ?? 0;
    const rect = row.getBoundingClientRect();
    const target = top ?? tools + Math.max(0, (innerHeight - tools - rect.height) / 2);
    scrollBy({ top: rect.top - target, behavior: "instant" });
    this.#mark();
    this.#normalise();
    this.#extend();
    void this.#showEnding();
    return row;
  }

  /** Fetches the rows around a line anew: what they show has changed with the address. */
  async renew(line: number): Promise<void> {
    const lines = around(clamp(line, 1, this.total), this.total, LEAP);
    const load = this.#begin("show");
    const nodes = await this.#fetch(lines, load.signal, "show", () => void this.renew(line));
    if (nodes) this.#replace(nodes, lines);
    await this.show(line);
  }

  /** To the log's end, and beyond it to its last words. */
  async showEnd(): Promise<void> {
    await this.show(this.total);
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#mark();
  }

  /** New rows at the log's end, and older ones that they change. Rows that do not join what is here are left out. */
  put(markup: string): void {
    const wasAtEnd = this.isAtEnd;
    let total = this.total;
    this.settle(() => {
      let before: Element | undefined;
      for (const node of [...parsed(markup).children]) {
        const old = node.id ? byId(node.id) : null;
        const line = firstLineOf(node);
        const rows = node.matches(".g") ? [...node.querySelectorAll("[id^=L]")] : [];
        total = Math.max(total, ...[line, ...rows.map(lineOf)].filter((line) => line > 0));
        if (old) {
          const isSame = looksLike(old, node);
          if (!isSame) old.replaceWith(node);
          before = isSame ? old : node;
        } else if (node.id === "end") this.box.append(node);
        else if (isNote(node) && isKnownNote(node, before)) continue;
        else if (wasAtEnd && !(line < this.to)) {
          // A part of a group begins with the row that came before, which may have grown.
          for (const { id } of rows) byId(id)?.remove();
          this.#below.before(node);
          before = node;
        }
      }
      if (wasAtEnd) this.to = total;
      this.total = total;
      if (wasAtEnd) this.#evict("above");
    });
    this.#options.changed();
  }

  /** Does what changes heights, and leaves what is read where it is. */
  settle(change: () => void): void {
    const anchor = this.#findAnchor();
    change();
    if (this.from <= 1) this.#aboveHeight = 0;
    this.#setHeights(this.#aboveHeight);
    const moved = anchor?.element.isConnected ? anchor.element.getBoundingClientRect().top - anchor.top : 0;
    if (moved !== 0) {
      const height = this.#aboveHeight - moved;
      const isTaken = this.from > 1 && height >= MIN_SPACER;
      if (isTaken) this.#setHeights(height);
      else scrollBy({ top: moved, behavior: "instant" });
    }
    this.#measure();
    this.#mark();
  }

  /** Something has changed the rows' heights: wrapping, the time column, a fold, the width. */
  keep(scrolled = 0): void {
    const anchor = this.#anchor;
    if (anchor?.element.isConnected) {
      const moved = anchor.element.getBoundingClientRect().top - anchor.top + scrolled;
      if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
    }
    this.#measure();
    this.#setHeights(this.#aboveHeight);
    this.#mark();
    this.#extend();
  }

  #onScroll(): void {
    const anchor = this.#anchor;
    // A focus that scrolls comes before the observer tells that wrapping has changed.
    if (anchor && anchor.size !== this.box.offsetHeight) this.keep(scrollY - anchor.y);
    this.#mark();
    clearTimeout(this.#drag);
    const view = this.#view();
    const { top, bottom } = this.#rows();
    const near = NEAR * view.height;
    const isFar = (top >= view.bottom + near && this.from > 1) || (bottom <= view.top - near && this.to < this.total);
    if (isFar) {
      this.#loads.get("above")?.abort();
      this.#loads.get("below")?.abort();
      this.#tell(`Line ${count(lineAtShare(this.#share(), this.total))}`);
      this.#drag = setTimeout(() => void this.#leap(), DRAG_MS);
    } else {
      if (!this.#failed) this.#tell(undefined);
      this.#loads.get("leap")?.abort();
      this.#extend();
    }
    clearTimeout(this.#rest);
    if (!("onscrollend" in window)) this.#rest = setTimeout(() => this.#onRest(), 300);
  }

  #onRest(): void {
    const { top, bottom } = this.#rows();
    const view = this.#view();
    if (top < view.bottom && bottom > view.top) this.#normalise();
    this.box.parentElement?.setAttribute(
      "aria-label",
      `Lines ${count(this.from)} to ${count(this.to)} of ${count(this.total)}`,
    );
  }

  /** The reader has scrolled to where no rows are. */
  async #leap(): Promise<void> {
    const lines = around(lineAtShare(this.#share(), this.total), this.total, LEAP);
    const load = this.#begin("leap");
    const nodes = await this.#fetch(lines, load.signal, "leap", () => void this.#leap());
    if (!nodes) return;
    const share = this.#share();
    const line = clamp(lineAtShare(share, this.total), lines.from, lines.to);
    this.#replace(nodes, lines);
    // High enough that the document does not end before the view does.
    this.#setHeights(Math.max(MIN_SPACER, this.#aboveHeight, share * this.#height()));
    const rect = this.#visible(line)?.getBoundingClientRect();
    if (rect) {
      const view = this.#view();
      const wanted = view.top + share * (view.height - rect.height);
      const height = this.#aboveHeight + wanted - rect.top;
      if (this.from > 1) this.#setHeights(Math.max(MIN_SPACER, height));
    }
    this.#measure();
    this.#mark();
    this.#tell(undefined);
    this.#extend();
    void this.#showEnding();
    if (!("onscrollend" in window)) this.#onRest();
  }

  /** Fetches what the reader is coming to. */
  #extend(): void {
    const view = this.#view();
    const { top, bottom } = this.#rows();
    const margin = AHEAD * view.height;
    if (top > view.top - margin) void this.#load("above");
    if (bottom < view.bottom + margin) void this.#load("below");
  }

  async #load(edge: Edge): Promise<void> {
    const lines = nextLines(edge, this, this.total, BLOCK);
    // Closed groups of many lines have no height: they would be fetched without end.
    const isFull = this.to - this.from >= MOST_ROWS;
    if (
      !lines ||
      isFull ||
      this.#loads.has(edge) ||
      this.#loads.has("leap") ||
      this.#loads.has("show") ||
      this.#failed?.edge === edge
    )
      return;
    const load = this.#begin(edge);
    const nodes = await this.#fetch(lines, load.signal, edge, () => void this.#load(edge));
    if (!nodes) return;
    this.settle(() => {
      dropKnown(nodes);
      if (edge === "above") {
        this.#above.after(...nodes);
        this.from = lines.from;
        this.#evict("below");
      } else {
        this.#below.before(...nodes);
        this.to = lines.to;
        this.#evict("above");
      }
    });
    this.#options.changed();
    this.#extend();
    void this.#showEnding();
  }

  /** How the log ends, where the page has begun elsewhere. */
  async #showEnding(): Promise<void> {
    if (!this.isAtEnd || byId("end") || this.#loads.has("ending")) return;
    const load = this.#begin("ending");
    try {
      const { markup } = await part("rows", this.#options.search, { after: String(this.total) }, load.signal);
      if (!load.signal.aborted && !byId("end")) this.put(markup);
    } catch (error) {
      if (!load.signal.aborted)
        this.#tell(`The log's end could not be fetched (${error instanceof Error ? error.message : error}).`, true);
    } finally {
      this.#loads.delete("ending");
    }
  }

  #begin(name: Load): AbortController {
    this.#loads.get(name)?.abort();
    const load = new AbortController();
    this.#loads.set(name, load);
    load.signal.addEventListener("abort", () => this.#loads.get(name) === load && this.#loads.delete(name));
    return load;
  }

  /** undefined when it was aborted, or failed: then the reader is told, and can have it tried again. */
  async #fetch(
    { from, to }: Lines,
    signal: AbortSignal,
    edge: Load,
    retry: () => void,
  ): Promise<Element[] | undefined> {
    try {
      const { markup, headers } = await part(
        "rows",
        this.#options.search,
        { ...this.#options.values(), lines: `${from}-${to}` },
        signal,
      );
      if (signal.aborted) return undefined;
      this.#loads.delete(edge);
      if (this.#failed?.edge === edge) this.#failed = undefined;
      this.total = Math.max(this.total, Number(headers.get("X-Log-Lines")));
      return [...parsed(markup).children];
    } catch (error) {
      if (signal.aborted) return undefined;
      this.#loads.delete(edge);
      this.#failed = { edge, retry };
      this.#tell(
        `Lines ${count(from)}–${count(to)} could not be fetched (${error instanceof Error ? error.message : error}).`,
        true,
      );
      return undefined;
    }
  }

  /** Below the tools, where it moves nothing. */
  #tell(words: string | undefined, isFailure = false): void {
    const old = byId("wait");
    if (words === undefined) {
      old?.remove();
      return;
    }
    const box = old ?? make("div", { id: "wait", className: "pick" });
    box.toggleAttribute("role", false);
    if (isFailure) box.setAttribute("role", "alert");
    box.replaceChildren(words);
    if (isFailure) {
      const onclick = () => {
        const retry = this.#failed?.retry;
        this.#failed = undefined;
        this.#tell(undefined);
        retry?.();
      };
      box.append(make("button", { type: "button", textContent: "Try again", onclick }));
    }
    if (!old) this.box.closest(".pane")?.querySelector(".tools")?.append(box);
  }

  #replace(nodes: Element[], lines: Lines): void {
    while (this.#above.nextSibling && this.#above.nextSibling !== this.#below) this.#above.nextSibling.remove();
    dropKnown(nodes);
    this.#above.after(...nodes);
    joinParts(this.box);
    ({ from: this.from, to: this.to } = lines);
    this.#options.changed();
  }

  /** Takes rows away where the reader is not, unless they are being copied. */
  #evict(edge: Edge): void {
    joinParts(this.box);
    const surplus = this.to - this.from + 1 - MAX_ROWS;
    if (surplus <= 0 || (surplus < MAX_ROWS && isCopying(this.box))) return;
    const children = this.#children();
    const view = this.#view();
    if (edge === "above") {
      const first = children.findLast((child) => firstLineOf(child) <= this.from + surplus);
      if (!first || first.getBoundingClientRect().top > view.top - view.height) return;
      while (this.#above.nextElementSibling && this.#above.nextElementSibling !== first)
        this.#above.nextElementSibling.remove();
      this.from = firstLineOf(first);
    } else {
      const beyond = children.find((child) => firstLineOf(child) > this.to - surplus);
      if (!beyond || beyond.getBoundingClientRect().top < view.bottom + view.height) return;
      // A pause or a date before a row is that row's.
      let first: Element = beyond;
      for (
        let note = first.previousElementSibling;
        note?.matches(".slow:not(:has(a))");
        note = note.previousElementSibling
      )
        first = note;
      while (first.nextElementSibling !== this.#below && first.nextElementSibling) first.nextElementSibling.remove();
      first.remove();
      this.to = firstLineOf(beyond) - 1;
    }
  }

  #children(): Element[] {
    const children = [...this.box.children];
    return children.slice(children.indexOf(this.#above) + 1, children.indexOf(this.#below));
  }

  /** A row that has a height: one that was written over has none. */
  #visible(line: number): Element | undefined {
    const children = this.#children().filter((child) => firstLineOf(child) <= line);
    return byId(`L${line}`)?.offsetHeight
      ? (byId(`L${line}`) as Element)
      : children.findLast((child) => child.clientHeight > 0);
  }

  /** Where the log can be seen: below the tools, which stay. */
  #view(): { top: number; bottom: number; height: number } {
    const tools = this.box.closest(".pane")?.querySelector(".tools")?.getBoundingClientRect();
    const top = clamp(tools?.bottom ?? 0, 0, innerHeight - 50);
    return { top, bottom: innerHeight, height: innerHeight - top };
  }

  #rows(): { top: number; bottom: number } {
    return { top: this.#above.getBoundingClientRect().bottom, bottom: this.#below.getBoundingClientRect().top };
  }

  /** How far the reader has scrolled through the log. */
  #share(): number {
    const root = document.documentElement;
    if (scrollY >= root.scrollHeight - innerHeight - 2) return 1;
    const view = this.#view();
    const top = this.#above.getBoundingClientRect().top;
    return shareOfView(view.top, view.height, top, this.#below.getBoundingClientRect().bottom - top);
  }

  #height(): number {
    return Math.max(virtualHeight(this.total, this.#rowHeight), this.#rows().bottom - this.#rows().top);
  }

  #setHeights(above: number): void {
    this.#aboveHeight = this.from > 1 ? above : 0;
    this.#above.style.height = `${this.#aboveHeight}px`;
    const { top, bottom } = this.#rows();
    const below =
      this.to < this.total
        ? Math.max(MIN_SPACER, virtualHeight(this.total, this.#rowHeight) - this.#aboveHeight - (bottom - top))
        : 0;
    this.#below.style.height = `${below}px`;
  }

  #measure(): void {
    const { top, bottom } = this.#rows();
    const lines = this.to - this.from + 1;
    if (lines > 0 && bottom > top) this.#rowHeight = (bottom - top) / lines;
  }

  /** Makes the scrollbar true again: wheel and window move by rows, the scrollbar by shares of the log. */
  #normalise(): void {
    const { element, top } = this.#anchor ?? {};
    const line = element ? lineOf(element) : Number.NaN;
    if (this.from <= 1 || Number.isNaN(line)) return;
    const view = this.#view();
    const height = this.#height();
    const { top: rowsTop, bottom } = this.#rows();
    const share = shareOfLine(line + ((view.height / this.#rowHeight) * line) / this.total, this.total);
    const content = rowsTop - this.#aboveHeight;
    const wanted = this.isAtEnd
      ? height - (bottom - rowsTop)
      : this.#aboveHeight + share * (height - view.height) - (view.top - content);
    const above = Math.max(MIN_SPACER, wanted);
    const shift = above - this.#aboveHeight;
    if (Math.abs(shift) < view.height / 2) return;
    this.#setHeights(above);
    scrollBy({ top: (element as Element).getBoundingClientRect().top - (top as number), behavior: "instant" });
    this.#mark();
  }

  #mark(): void {
    const anchor = this.#findAnchor();
    this.#anchor = anchor && { ...anchor, y: scrollY, size: this.box.offsetHeight };
  }

  /** The first row in view that has a number, inside of folds too. */
  #findAnchor(): Anchor | undefined {
    const { top: viewTop } = this.#view();
    const find = (children: Element[]): Anchor | undefined => {
      let [low, high] = [0, children.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        let probe = middle;
        while (probe < high && children[probe]?.getClientRects().length === 0) probe++;
        const rect = children[probe]?.getBoundingClientRect();
        if (rect && (rect.height === 0 || rect.bottom <= viewTop + 1)) low = probe + 1;
        else high = middle;
      }
      for (const element of children.slice(low)) {
        if (element.getClientRects().length === 0 || Number.isNaN(firstLineOf(element))) continue;
        const fold = element.querySelector(":scope > details[open]");
        const inner =
          fold &&
          (fold.firstElementChild?.getBoundingClientRect().bottom ?? 0) <= viewTop + 1 &&
          find([...fold.children]);
        if (inner) return inner;
        if (!element.id && !fold) continue;
        return { element, top: element.getBoundingClientRect().top };
      }
      return undefined;
    };
    return find(this.#children());
  }
}

/** What comes anew takes the place of what stands under the same name. */
function dropKnown(nodes: readonly Element[]): void {
  for (const node of nodes) {
    keepFolds(node, "fold");
    if (node.id) byId(node.id)?.remove();
  }
}

/** What is said between rows, of the clock and of what was written over. */
const isNote = (node: Element): boolean => node.matches(".slow");

/** Whether a note stands here already: it comes again with the row that it is about. */
function isKnownNote(note: Element, before: Element | undefined): boolean {
  if (!note.querySelector("a")) {
    const next = [note.nextElementSibling, note.nextElementSibling?.nextElementSibling].find((node) => node?.id);
    return !!next && byId(next.id) !== null;
  }
  if (before?.nextElementSibling?.matches(".slow:has(a)")) before.nextElementSibling.remove();
  return false;
}

const isCopying = (box: Element): boolean => {
  const selection = getSelection();
  return !!selection && !selection.isCollapsed && selection.containsNode(box, true);
};

/** Marks aside. */
function looksLike(one: Element, other: Element): boolean {
  if (!one.matches(".r")) return one.isEqualNode(other);
  return one.matches(".o") === other.matches(".o") && !!one.lastElementChild?.isEqualNode(other.lastElementChild);
}
