import type { Lines } from "./address.ts";
import { Anchor } from "./anchor.ts";
import { byId, count, parsed } from "./dom.ts";
import { openTogether, unfold } from "./folds.ts";
import { type Load, Loads, type LoadsOptions } from "./loads.ts";
import { RowNodes } from "./row-nodes.ts";
import { around, clamp, type Edge, lineAtShare, nextLines, shareOfLine } from "./scale.ts";
import { type Extent, Spacers } from "./spacers.ts";
import { toolsOf, viewOf } from "./view.ts";

/** Rows fetched at an edge, and around a line that was far away. */
const BLOCK = 200;
const LEAP = 400;
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
/** After so long without scrolling it has ended, where the browser does not say so. */
const REST_MS = 300;

export type WindowOptions = LoadsOptions & {
  box: HTMLElement;
  /** Rows have come or gone. */
  changed: () => void;
};

/**
 * A window of a log's rows in a document that scrolls as if it held all. What comes and goes never moves the line that
 * is read: the spacer above takes up the difference, and only where it cannot, and when the scrolling has ended, the
 * scroll position is corrected in the same frame.
 */
export class LogWindow implements Extent {
  readonly #box: HTMLElement;
  readonly #changed: () => void;
  readonly #spacers: Spacers;
  readonly #nodes: RowNodes;
  readonly #anchor: Anchor;
  readonly #loads: Loads;
  readonly #closed = new AbortController();
  readonly #sizes = new ResizeObserver(() => this.keep());
  #drag: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  from: number;
  to: number;
  total: number;

