import type { Hono } from "hono";
import { ArchiveReader } from "../../archive/reader.ts";
import type { ObjectReader } from "../../storage-adapters/store.ts";
import { type AppOptions, createApp } from "../../viewer/app.ts";

export const NOW = new Date("2026-07-30T13:21:48Z");

/** The viewer over a store, without a server. */
export function appOver(store: ObjectReader, options: Partial<AppOptions> = {}): Hono {
  return createApp({
    archive: new ArchiveReader(store),
    namespaces: "*",
    now: () => NOW,
    ready: async () => {},
    ...options,
  });
}

export const BROWSER = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0" };

export type Answer = { status: number; type: string; headers: Headers; body: string };

/** Status, type and text of an answer; asks as a browser does unless told otherwise. */
export async function get(app: Hono, path: string, headers: Record<string, string> = BROWSER): Promise<Answer> {
  const response = await app.request(path, { headers });
  const type = response.headers.get("Content-Type") ?? "";
  return { status: response.status, type, headers: response.headers, body: await response.text() };
}

export type Counting = ObjectReader & {
  reads: { key: string; offset?: number; length?: number }[];
  /** Prefixes that were listed, and keys of which only the size was asked. */
  others: string[];
};

/** Counts what is asked of a store. */
export function counting(store: ObjectReader): Counting {
  const reads: Counting["reads"] = [];
  const others: string[] = [];
  return {
    reads,
    others,
    get(key, options = {}) {
      reads.push({
        key,
        ...(options.offset !== undefined && { offset: options.offset }),
        ...(options.length !== undefined && { length: options.length }),
      });
      return store.get(key, options);
    },
    stat(key, options) {
      others.push(key);
      return store.stat(key, options);
    },
    list(prefix, options) {
      others.push(prefix);
      return store.list(prefix, options);
    },
  };
}
