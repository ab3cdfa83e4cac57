import type { Part } from "./searches.ts";

/** What is known of a search: all of it, or what there was time for. */
export type Tally = {
  /** Lines with a hit. */
  count: number;
  /** Lines that were looked at. */
  searched: number;
  isDone: boolean;
  /** The hit that a reader is to see, and which one it is, from 1. */
  focus?: { hit: number; line: number };
  unreadable: Extract<Part, { unreadable: string }>[];
};

/** Stretches that are named; a log has a handful of segments. */
const MAX_UNREADABLE = 20;

/**
 * Counts hits, and finds the one with the number `hit` (the last where there are fewer), else the first one from the
 * line `near` on (the first where none is). Ends early, and says so, when `limit` aborts.
 */
export async function tally(
  parts: AsyncIterable<Part>,
  { hit, near }: { hit?: number | undefined; near: number },
  limit: AbortSignal,
): Promise<Tally> {
  const found: Tally = { count: 0, searched: 0, isDone: false, unreadable: [] };
  let first: number | undefined;
  let last: number | undefined;
  try {
    for await (const part of parts) {
      found.searched = part.to;
      if ("unreadable" in part) {
        if (found.unreadable.length < MAX_UNREADABLE) found.unreadable.push(part);
        continue;
      }
      const { lines } = part;
      const at = hit === undefined ? lines.findIndex((line) => line >= near) : hit - found.count - 1;
      const line = at >= 0 ? lines[at] : undefined;
      if (line !== undefined && !found.focus) found.focus = { hit: found.count + at + 1, line };
      first ??= lines[0];
      last = lines.at(-1) ?? last;
      found.count += lines.length;
    }
    found.isDone = true;
  } catch (error) {
    if (!limit.aborted || error !== limit.reason) throw error;
  }
  const other = hit === undefined ? { hit: 1, line: first } : { hit: found.count, line: last };
  if (!found.focus && found.isDone && other.line !== undefined) found.focus = { hit: other.hit, line: other.line };
  return found;
}
