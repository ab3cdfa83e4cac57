import { raw } from "hono/html";
import type { Fold } from "../../archive/folds.ts";
import { count, preciseDuration } from "../time.ts";
import { type Html, html } from "./html.ts";

/** Markup of what is open or closed around rows. A start and an end frame what stands between them. */

export type FoldOptions = { isOpen: boolean; classes?: string };

/** The row of a fold's first line and what opens for its rows; `title` has no link: none may stand in a summary. */
export function foldStart(fold: Fold, title: Html, time: Html, options: FoldOptions): Html {
  const { start } = fold;
  return html`<div class="g" id="L${start}"><a href="#L${start}">${count(start)}</a>${details(fold, options)}<summary class="r${options.classes}">${time}<span>${title}<small>${lengthOf(fold)}</small></span></summary>
`;
}

/** The same for rows that come after its first: in another piece, or behind another start on the same line. */
export function foldPart(fold: Fold, options: FoldOptions): Html {
  return html`<div class="g">${details(fold, options)}<summary class="r"><time></time><span>${fold.title}<small>continued, ${lengthOf(fold)}</small></span></summary>
`;
}

export const foldEnd: Html = raw("</details></div>\n");

/** All parts of a fold bear its first line, so that the script can open them together. */
const details = ({ start }: Fold, { isOpen }: FoldOptions): Html =>
  html`<details data-fold="${start}"${isOpen && html` open`}>`;

function lengthOf({ start, end, seconds, goesOn }: Fold): string {
  if (goesOn) return "goes on";
  const lines = `${count(end - start)} ${end - start === 1 ? "line" : "lines"}`;
  return seconds === undefined ? lines : `${lines} · ${preciseDuration(seconds * 1_000)}`;
}
