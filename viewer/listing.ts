import { type Entry, entriesOf } from "../archive/entry.ts";
import { ArchiveError } from "../archive/error.ts";
import { type IndexName, indexPrefix } from "../archive/keys.ts";
import type { FoundEntry } from "../archive/reader.ts";
import type { Status } from "../archive/record.ts";
import { progressText } from "./pages/progress.ts";
import { badRequest } from "./problem.ts";
import { type Site, shows } from "./site.ts";

/** Runs on one page of a list. */
export const PAGE_RUNS = 50;
/** Entries that are read for one page when a filter passes few of them. */
export const LOOKED_THROUGH = 500;

/** Where a list goes on: the end of a key, which sorts all indexes alike by time and UID. */
export type Cursor = string;

/** What `?status=` may be, and the statuses that it passes. */
const FILTERS: Record<string, readonly Status[]> = {
  failed: ["failed", "timed-out"],
  running: ["running", "waiting"],
  succeeded: ["succeeded"],
  cancelled: ["cancelled"],
};
export type StatusFilter = { name: string; passes: readonly Status[] };

export type Page = {
  entries: Entry[];
  /** There are older ones. */
  next?: Cursor;
  /** How many were looked at that may be shown, and the oldest of them. */
  looked: number;
  oldest?: string;
  /** Entries that could not be read, and why the first of them could not. */
  damaged: number;
  damage?: ArchiveError;
};

export type PageOptions = {
  before?: Cursor | undefined;
  matches?: (entry: Entry) => boolean;
  limit?: number;
  signal: AbortSignal;
};

/** @throws Problem */
export function parseStatus(text: string | undefined): StatusFilter | undefined {
  if (!text) return undefined;
  const passes = Object.hasOwn(FILTERS, text) ? FILTERS[text] : undefined;
  if (!passes) throw badRequest(`status is one of ${Object.keys(FILTERS).join(", ")}.`);
  return { name: text, passes };
}

/** Whether a run is like that; without a filter every one is. */
export const passing =
  (status: StatusFilter | undefined) =>
  (entry: Pick<Entry, "status">): boolean =>
    !status || status.passes.includes(entry.status);

/** What was looked for, as a list of it ends a sentence. */
export const statusWords = (status: StatusFilter | undefined): string | undefined =>
  status && `those that ${status.name === "running" ? "are running" : status.name}.`;

/** @throws Problem */
export function parseBefore(text: string | undefined): Cursor | undefined {
  if (!text) return undefined;
  if (/^\d{13}-[A-Za-z0-9-]{1,64}$/.test(text)) return text;
  throw badRequest("before is what a link to older runs ends with.");
}

/** One page of the runs that some indexes hold, newest first. */
export async function listRuns(site: Site, indexes: readonly IndexName[], options: PageOptions): Promise<Page> {
  const { matches = () => true, limit = PAGE_RUNS, signal } = options;
  const page: Page = { entries: [], looked: 0, damaged: 0 };
  let last: Cursor | undefined;
  let read = 0;
  for await (const found of merged(site, indexes, options.before, signal)) {
    // What is one too many is not shown; that it is there makes the link to it.
    if (page.entries.length === limit || read === LOOKED_THROUGH) return last ? { ...page, next: last } : page;
    last = cursorOf(found);
    read++;
    if (!("entry" in found)) {
      page.damaged++;
      page.damage ??= found.damage;
      site.logger.warn({ key: found.key, err: found.damage }, "an entry cannot be read");
      continue;
    }
    // Not even counted: that something is archived under a namespace that is not shown is nobody's business.
    if (!shows(site, found.entry.run.namespace)) continue;
    page.looked++;
    const entry = await upToDate(site, found.entry, signal);
    page.oldest = entry.createdAt;
    if (matches(entry)) page.entries.push(entry);
  }
  return page;
}

/** An entry that is not final is a hint: the run's record knows better. */
async function upToDate(site: Site, entry: Entry, signal: AbortSignal): Promise<Entry> {
  if (entry.final) return entry;
  try {
    const record = await site.archive.run({ namespace: entry.run.namespace, runUid: entry.run.uid }, signal);
    const [fresh = entry] = record ? entriesOf(record).values() : [];
    const why = fresh.why ?? (record && progressText(record, site.now()));
    return why === undefined ? fresh : { ...fresh, why };
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    // The other runs of the list are shown all the same; this one's own page says what is wrong.
    site.logger.warn({ err: error }, "a record cannot be read");
    return { ...entry, status: "unknown", why: `Its record cannot be read: ${error.message}.` };
  }
}

/**
 * That there are no runs can be said only of a list that could be read.
 * @throws ArchiveError, if none of its entries could
 */
export function isEmpty({ looked, damage }: Page): boolean {
  if (looked === 0 && damage) throw damage;
  return looked === 0;
}

const cursorOf = ({ key }: FoundEntry): Cursor => key.slice(key.lastIndexOf("/") + 1, -".json".length);

type Head = { found: FoundEntry; cursor: Cursor; rest: AsyncGenerator<FoundEntry> };

/** Several indexes as one. Holds one entry of each. */
async function* merged(
  { archive }: Site,
  indexes: readonly IndexName[],
  before: Cursor | undefined,
  signal: AbortSignal,
): AsyncGenerator<FoundEntry> {
  const advance = async (rest: AsyncGenerator<FoundEntry>): Promise<Head[]> => {
    const next = await rest.next();
    return next.done ? [] : [{ found: next.value, cursor: cursorOf(next.value), rest }];
  };
  const open = (index: IndexName) =>
    archive.entries(index, { signal, ...(before && { after: `${indexPrefix(index)}${before}.json` }) });
  const sources = indexes.map(open);
  try {
    let heads = (await Promise.all(sources.map(advance))).flat();
    while (heads.length > 0) {
      const newest = heads.reduce((a, b) => (b.cursor < a.cursor ? b : a));
      yield newest.found;
      heads = [...heads.filter((head) => head !== newest), ...(await advance(newest.rest))];
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
}
