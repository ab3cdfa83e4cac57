import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { endWithUs, stop } from "./child.ts";
import { until } from "./wait.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const READY_MS = 20_000;

export type ServerOptions = {
  /** For messages: `the collector`. */
  what: string;
  /** Below the repository's root, and what it is given. */
  script: string;
  args?: string[];
  /** Options of Node itself. */
  nodeOptions?: string[];
  /** What its environment has more than this process's; `port` is a free one. */
  env: (port: number) => Record<string, string>;
  /** Answers with 200 when it is ready. */
  readyPath: string;
};

/**
 * A server as a process of its own. Resolves when it is ready; the stack ends it.
 * @throws Error with what it printed, if it ends before that
 */
export async function startServer(
  { what, script, args = [], nodeOptions = [], env, readyPath }: ServerOptions,
  cleanup: AsyncDisposableStack,
): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [...nodeOptions, script, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(child);
  cleanup.defer(() => stop(child));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      said = (said + bytes).slice(-4_000);
    });
  }
  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => {
    if (child.exitCode !== null) throw new Error(`${what} ended with ${child.exitCode}: ${said}`);
    const answer = await fetch(`${url}${readyPath}`).catch(() => undefined);
    return answer?.ok || undefined;
  };
  await until(`${what} to be ready`, isReady, { ms: READY_MS });
  return { child, url };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
