import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { StorageError } from "./storage-adapters/store.ts";

/** What collector and viewer read of the environment alike. Pure: only the `main` files read the environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A process cannot start; the message says what the operator can put right. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** Says everything that is wrong with the settings, one line each, with an example. */
export class ConfigError extends StartError {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A name that Kubernetes gives a namespace. */
export const isNamespace = (name: string): boolean => NAMESPACE.test(name);

/** The store's URL, by default the folder `archive-data` in `directory`. */
export function readStore(env: Env, directory: string, problems: string[]): string {
  const store = env.AFTERLOG_STORE?.trim() || pathToFileURL(join(directory, "archive-data")).href;
  // Not repeated in the message: a wrong one may well contain credentials.
  if (!/^(file|s3|gs):\/\/|^memory:/.test(store)) {
    problems.push("AFTERLOG_STORE names no store. Example: AFTERLOG_STORE=s3://bucket/prefix?region=eu-central-1");
  }
  return store;
}

export const readHost = (env: Env): string => env.AFTERLOG_HOST?.trim() || "127.0.0.1";

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\.[\d.]+$/.test(host);

/** All namespaces must be asked for, not forgotten: only on a machine of one's own may the setting be left out. */
export function readNamespaces(env: Env, problems: string[]): readonly string[] | "*" {
  const example = "Example: AFTERLOG_NAMESPACES=tekton-ci,releases (or * for all)";
  const list = env.AFTERLOG_NAMESPACES;
  if (list === undefined) {
    if (!isLoopback(readHost(env))) {
      problems.push(`AFTERLOG_NAMESPACES is not set: say which namespaces to collect and to show. ${example}`);
    }
    return "*";
  }
  const names = list.split(",").flatMap((name) => name.trim() || []);
  if (names.length === 0) problems.push(`AFTERLOG_NAMESPACES is empty, so that there would be nothing. ${example}`);
  if (names.includes("*")) {
    if (names.length > 1) problems.push(`AFTERLOG_NAMESPACES has * beside names: give one or the other. ${example}`);
    return "*";
  }
  for (const name of names.filter((name) => !isNamespace(name))) {
    problems.push(`AFTERLOG_NAMESPACES has "${name}", which is no name of a namespace. ${example}`);
  }
  return [...new Set(names)];
}

/** A whole number in a range; `fallback` where the variable is not set. */
export function readNumber(
  env: Env,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
  problems: string[],
): number {
  const text = env[name]?.trim();
  if (!text) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  problems.push(`${name} is "${text}", not a whole number from ${min} to ${max}. Example: ${name}=${fallback}`);
  return fallback;
}

/** Off unless it is set to `true`. */
export function readSwitch(env: Env, name: string, problems: string[]): boolean {
  const text = env[name]?.trim() ?? "";
  if (!["", "true", "false"].includes(text))
    problems.push(`${name} is "${text}", neither true nor false. Example: ${name}=true`);
  return text === "true";
}

/**
 * What a process prints before it ends with an exit code: for what the operator can put right a sentence that names
 * the setting, for anything else the error itself, which shows where it happened.
 */
export function explain(error: unknown): unknown {
  if (error instanceof StartError) return error.message;
  if (error instanceof StorageError) return `AFTERLOG_STORE: ${error.message}`;
  const isListening = error instanceof Error && "syscall" in error && error.syscall === "listen";
  return isListening ? `AFTERLOG_HOST and AFTERLOG_PORT: ${error.message}` : error;
}
