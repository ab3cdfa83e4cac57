import { indexPrefix, parseEntryKey } from "../archive/keys.ts";
import type { ObjectStore } from "../storage-adapters/store.ts";

type Found = { namespace: string; runUid: string };

/** Runs that are begun and not wholly archived and tidied up, in all namespaces. */
export async function* openRuns(store: ObjectStore, signal: AbortSignal): AsyncGenerator<Found> {
  for await (const item of store.list("v1/index/open/", { signal })) {
    const entry = parseEntryKey(item.key);
    const [namespace] = entry?.values ?? [];
    if (entry && namespace) yield { namespace, runUid: entry.runUid };
  }
}

/** Runs of a namespace that the archive knows, newest first, from those of `since` (ms since 1970) on. */
export async function* knownRuns(
  store: ObjectStore,
  namespace: string,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<Found> {
  for await (const item of store.list(indexPrefix({ by: "namespace", values: [namespace] }), { signal })) {
    const entry = parseEntryKey(item.key);
    if (!entry) continue;
    if (entry.createdAt.getTime() < since) return;
    yield { namespace, runUid: entry.runUid };
  }
}
