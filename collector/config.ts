import { hostname, tmpdir } from "node:os";
import { ConfigError, type Env, isNamespace, readNamespaces, readNumber, readStore, readSwitch } from "../settings.ts";

/** The collector's settings, read from the environment once. Times in ms. */
export type CollectorConfig = {
  /** URL of the store. */
  store: string;
  namespaces: readonly string[] | "*";
  followsPerNode: number;
  sidecarWaitMs: number;
  chunkGraceMs: number;
  /** Where text waits for a store that is slow or away, and how much of it. */
  spoolDirectory: string;
  spoolBytes: number;
  /** Whether rotated log files are fetched through the nodes' proxy. */
  nodeProxy: boolean;
  /** Where `/metrics`, `/healthz` and `/readyz` are answered; undefined for nowhere. */
  metricsPort: number | undefined;
  /** How long a TaskRun's deletion may wait for its logs; 0: no finalizer. In seconds. */
  finalizerSeconds: number;
  /** Where this replica tells others that it is there, and its name among them; undefined: it works alone. */
  lease: { namespace: string; replica: string } | undefined;
  logLevel: string;
};

const LEVELS = ["debug", "info", "warn", "error"];

/** @throws ConfigError */
export function parseCollectorConfig(env: Env, directory: string): CollectorConfig {
  const problems: string[] = [];
  const seconds = (name: string, fallback: number, max: number) =>
    readNumber(env, name, { fallback, min: 0, max }, problems) * 1000;
  const config = {
    store: readStore(env, directory, problems),
    namespaces: readNamespaces(env, problems),
    followsPerNode: readNumber(env, "AFTERLOG_FOLLOWS_PER_NODE", { fallback: 60, min: 1, max: 10_000 }, problems),
    sidecarWaitMs: seconds("AFTERLOG_SIDECAR_WAIT_SECONDS", 60, 3_600),
    chunkGraceMs: seconds("AFTERLOG_CHUNK_GRACE_SECONDS", 180, 86_400),
    spoolDirectory: env.AFTERLOG_SPOOL_DIRECTORY?.trim() || tmpdir(),
    spoolBytes:
      readNumber(env, "AFTERLOG_SPOOL_MIB", { fallback: 1024, min: 0, max: 1_048_576 }, problems) * 1024 * 1024,
    nodeProxy: readSwitch(env, "AFTERLOG_NODE_PROXY", problems),
    finalizerSeconds: readNumber(env, "AFTERLOG_FINALIZER_SECONDS", { fallback: 0, min: 0, max: 3_600 }, problems),
    lease: readLease(env, problems),
    metricsPort: env.AFTERLOG_METRICS_PORT
      ? readNumber(env, "AFTERLOG_METRICS_PORT", { fallback: 9090, min: 0, max: 65_535 }, problems)
      : undefined,
    logLevel: env.AFTERLOG_LOG_LEVEL || "info",
  };
  if (!LEVELS.includes(config.logLevel)) {
    problems.push(
      `AFTERLOG_LOG_LEVEL is "${config.logLevel}", not one of ${LEVELS.join(", ")}. Example: AFTERLOG_LOG_LEVEL=info`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readLease(env: Env, problems: string[]): CollectorConfig["lease"] {
  const namespace = env.AFTERLOG_LEASE_NAMESPACE?.trim();
  if (!namespace) return undefined;
  if (!isNamespace(namespace)) {
    problems.push(
      `AFTERLOG_LEASE_NAMESPACE is "${namespace}", which is no name of a namespace. Example: AFTERLOG_LEASE_NAMESPACE=afterlog`,
    );
  }
  return { namespace, replica: env.AFTERLOG_REPLICA?.trim() || hostname() };
}
