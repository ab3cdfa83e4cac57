import type { ArchiveReader } from "../archive/reader.ts";
import type { Assets } from "./assets.ts";
import type { Searches } from "./grep/searches.ts";
import type { Live } from "./live/live.ts";
import type { PageCache } from "./page-cache.ts";

/** Which namespaces may be shown: all, or these. */
export type Namespaces = "*" | readonly string[];

/** Told of what goes wrong; pino fits. */
export type Logger = { error(details: object, message: string): void; warn(details: object, message: string): void };

/** What the pages are made from. */
export type Site = {
  archive: ArchiveReader;
  namespaces: Namespaces;
  /** Public origin, where it is known. */
  url?: string;
  now: () => Date;
  logger: Logger;
  assets: Assets;
  /** What is followed here at the moment. */
  live: Live;
  searches: Searches;
  pages: PageCache;
};

/** A namespace that is not shown is answered like one that does not exist. */
export const shows = ({ namespaces }: Site, namespace: string): boolean =>
  namespaces === "*" || namespaces.includes(namespace);

/** A bucket of more namespaces than this is not merged into one list. */
const MAX_NAMESPACES = 1_000;

/** Every namespace that may be shown; with `*` those that have runs. */
export async function shownNamespaces({ archive, namespaces }: Site, signal: AbortSignal): Promise<readonly string[]> {
  if (namespaces !== "*") return namespaces;
  const found: string[] = [];
  for await (const namespace of archive.values("namespace", signal)) {
    found.push(namespace);
    if (found.length === MAX_NAMESPACES) break;
  }
  return found;
}
