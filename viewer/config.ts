import { ConfigError, type Env, readHost, readNamespaces, readNumber, readStore } from "../settings.ts";
import { MAX_READERS } from "./live/live.ts";
import type { Namespaces } from "./site.ts";

const MIB = 1024 * 1024;

export type ViewerConfig = {
  /** URL of the store: `file:///path`, `s3://bucket/prefix`, `gs://bucket/prefix`. */
  store: string;
  namespaces: Namespaces;
  host: string;
  /** 0 = any free one. */
  port: number;
  /** How much of what is read again and again is kept in memory. */
  cacheBytes: number;
  /** Public origin for absolute links, without a slash at its end. */
  url?: string;
  /** How many may follow runs and logs at the same time. */
  maxReaders: number;
};

/** @throws ConfigError */
export function parseViewerConfig(env: Env, directory: string = process.cwd()): ViewerConfig {
  const problems: string[] = [];
  const config = {
    store: readStore(env, directory, problems),
    namespaces: readNamespaces(env, problems),
    host: readHost(env),
    port: readNumber(env, "AFTERLOG_PORT", { fallback: 8080, min: 0, max: 65_535 }, problems),
    cacheBytes: readNumber(env, "AFTERLOG_CACHE_MIB", { fallback: 32, min: 0, max: 65_536 }, problems) * MIB,
    maxReaders: readNumber(env, "AFTERLOG_LIVE_READERS", { fallback: MAX_READERS, min: 1, max: 100_000 }, problems),
  };
  const url = env.AFTERLOG_URL?.trim() ? parseOrigin(env.AFTERLOG_URL.trim(), problems) : undefined;
  if (problems.length > 0) throw new ConfigError(problems);
  return url ? { ...config, url } : config;
}

function parseOrigin(text: string, problems: string[]): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.pathname === "/" && !url.search && !url.hash;
  if (isOrigin && !url.username) return url.origin;
  problems.push(`AFTERLOG_URL is "${text}", not an origin. Example: AFTERLOG_URL=https://logs.example.org`);
  return undefined;
}
