import { all } from "./dom.ts";

/** Folds that the reader has opened or closed stay so in what comes anew. @param name of the data that tells them apart */
export function keepFolds(node: Element, name: "key" | "fold"): void {
  for (const fold of [node, ...node.querySelectorAll(`[data-${name}]`)]) {
    if (!(fold instanceof HTMLDetailsElement)) continue;
    const known = all(`details[data-${name}]`).find((other) => other.dataset[name] === fold.dataset[name]);
    if (known instanceof HTMLDetailsElement) fold.open = known.open;
  }
}

/** The parts of a group, which come in pieces, are opened and closed as one. */
export function openTogether(box: Element, changed: EventTarget | null): void {
  if (!(changed instanceof HTMLDetailsElement)) return;
  const { fold } = changed.dataset;
  if (fold === undefined) return;
  for (const other of all(`details[data-fold="${fold}"]`, box)) {
    if (other instanceof HTMLDetailsElement && other.open !== changed.open) other.open = changed.open;
  }
}

/** Opens what hides a row. */
export function unfold(row: Element, box: Element): void {
  for (let fold = row.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) {
    fold.open = true;
    openTogether(box, fold);
  }
}

/** A part that follows the one before it needs no title of its own. */
export function joinParts(box: Element): void {
  for (const part of all(".g:not([id])", box)) part.classList.toggle("c", isContinuation(part));
}

function isContinuation(part: Element): boolean {
  const sibling = part.previousElementSibling;
  const before = sibling && !sibling.matches("summary") ? sibling : edgeBefore(part);
  const [own, other] = [part, before].map(
    (group) => group?.querySelector<HTMLElement>(":scope > details")?.dataset.fold,
  );
  return own !== undefined && own === other;
}

/** What stands last in the part before the one that this part begins. */
const edgeBefore = (part: Element): Element | null =>
  part.parentElement?.closest(".g")?.previousElementSibling?.querySelector(":scope > details")?.lastElementChild ??
  null;
