import type { Lines } from "./address.ts";
import { byId, firstLineOf, lineOf } from "./dom.ts";
import { joinParts, keepFolds } from "./folds.ts";
import type { Edge } from "./scale.ts";
import type { Extent, Spacers } from "./spacers.ts";
import type { View } from "./view.ts";

/** Rows in the document; what is beyond goes where the reader is not. */
const MAX_ROWS = 2_000;

/** The rows, groups and notes that are in the document, between the spacers. */
export class RowNodes {
  readonly #box: Element;
  readonly #above: Element;
  readonly #below: Element;

  constructor(box: Element, { above, below }: Spacers) {
    this.#box = box;
    this.#above = above;
    this.#below = below;
  }

  get all(): Element[] {
    const children = [...this.#box.children];
    return children.slice(children.indexOf(this.#above) + 1, children.indexOf(this.#below));
  }

  /** A row that has a height: one that was written over has none. */
  visible(line: number): Element | undefined {
    const row = byId(`L${line}`);
    if (row?.offsetHeight) return row;
    return this.all.filter((child) => firstLineOf(child) <= line).findLast((child) => child.clientHeight > 0);
  }

  replace(nodes: readonly Element[]): void {
    while (this.#above.nextSibling && this.#above.nextSibling !== this.#below) this.#above.nextSibling.remove();
    this.add("above", nodes);
    joinParts(this.#box);
  }

  /** What comes anew takes the place of what stands under the same name. */
  add(edge: Edge, nodes: readonly Element[]): void {
    for (const node of nodes) {
      keepFolds(node, "fold");
      if (node.id) byId(node.id)?.remove();
    }
    if (edge === "above") this.#above.after(...nodes);
    else this.#below.before(...nodes);
  }

  /**
   * New rows at the log's end, and older ones that they change. Rows that do not join what is here are left out.
   * @returns how many lines the log has now
   */
  put(nodes: readonly Element[], { to, total }: Extent): number {
    let lines = total;
    let before: Element | undefined;
    for (const node of nodes) {
      const old = node.id ? byId(node.id) : null;
      const line = firstLineOf(node);
      const rows = node.matches(".g") ? [...node.querySelectorAll("[id^=L]")] : [];
      lines = Math.max(lines, ...[line, ...rows.map(lineOf)].filter((line) => line > 0));
      if (old) {
        const isSame = looksLike(old, node);
        if (!isSame) old.replaceWith(node);
        before = isSame ? old : node;
      } else if (node.id === "end") this.#box.append(node);
      else if (isNote(node) && isKnownNote(node, before)) continue;
      else if (to >= total && !(line < to)) {
        // A part of a group begins with the row that came before, which may have grown.
        for (const { id } of rows) byId(id)?.remove();
        this.#below.before(node);
        before = node;
      }
    }
    return lines;
  }

  /** Takes rows away where the reader is not, unless they are being copied. @returns the lines that are left */
  evict(edge: Edge, { from, to }: Lines, view: View): Lines {
    joinParts(this.#box);
    const surplus = to - from + 1 - MAX_ROWS;
    if (surplus <= 0 || (surplus < MAX_ROWS && isCopying(this.#box))) return { from, to };
    return edge === "above"
      ? { from: this.#evictAbove(from + surplus, view) ?? from, to }
      : { from, to: this.#evictBelow(to - surplus, view) ?? to };
  }

  /** @returns the first line that is left; undefined when what would go is too near to the view */
  #evictAbove(line: number, view: View): number | undefined {
    const first = this.all.findLast((child) => firstLineOf(child) <= line);
    if (!first || first.getBoundingClientRect().top > view.top - view.height) return undefined;
    while (this.#above.nextElementSibling && this.#above.nextElementSibling !== first)
      this.#above.nextElementSibling.remove();
    return firstLineOf(first);
  }

  /** @returns the last line that is left; undefined when what would go is too near to the view */
  #evictBelow(line: number, view: View): number | undefined {
    const beyond = this.all.find((child) => firstLineOf(child) > line);
    if (!beyond || beyond.getBoundingClientRect().top < view.bottom + view.height) return undefined;
    // A pause or a date before a row is that row's.
    let first = beyond;
    for (let note = first.previousElementSibling; note && isOfNextRow(note); note = note.previousElementSibling)
      first = note;
    while (first.nextElementSibling !== this.#below && first.nextElementSibling) first.nextElementSibling.remove();
    first.remove();
    return firstLineOf(beyond) - 1;
  }
}

/** What is said between rows, of the clock and of what was written over. */
const isNote = (node: Element): boolean => node.matches(".slow");
const isOfNextRow = (node: Element): boolean => node.matches(".slow:not(:has(a))");

/** Whether a note stands here already: it comes again with the row that it is about. */
function isKnownNote(note: Element, before: Element | undefined): boolean {
  if (!note.querySelector("a")) {
    const next = [note.nextElementSibling, note.nextElementSibling?.nextElementSibling].find((node) => node?.id);
    return !!next && byId(next.id) !== null;
  }
  if (before?.nextElementSibling?.matches(".slow:has(a)")) before.nextElementSibling.remove();
  return false;
}

/** Marks aside. */
function looksLike(one: Element, other: Element): boolean {
  if (!one.matches(".r")) return one.isEqualNode(other);
  return one.matches(".o") === other.matches(".o") && !!one.lastElementChild?.isEqualNode(other.lastElementChild);
}

const isCopying = (box: Element): boolean => {
  const selection = getSelection();
  return !!selection && !selection.isCollapsed && selection.containsNode(box, true);
};