  constructor(options: WindowOptions, lines: Lines, total: number) {
    ({ from: this.from, to: this.to } = lines);
    this.total = total;
    this.#box = options.box;
    this.#changed = options.changed;
    this.#spacers = new Spacers(this.#box, this);
    this.#nodes = new RowNodes(this.#box, this.#spacers);
    this.#anchor = new Anchor(this.#box, this.#nodes, this.#spacers);
    this.#loads = new Loads(options);
    const { signal } = this.#closed;
    addEventListener("scroll", () => this.#onScroll(), { passive: true, signal });
    // The event does not bubble.
    this.#box.addEventListener("toggle", ({ target }) => openTogether(this.#box, target), { capture: true, signal });
    addEventListener("scrollend", () => this.#onRest(), { signal });
    this.#sizes.observe(this.#box);
    this.settle(() => {});
    this.#extend();
  }

  close(): void {
    this.#closed.abort();
    this.#sizes.disconnect();
    this.#loads.close();
    clearTimeout(this.#drag);
    clearTimeout(this.#rest);
  }

  get isAtEnd(): boolean {
    return this.to >= this.total;
  }

  row(line: number): HTMLElement | null {
    return line >= this.from && line <= this.to ? byId(`L${line}`) : null;
  }

  /** The first line in view, and where it stands: what a history entry keeps. */
  get place(): { line: number; top: number } | undefined {
    return this.#anchor.place;
  }

  /**
   * Brings a line into view; rows that are not there are fetched. @param top where it is to stand, in pixels from the
   * view's top; in the middle without
   */
  async show(line: number, top?: number): Promise<HTMLElement | null> {
    const wanted = clamp(line, 1, Math.max(1, this.total));
    this.#loads.abort();
    if (!this.row(wanted)) {
      const lines = around(wanted, this.total, LEAP);
      const nodes = await this.#fetch("show", lines, () => void this.show(line, top));
      if (!nodes) return null;
      this.#replace(nodes, lines);
      this.#spacers.setAbove(shareOfLine(lines.from, this.total) * this.#spacers.logHeight);
    }
    const row = this.row(wanted);
    if (!row) return null;
    unfold(row, this.#box);
    // Where the tools will stand, which may still be further down.
    const tools = toolsOf(this.#box)?.offsetHeight ?? 0;
    const rect = row.getBoundingClientRect();
    const target = top ?? tools + Math.max(0, (innerHeight - tools - rect.height) / 2);
    scrollBy({ top: rect.top - target, behavior: "instant" });
    this.#anchor.mark();
    this.#anchor.normalise();
    this.#extend();
    void this.#showEnding();
    return row;
  }

  /** Fetches the rows around a line anew: what they show has changed with the address. */
  async renew(line: number): Promise<void> {
    const lines = around(clamp(line, 1, this.total), this.total, LEAP);
    const nodes = await this.#fetch("show", lines, () => void this.renew(line));
    if (nodes) this.#replace(nodes, lines);
    await this.show(line);
  }

  /** To the log's end, and beyond it to its last words. */
  async showEnd(): Promise<void> {
    await this.show(this.total);
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#anchor.mark();
  }

  /** New rows at the log's end, and older ones that they change. */
  put(markup: string): void {
    const wasAtEnd = this.isAtEnd;
    this.settle(() => {
      this.total = this.#nodes.put([...parsed(markup).children], this);
      if (!wasAtEnd) return;
      this.to = this.total;
      this.#evict("above");
    });
    this.#changed();
  }

  /** Does what changes heights, and leaves what is read where it is. */
  settle(change: () => void): void {
    this.#anchor.settle(change);
  }

  /** Something has changed the rows' heights: wrapping, the time column, a fold, the width. */
  keep(scrolled = 0): void {
    this.#anchor.keep(scrolled);
    this.#extend();
  }

  #onScroll(): void {
    // A focus that scrolls comes before the observer tells that wrapping has changed.
    const scrolled = this.#anchor.scrolledAndResized;
    if (scrolled !== undefined) this.keep(scrolled);
    this.#anchor.mark();
    clearTimeout(this.#drag);
    const view = viewOf(this.#box);
    const { top, bottom } = this.#spacers.edges;
    const near = NEAR * view.height;
    const isFar = (top >= view.bottom + near && this.from > 1) || (bottom <= view.top - near && this.to < this.total);
    if (isFar) {
      this.#loads.abort("above", "below");
      this.#loads.pass(lineAtShare(this.#spacers.share(view), this.total));
      this.#drag = setTimeout(() => void this.#leap(), DRAG_MS);
    } else {
      this.#loads.pass(undefined);
      this.#loads.abort("leap");
      this.#extend();
    }
    clearTimeout(this.#rest);
    if (!("onscrollend" in window)) this.#rest = setTimeout(() => this.#onRest(), REST_MS);
  }

  #onRest(): void {
    const { top, bottom } = this.#spacers.edges;
    const view = viewOf(this.#box);
    if (top < view.bottom && bottom > view.top) this.#anchor.normalise();
    const words = `Lines ${count(this.from)} to ${count(this.to)} of ${count(this.total)}`;
    this.#box.parentElement?.setAttribute("aria-label", words);
  }

  /** The reader has scrolled to where no rows are. */
  async #leap(): Promise<void> {
    // They may have begun while the scrollbar was dragged; their rows would come between the new ones.
    this.#loads.abort("above", "below");
    const share = this.#spacers.share(viewOf(this.#box));
    const lines = around(lineAtShare(share, this.total), this.total, LEAP);
    const nodes = await this.#fetch("leap", lines, () => void this.#leap());
    if (nodes) this.#land(nodes, lines);
  }

  /** Puts rows where the reader has come to meanwhile. */
  #land(nodes: Element[], lines: Lines): void {
    const share = this.#spacers.share(viewOf(this.#box));
    const line = clamp(lineAtShare(share, this.total), lines.from, lines.to);
    this.#replace(nodes, lines);
    // High enough that the document does not end before the view does.
    this.#spacers.setAbove(Math.max(this.#spacers.aboveHeight, share * this.#spacers.logHeight));
    const rect = this.#nodes.visible(line)?.getBoundingClientRect();
    if (rect) {
      const view = viewOf(this.#box);
      const wanted = view.top + share * (view.height - rect.height);
      this.#spacers.setAbove(this.#spacers.aboveHeight + wanted - rect.top);
    }
    this.#spacers.measure();
    this.#anchor.mark();
    this.#loads.pass(undefined);
    this.#extend();
    void this.#showEnding();
    if (!("onscrollend" in window)) this.#onRest();
  }

  /** Fetches what the reader is coming to. */
  #extend(): void {
    const view = viewOf(this.#box);
    const { top, bottom } = this.#spacers.edges;
    const margin = AHEAD * view.height;
    if (top > view.top - margin) void this.#load("above");
    if (bottom < view.bottom + margin) void this.#load("below");
  }

  async #load(edge: Edge): Promise<void> {
    const lines = nextLines(edge, this, this.total, BLOCK);
    // Closed groups of many lines have no height: they would be fetched without end.
    const isFull = this.to - this.from >= MOST_ROWS;
    if (!lines || isFull || this.#loads.isRunning(edge, "leap", "show") || this.#loads.hasFailed(edge)) return;
    const nodes = await this.#fetch(edge, lines, () => void this.#load(edge));
    if (!nodes) return;
    this.settle(() => {
      this.#nodes.add(edge, nodes);
      if (edge === "above") this.from = lines.from;
      else this.to = lines.to;
      this.#evict(edge === "above" ? "below" : "above");
    });
    this.#changed();
    this.#extend();
    void this.#showEnding();
  }

  /** How the log ends, where the page has begun elsewhere. */
  async #showEnding(): Promise<void> {
    if (!this.isAtEnd || byId("end") || this.#loads.isRunning("ending")) return;
    const answer = await this.#loads.ending(this.total, () => void this.#showEnding());
    if (answer && !byId("end")) this.put(answer.markup);
  }

  async #fetch(load: Load, lines: Lines, retry: () => void): Promise<Element[] | undefined> {
    const answer = await this.#loads.rows(load, lines, retry);
    if (!answer) return undefined;
    this.total = Math.max(this.total, answer.total);
    return [...parsed(answer.markup).children];
  }

  #replace(nodes: Element[], lines: Lines): void {
    this.#nodes.replace(nodes);
    ({ from: this.from, to: this.to } = lines);
    this.#changed();
  }

  #evict(edge: Edge): void {
    ({ from: this.from, to: this.to } = this.#nodes.evict(edge, this, viewOf(this.#box)));
  }
}
