import type { Entry } from "../archive/entry.ts";
import { type IndexName, parseEntryKey } from "../archive/keys.ts";
import type { FoundEntry } from "../archive/reader.ts";
import type { RunRecord } from "../archive/record.ts";
import { namespacePath, query, type RunName, runPath } from "./address.ts";
import { type Link, Problem } from "./problem.ts";
import { type Site, shows } from "./site.ts";
import { date } from "./time.ts";

/** How many runs of one name a page tells of. */
const SAME_NAME = 10;
/** How many of the newest runs are looked through for a name like the one that is not there. */
const NEAR = 200;

export type FoundRun = {
  record: RunRecord;
  /** Other runs of the same name, newest first. */
  others: Entry[];
  isNewest: boolean;
};

/**
 * The newest run of a name, or the one with this UID.
 * @throws Problem 410, if its entry has outlived its record
 */
export async function findRun(
  site: Site,
  name: RunName,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<FoundRun | undefined> {
  if (!shows(site, name.namespace)) return undefined;
  const index: IndexName = { by: "name", values: [name.namespace, name.kind, name.name] };
  const named = await newest(site, index, SAME_NAME, signal);
  // An entry's key tells enough: a damaged entry does not hide its run.
  const newestUid = named[0] && parseEntryKey(named[0].key)?.runUid;
  const wanted = uid ?? newestUid;
  if (!wanted) return undefined;
  const record = await site.archive.run({ namespace: name.namespace, runUid: wanted }, signal);
  const entries = readable(named);
  if (!record) {
    const entry = entries.find(({ run }) => run.uid === wanted);
    if (entry) throw gone(entry);
    return undefined;
  }
  // The UID is the reader's: it must not lead from one run's address to another run.
  if (record.run.name !== name.name || record.run.kind !== name.kind) return undefined;
  return {
    record,
    others: entries.filter(({ run }) => run.uid !== wanted),
    isNewest: newestUid === undefined || newestUid === wanted,
  };
}

/** The newest entries of an index that may be shown, damaged ones included. */
async function newest(site: Site, index: IndexName, limit: number, signal: AbortSignal): Promise<FoundEntry[]> {
  const entries: FoundEntry[] = [];
  for await (const found of site.archive.entries(index, { signal })) {
    const isDamaged = !("entry" in found);
    if (isDamaged) site.logger.warn({ key: found.key, err: found.damage }, "an entry cannot be read");
    if (isDamaged || shows(site, found.entry.run.namespace)) entries.push(found);
    if (entries.length === limit) break;
  }
  return entries;
}

const readable = (found: readonly FoundEntry[]): Entry[] => found.flatMap((one) => ("entry" in one ? one.entry : []));

/** The newest entries of an index that may be shown. Damaged ones are left out: for hints, where none is no answer. */
export const take = async (site: Site, index: IndexName, limit: number, signal: AbortSignal): Promise<Entry[]> =>
  readable(await newest(site, index, limit, signal));

/**
 * The same where none means that there is nothing.
 * @throws ArchiveError, if there are entries and none of them can be read
 */
export async function takeReadable(site: Site, index: IndexName, limit: number, signal: AbortSignal): Promise<Entry[]> {
  const found = await newest(site, index, limit, signal);
  const entries = readable(found);
  const [first] = found;
  if (entries.length === 0 && first && "damage" in first) throw first.damage;
  return entries;
}

/** The run that a TaskRun of a PipelineRun belongs to: Tekton names its pod after it. */
export async function findOwner(
  site: Site,
  namespace: string,
  taskRun: string,
  signal: AbortSignal,
): Promise<RunRecord | undefined> {
  if (!shows(site, namespace)) return undefined;
  for (const entry of await take(site, { by: "pod", values: [namespace, `${taskRun}-pod`] }, SAME_NAME, signal)) {
    const record = await site.archive.run({ namespace, runUid: entry.run.uid }, signal);
    if (record?.tasks.some((task) => task.taskRun.name === taskRun)) return record;
  }
  return undefined;
}

/** 404 in words, with names that begin alike. */
export async function noSuchRun(site: Site, { namespace, name }: RunName, signal: AbortSignal): Promise<Problem> {
  const words = `Nothing called ${name} is archived in ${namespace}.`;
  const title = "No run is archived under this name";
  if (!shows(site, namespace)) return new Problem(404, title, words, { links: [allRuns] });
  const near = await nearMisses(site, namespace, name, signal);
  const links = [
    ...near.map(({ run }): Link => ({ before: "Did you mean ", href: runPath(run), text: run.name, after: "?" })),
    { href: namespacePath(namespace), text: `Newest runs of ${namespace}` },
  ];
  return new Problem(404, title, words, { links });
}

export const allRuns: Link = { href: "/", text: "Newest runs" };

export const nothingHere = (): Problem =>
  new Problem(404, "There is nothing at this address", "No run, pull request or commit has it.", { links: [allRuns] });

async function nearMisses(site: Site, namespace: string, name: string, signal: AbortSignal): Promise<Entry[]> {
  const entries = await take(site, { by: "namespace", values: [namespace] }, NEAR, signal);
  const alike = (other: string) => commonPrefix(name, other) + commonPrefix(reversed(name), reversed(other));
  // Half of the name must agree, counted from both ends: a typo in the middle or another random suffix.
  return [...new Map(entries.map((entry) => [entry.run.name, entry])).values()]
    .filter(({ run }) => alike(run.name) >= Math.max(3, name.length / 2))
    .toSorted((a, b) => alike(b.run.name) - alike(a.run.name))
    .slice(0, 5);
}

const reversed = (text: string): string => [...text].reverse().join("");

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

export const gone = (entry: Entry): Problem =>
  new Problem(
    410,
    "This run has expired",
    `The run ${entry.run.name} of ${date(entry.createdAt)} was archived, and its logs have been deleted since.`,
    { links: [{ href: namespacePath(entry.run.namespace), text: `Newest runs of ${entry.run.namespace}` }] },
  );

/** The page of exactly this run, also when a newer one has its name. */
export const runAddress = ({ run }: Pick<Entry, "run">): string => `${runPath(run)}${query({ uid: run.uid })}`;
