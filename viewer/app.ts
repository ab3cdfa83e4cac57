import { Hono, type MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import type { ArchiveReader } from "../archive/reader.ts";
import { loadAssets } from "./assets.ts";
import { Searches } from "./grep/searches.ts";
import { Live, type LiveOptions } from "./live/live.ts";
import { nothingHere } from "./lookup.ts";
import { PageCache } from "./page-cache.ts";
import { problemOf } from "./problem.ts";
import { protect, refuse } from "./protection.ts";
import { homeRoutes } from "./routes/home.ts";
import { namespaceRoutes } from "./routes/namespace.ts";
import { podLogRoutes } from "./routes/pod-log.ts";
import { probeRoutes } from "./routes/probes.ts";
import { problemAnswer } from "./routes/problem.ts";
import { repositoryRoutes } from "./routes/repository.ts";
import { runRoutes } from "./routes/run.ts";
import type { Logger, Namespaces, Site } from "./site.ts";

export type AppOptions = {
  archive: ArchiveReader;
  namespaces: Namespaces;
  /** Public origin for absolute links. */
  url?: string;
  now?: () => Date;
  logger?: Logger;
  /** Whoever makes them ends their threads. */
  searches?: Searches;
  /** Of finished pages so much is kept. */
  pageBytes?: number;
  /** Rejects with the reason while the archive cannot be read. */
  ready: () => Promise<void>;
  /** How what grows is followed, where it is not done as usual. */
  following?: Pick<LiveOptions, "maxReaders" | "pauses" | "stallMs">;
  /** Ends the following of runs and logs. */
  signal?: AbortSignal;
};

const SILENT: Logger = { error() {}, warn() {} };

const pack = compress();

/** An answer that says it differs by encoding has seen to that itself. */
const packUnpacked: MiddlewareHandler = async (c, next) => {
  await next();
  if (!/accept-encoding/i.test(c.res.headers.get("Vary") ?? "")) await pack(c, async () => {});
};

/** The viewer as a function from requests to answers. */
export function createApp(options: AppOptions): Hono {
  const {
    archive,
    namespaces,
    url,
    now = () => new Date(),
    logger = SILENT,
    searches = new Searches(),
    pageBytes = 0,
    ready,
    following,
    signal,
  } = options;
  const assets = loadAssets();
  const live = new Live({ ...following, archive, logger, ...(signal && { signal }) });
  const site: Site = {
    archive,
    namespaces,
    now,
    logger,
    assets,
    live,
    searches,
    pages: new PageCache(pageBytes),
    ...(url && { url }),
  };
  const app = new Hono();
  app.use(packUnpacked);
  app.use(protect, refuse);
  app.onError((error, c) => problemAnswer(c, site, problemOf(error)));
  app.route("/", assets.routes);
  app.route("/", probeRoutes(site, ready));
  app.route("/", homeRoutes(site));
  app.route("/", podLogRoutes(site));
  app.route("/", runRoutes(site));
  app.route("/", namespaceRoutes(site));
  app.route("/", repositoryRoutes(site));
  app.notFound((c) => problemAnswer(c, site, nothingHere()));
  return app;
}
