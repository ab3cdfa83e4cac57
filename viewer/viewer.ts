import { ArchiveReader } from "../archive/reader.ts";
import type { ObjectReader } from "../storage-adapters/store.ts";
import { type AppOptions, createApp } from "./app.ts";
import type { ViewerConfig } from "./config.ts";
import { Searches } from "./grep/searches.ts";
import { type RunningServer, serve } from "./server.ts";
import type { Logger } from "./site.ts";

export type ViewerOptions = {
  config: Pick<ViewerConfig, "namespaces" | "host" | "port" | "url"> &
    Partial<Pick<ViewerConfig, "maxReaders" | "cacheBytes">>;
  /** How what grows is followed, where it is not done as usual. */
  following?: AppOptions["following"];
  /** Open already; whoever opened it closes it. */
  store: ObjectReader;
  logger?: Logger;
  /** Closes the viewer. */
  signal?: AbortSignal;
};

/** How long the store may take to say that it is there. */
const READY_MS = 5_000;

/** Serves the archive in a store until `close()` or the signal's abort. */
export async function startViewer({ config, following, store, logger, signal }: ViewerOptions): Promise<RunningServer> {
  signal?.throwIfAborted();
  const stopped = new AbortController();
  const searches = new Searches();
  const { cacheBytes = 0 } = config;
  const pageBytes = cacheBytes / 8;
  const app = createApp({
    searches,
    pageBytes,
    archive: new ArchiveReader(store, { cacheBytes: cacheBytes - pageBytes }),
    namespaces: config.namespaces,
    ...(config.url && { url: config.url }),
    ...(logger && { logger }),
    ready: () => askStore(store),
    following: { ...(config.maxReaders !== undefined && { maxReaders: config.maxReaders }), ...following },
    signal: stopped.signal,
  });
  const server = await serve(app, config);
  let closing: Promise<void> | undefined;
  const close = () => {
    stopped.abort();
    closing ??= server.close().then(() => searches.pool.close());
    return closing;
  };
  signal?.addEventListener("abort", () => void close(), { once: true });
  return { url: server.url, close };
}

/** One listing that ends at its first item: what every page begins with. */
async function askStore(store: ObjectReader): Promise<void> {
  const signal = AbortSignal.timeout(READY_MS);
  for await (const _ of store.list("v1/", { delimiter: "/", signal })) return;
}
