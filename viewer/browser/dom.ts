/** Small words for the document. */

export const byId = (id: string): HTMLElement | null => document.getElementById(id);
export const all = (selector: string, root: ParentNode = document): HTMLElement[] => [
  ...root.querySelectorAll<HTMLElement>(selector),
];
export const pane = (): HTMLElement | null => byId("pane");
export const count = (n: number): string => n.toLocaleString("en");

/** The line of a row or a group; NaN for what is neither. */
export const lineOf = (element: Element): number =>
  /^L\d+$/.test(element.id) ? Number(element.id.slice(1)) : Number.NaN;

export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  values: Partial<HTMLElementTagNameMap[K]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), values);
  element.append(...children);
  return element;
}

/** For a screen reader, in passing. */
export const say = (words: string): void => byId("say")?.replaceChildren(words);

export class AnswerError extends Error {}

/** A part of the run's page. @throws AnswerError, TypeError (no connection), AbortError */
export async function part(
  fragment: string,
  search: string,
  values: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<{ markup: string; headers: Headers }> {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries({ fragment, ...values })) params.set(name, value);
  const answer = await fetch(`${location.pathname}?${params}`, {
    headers: { Accept: "text/html" },
    ...(signal && { signal }),
  });
  if (!answer.ok) throw new AnswerError(String(answer.status));
  return { markup: await answer.text(), headers: answer.headers };
}

export const parsed = (markup: string): HTMLElement => new DOMParser().parseFromString(markup, "text/html").body;

/** Folds that the reader has opened or closed stay so in what comes anew. */
export function keepFolds(node: Element): void {
  const keyed = [node, ...node.querySelectorAll("[data-key]")];
  for (const fold of keyed) {
    if (!(fold instanceof HTMLDetailsElement)) continue;
    const known = all("[data-key]").find(({ dataset }) => dataset.key === fold.dataset.key);
    if (known instanceof HTMLDetailsElement) fold.open = known.open;
  }
}

const PREFIX = "afterlog.";
/** What a reader has chosen, without a cookie. Storage may be forbidden: then it lasts as long as the page. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {}
}
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
}
