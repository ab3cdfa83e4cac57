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

/** The first line that a row, a group or a part of one holds. */
export function firstLineOf(element: Element): number {
  const line = lineOf(element);
  if (!Number.isNaN(line) || !element.matches(".g")) return line;
  const row = element.querySelector("[id^=L]");
  return row ? lineOf(row) : Number.NaN;
}

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
