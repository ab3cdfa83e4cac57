import { indexPrefix, parseEntryKey, type RunId } from "../archive/keys.ts";
import type { ObjectStore } from "../storage-adapters/store.ts";

/** Which runs are looked for: in each namespace those created at this time (ms since 1970) or later, if they are wanted. */
export type Wanted = { since: ReadonlyMap<string, number>; wants: (run: RunId) => boolean };

/**
 * What the archive knows, by a listing a namespace and one more instead of a read per run: of the wanted runs those that
 * are begun at least (`known`), and of all namespaces those that are begun and not wholly archived and tidied up (`open`).
 */
export async function surveyRuns(
  store: ObjectStore,
  { since, wants }: Wanted,
  signal: AbortSignal,
): Promise<{ known: RunId[]; open: RunId[] }> {
  const known: RunId[] = [];
  for (const [namespace, ms] of since)
    for await (const run of knownRuns(store, namespace, ms, signal)) if (wants(run)) known.push(run);
  // In this order: a run that another replica begins in between is under `open` before it is in the index.
  return { known, open: await Array.fromAsync(openRuns(store, signal)) };
}

async function* openRuns(store: ObjectStore, signal: AbortSignal): AsyncGenerator<RunId> {
  for await (const item of store.list("v1/index/open/", { signal })) {
    const entry = parseEntryKey(item.key);
    const [namespace] = entry?.values ?? [];
    if (entry && namespace) yield { namespace, runUid: entry.runUid };
  }
}

/** Newest first. */
async function* knownRuns(
  store: ObjectStore,
  namespace: string,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<RunId> {
  for await (const item of store.list(indexPrefix({ by: "namespace", values: [namespace] }), { signal })) {
    const entry = parseEntryKey(item.key);
    if (!entry) continue;
    if (entry.createdAt.getTime() < since) return;
    yield { namespace, runUid: entry.runUid };
  }
}
