/** The collector's settings, read from the environment once. Times in ms. */
export type CollectorConfig = {
  store: string;
  namespaces: string[];
  followsPerNode: number;
  sidecarWaitMs: number;
  chunkGraceMs: number;
  healthPort: number | undefined;
  logLevel: string;
};

const LEVELS = ["debug", "info", "warn", "error"];
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Throws one error that names every setting that cannot be used. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * @param cwd where the default archive folder lies
 * @throws ConfigError
 */
export function parseCollectorConfig(env: Record<string, string | undefined>, cwd: string): CollectorConfig {
  const problems: string[] = [];
  const whole = (name: string, fallback: number, min: number, max: number, example: string): number => {
    const text = env[name];
    if (text === undefined || text === "") return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    problems.push(`${name} is "${text}"; it must be a whole number from ${min} to ${max}, for example ${example}`);
    return fallback;
  };
  const config = {
    store: env.AFTERLOG_STORE || `file://${encodeURI(cwd)}/archive-data`,
    namespaces: parseNamespaces(env, problems),
    followsPerNode: whole("AFTERLOG_FOLLOWS_PER_NODE", 60, 1, 10_000, "60"),
    sidecarWaitMs: whole("AFTERLOG_SIDECAR_WAIT_SECONDS", 60, 0, 3600, "60") * 1000,
    chunkGraceMs: whole("AFTERLOG_CHUNK_GRACE_SECONDS", 180, 0, 86_400, "180") * 1000,
    healthPort: env.AFTERLOG_METRICS_PORT ? whole("AFTERLOG_METRICS_PORT", 0, 0, 65_535, "9090") : undefined,
    logLevel: env.AFTERLOG_LOG_LEVEL || "info",
  };
  if (!LEVELS.includes(config.logLevel)) {
    problems.push(`AFTERLOG_LOG_LEVEL is "${config.logLevel}"; it must be one of ${LEVELS.join(", ")}`);
  }
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return config;
}

function parseNamespaces(env: Record<string, string | undefined>, problems: string[]): string[] {
  const text = env.AFTERLOG_NAMESPACES;
  if (text === undefined) {
    const host = env.AFTERLOG_HOST ?? "127.0.0.1";
    if (["127.0.0.1", "::1", "localhost"].includes(host)) return ["*"];
    problems.push(
      "AFTERLOG_NAMESPACES is not set; name the namespaces to collect, for example tekton-ci,nightly, or * for all",
    );
    return [];
  }
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) {
    problems.push(
      "AFTERLOG_NAMESPACES is empty; name the namespaces to collect, for example tekton-ci,nightly, or * for all",
    );
  } else if (names.includes("*") && names.length > 1) {
    problems.push(`AFTERLOG_NAMESPACES is "${text}"; * stands alone, or name the namespaces without it`);
  }
  const bad = names.filter((name) => name !== "*" && !NAMESPACE.test(name));
  for (const name of bad)
    problems.push(`AFTERLOG_NAMESPACES names "${name}", which no Kubernetes namespace can be called`);
  return [...new Set(names)];
}
