import type { Lines } from "./address.ts";

/**
 * How places on the scrollbar and lines of a log belong together. Pure; heights are in CSS pixels.
 *
 * Only a window of rows is in the document; two spacers stand for the others. Firefox ends elements at 17.9 million
 * pixels, Chromium at 33.5 million: a log that is taller is drawn on a smaller scale, so that the scrollbar is still
 * true while rows keep their size.
 */
export const MAX_HEIGHT = 10_000_000;
/** A spacer that stands for any line at all can be seen, and scrolled into. */
export const MIN_SPACER = 400;

export const virtualHeight = (lines: number, rowHeight: number): number => Math.min(MAX_HEIGHT, lines * rowHeight);

/**
 * The line that a place on the scrollbar stands for. At its top that is the first line at the view's top, at its end
 * the last line at the view's bottom, and in between the line at that share of the view: so both ends can be reached.
 * @param share 0 to 1
 */
export const lineAtShare = (share: number, total: number): number => 1 + Math.round(clamp(share, 0, 1) * (total - 1));

export const shareOfLine = (line: number, total: number): number =>
  total <= 1 ? 0 : clamp((line - 1) / (total - 1), 0, 1);

/** How far the view has come, between 0 and 1. */
export const shareOfView = (viewTop: number, viewHeight: number, contentTop: number, contentHeight: number): number =>
  contentHeight <= viewHeight ? 0 : clamp((viewTop - contentTop) / (contentHeight - viewHeight), 0, 1);

export const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value));

/** The lines to fetch around one, clipped to the log. */
export function around(line: number, total: number, height: number): Lines {
  const from = clamp(line - Math.floor(height / 2), 1, Math.max(1, total - height + 1));
  return { from, to: Math.min(total, from + height - 1) };
}

/** Where a window of rows ends and may be continued. */
export type Edge = "above" | "below";

/** What is fetched next at an edge of the window; undefined at the log's own edge. */
export function nextLines(edge: Edge, { from, to }: Lines, total: number, height: number): Lines | undefined {
  if (edge === "above") return from > 1 ? { from: Math.max(1, from - height), to: from - 1 } : undefined;
  return to < total ? { from: to + 1, to: Math.min(total, to + height) } : undefined;
}
