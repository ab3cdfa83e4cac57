import { firstLineOf, lineOf } from "./dom.ts";
import type { RowNodes } from "./row-nodes.ts";
import type { Spacers } from "./spacers.ts";
import { viewOf } from "./view.ts";

/** A row, and where its top stood in the view. */
type Stand = { element: Element; top: number };
/** Where the view was when the row was looked up, and how high the rows were. */
type Marked = Stand & { y: number; size: number };

/** The first row in view, which is what is read: it stays where it stands, whatever changes above it. */
export class Anchor {
  readonly #box: HTMLElement;
  readonly #nodes: RowNodes;
  readonly #spacers: Spacers;
  #marked: Marked | undefined;

  constructor(box: HTMLElement, nodes: RowNodes, spacers: Spacers) {
    this.#box = box;
    this.#nodes = nodes;
    this.#spacers = spacers;
  }

  /** The first line in view and where it stands; undefined where that has no number. */
  get place(): { line: number; top: number } | undefined {
    if (!this.#marked) return undefined;
    const { element, top } = this.#marked;
    const line = lineOf(element);
    return Number.isNaN(line) ? undefined : { line, top };
  }

  /** Takes what is in view now for what is read. */
  mark(): void {
    const stand = this.#find();
    this.#marked = stand && { ...stand, y: scrollY, size: this.#box.offsetHeight };
  }

  /** Does what changes heights, and leaves what is read where it is. */
  settle(change: () => void): void {
    const stand = this.#find();
    change();
    this.#spacers.fit();
    const moved = movedFrom(stand);
    if (moved !== 0 && !this.#spacers.takeUp(moved)) scrollBy({ top: moved, behavior: "instant" });
    this.#spacers.measure();
    this.mark();
  }

  /** Something has changed the rows' heights since the last mark. @param scrolled by how much the reader has since */
  keep(scrolled = 0): void {
    if (this.#marked?.element.isConnected) {
      const moved = movedFrom(this.#marked) + scrolled;
      if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
    }
    this.#spacers.measure();
    this.#spacers.fit();
    this.mark();
  }

  /** By how much the view was scrolled since the last mark, where the rows' heights have changed meanwhile. */
  get scrolledAndResized(): number | undefined {
    const { y, size } = this.#marked ?? {};
    return y === undefined || size === this.#box.offsetHeight ? undefined : scrollY - y;
  }

  /** Makes the scrollbar true again: wheel and window move by rows, the scrollbar by shares of the log. */
  normalise(): void {
    const { place } = this;
    if (!place) return;
    const view = viewOf(this.#box);
    const above = this.#spacers.trueAbove(place.line, view);
    if (above === undefined || Math.abs(above - this.#spacers.aboveHeight) < view.height / 2) return;
    this.#spacers.setAbove(above);
    scrollBy({ top: movedFrom(this.#marked), behavior: "instant" });
    this.mark();
  }

  /** The first row in view that has a number, inside of folds too. */
  #find(): Stand | undefined {
    return firstInView(this.#nodes.all, viewOf(this.#box).top);
  }
}

const movedFrom = (stand: Stand | undefined): number =>
  stand?.element.isConnected ? stand.element.getBoundingClientRect().top - stand.top : 0;

/** Looks at few of the rows: each look makes the browser lay them out. */
function firstInView(children: readonly Element[], viewTop: number): Stand | undefined {
  for (const element of children.slice(firstBelow(children, viewTop))) {
    if (element.getClientRects().length === 0 || Number.isNaN(firstLineOf(element))) continue;
    const fold = element.querySelector(":scope > details[open]");
    const isTitlePast = fold && (fold.firstElementChild?.getBoundingClientRect().bottom ?? 0) <= viewTop + 1;
    const inner = isTitlePast && firstInView([...fold.children], viewTop);
    if (inner) return inner;
    if (element.id || fold) return { element, top: element.getBoundingClientRect().top };
  }
  return undefined;
}

/** The index of the first child that ends below the view's top, or of the last; those without a box are passed over. */
function firstBelow(children: readonly Element[], viewTop: number): number {
  let [low, high] = [0, children.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    let probe = middle;
    while (probe < high && children[probe]?.getClientRects().length === 0) probe++;
    const rect = children[probe]?.getBoundingClientRect();
    if (rect && (rect.height === 0 || rect.bottom <= viewTop + 1)) low = probe + 1;
    else high = middle;
  }
  return low;
}
