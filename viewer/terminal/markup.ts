import { raw } from "hono/html";
import { escaped, type Html } from "../pages/html.ts";
import { DEFAULT_STYLE, type Style } from "./style.ts";

/** A stretch of text of one style. */
export type Run = {
  readonly text: string;
  readonly style: Style;
  /** Part of what a search found; `now`: of the hit that the reader is at. */
  readonly mark?: "hit" | "now";
};

export type Markup = {
  html: Html;
  /** What is shown of the text. */
  text: string;
  isCut: boolean;
};

/** Markup may be this much longer than the text it may show: a line of nothing but colours is cut. */
const MARKUP_FACTOR = 8;

const NOTHING: Run = { text: "", style: DEFAULT_STYLE };

/**
 * The markup of a row, up to `limit` characters of text. Nothing but `<span class>`, `<mark>` and `<a href rel>` gets out, and
 * every text and address escaped; where a link may lead is for its maker to check.
 */
export function markup(runs: readonly Run[], limit: number): Markup {
  // Most rows: nothing but text.
  const [{ text, style, mark } = NOTHING] = runs;
  const isText = runs.length <= 1 && style.classes === "" && style.href === undefined && !mark && text.length <= limit;
  return isText ? { html: raw(escaped(text)), text, isCut: false } : styled(runs, limit);
}

function styled(runs: readonly Run[], limit: number): Markup {
  const marked = { html: "", text: "", isCut: false };
  let room = limit;
  let href: string | undefined;
  for (const { text, style, mark } of runs) {
    marked.isCut = room === 0 || marked.html.length > limit * MARKUP_FACTOR;
    if (marked.isCut) break;
    if (style.href !== href) marked.html += `${href === undefined ? "" : "</a>"}${opening(style.href)}`;
    href = style.href;
    const shown = cut(text, room);
    const inner = markedUp(escaped(shown), mark);
    marked.html += style.classes === "" ? inner : `<span class="${style.classes}">${inner}</span>`;
    marked.text += shown;
    marked.isCut = shown.length < text.length;
    if (marked.isCut) break;
    room -= shown.length;
  }
  return { ...marked, html: raw(href === undefined ? marked.html : `${marked.html}</a>`) };
}

const markedUp = (html: string, mark: Run["mark"]): string =>
  mark ? `<mark${mark === "now" ? ' class="now"' : ""}>${html}</mark>` : html;

const opening = (href: string | undefined): string =>
  href === undefined ? "" : `<a href="${escaped(href)}" rel="noopener nofollow">`;

/** Never within a character of two halves. */
export const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : text.slice(0, limit).replace(/[\ud800-\udbff]$/, "");
