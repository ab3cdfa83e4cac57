import type { Lines } from "./address.ts";
import { byId, make } from "./dom.ts";
import { MIN_SPACER, shareOfLine, shareOfView, virtualHeight } from "./scale.ts";
import type { View } from "./view.ts";

/** Which lines are in the document, and how many the log has: as they are whenever they are read. */
export type Extent = Readonly<Lines> & { readonly total: number };

/** Before the first row and after the last: heights in pixels that stand for the rows that are not there. */
export class Spacers {
  readonly above = make("div", { className: "sp" });
  readonly below = make("div", { className: "sp" });
  readonly #extent: Extent;
  #aboveHeight = 0;
  #rowHeight = 20;

  /** In place of the strips that lead to more where there is no script. */
  constructor(box: Element, extent: Extent) {
    this.#extent = extent;
    for (const strip of box.querySelectorAll(":scope > .more")) strip.remove();
    const first = [...box.children].find((child) => child.id || child.matches(".slow, .r, .g"));
    if (first) first.before(this.above);
    else box.append(this.above);
    const end = byId("end");
    if (end) end.before(this.below);
    else box.append(this.below);
  }

  get aboveHeight(): number {
    return this.#aboveHeight;
  }

  /** Where the rows that are here begin and end in the view. */
  get edges(): { top: number; bottom: number } {
    return { top: this.above.getBoundingClientRect().bottom, bottom: this.below.getBoundingClientRect().top };
  }

  /** How high the log is, or is drawn. */
  get logHeight(): number {
    const { top, bottom } = this.edges;
    return Math.max(virtualHeight(this.#extent.total, this.#rowHeight), bottom - top);
  }

  /** How far the reader has scrolled through the log, between 0 and 1. */
  share(view: View): number {
    if (scrollY >= document.documentElement.scrollHeight - innerHeight - 2) return 1;
    const top = this.above.getBoundingClientRect().top;
    return shareOfView(view.top, view.height, top, this.below.getBoundingClientRect().bottom - top);
  }

  /** So high above that it can be seen, and scrolled into; what is below fits itself to it. */
  setAbove(height: number): void {
    this.#set(Math.max(MIN_SPACER, height));
  }

  /** Fits what is below to rows that have come or gone, or have other heights. */
  fit(): void {
    this.#set(this.#aboveHeight);
  }

  /** Takes up by how much rows have moved. @returns false where there is no room for that */
  takeUp(moved: number): boolean {
    const height = this.#aboveHeight - moved;
    const isTaken = this.#extent.from > 1 && height >= MIN_SPACER;
    if (isTaken) this.#set(height);
    return isTaken;
  }

  /** From the rows that are here, how high those are that are not. */
  measure(): void {
    const { from, to } = this.#extent;
    const { top, bottom } = this.edges;
    const lines = to - from + 1;
    if (lines > 0 && bottom > top) this.#rowHeight = (bottom - top) / lines;
  }

  /** The height above with which the scrollbar is true while a line stands at the view's top; undefined without any. */
  trueAbove(line: number, view: View): number | undefined {
    const { from, to, total } = this.#extent;
    if (from <= 1) return undefined;
    const { top, bottom } = this.edges;
    if (to >= total) return Math.max(MIN_SPACER, this.logHeight - (bottom - top));
    const share = shareOfLine(line + ((view.height / this.#rowHeight) * line) / total, total);
    const hidden = view.top - (top - this.#aboveHeight);
    return Math.max(MIN_SPACER, this.#aboveHeight + share * (this.logHeight - view.height) - hidden);
  }

  #set(above: number): void {
    const { from, to, total } = this.#extent;
    this.#aboveHeight = from > 1 ? above : 0;
    this.above.style.height = `${this.#aboveHeight}px`;
    const { top, bottom } = this.edges;
    const left = virtualHeight(total, this.#rowHeight) - this.#aboveHeight - (bottom - top);
    this.below.style.height = `${to < total ? Math.max(MIN_SPACER, left) : 0}px`;
  }
}
