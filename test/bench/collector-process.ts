import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { endWithUs, stop } from "./child.ts";
import { until } from "./wait.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const READY_MS = 20_000;

/**
 * The collector as a user starts it, with a store in a folder. Resolves when it is ready; the stack ends it.
 * @throws Error with what it printed, if it ends before that
 */
export async function startCollector(
  { kubeconfig, folder }: { kubeconfig: string; folder: string },
  cleanup: AsyncDisposableStack,
): Promise<{ child: ChildProcess; store: string }> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "kubeconfig"), kubeconfig);
  const store = pathToFileURL(join(folder, "archive")).href;
  const port = await freePort();
  // As `npm run collector` starts it.
  const child = spawn(process.execPath, ["--max-semi-space-size=1", "collector/main.ts"], {
    cwd: ROOT,
    env: {
      ...process.env,
      KUBECONFIG: join(folder, "kubeconfig"),
      AFTERLOG_STORE: store,
      AFTERLOG_NAMESPACES: "*",
      AFTERLOG_FOLLOWS_PER_NODE: "10000",
      AFTERLOG_METRICS_PORT: String(port),
      AFTERLOG_LOG_LEVEL: "warn",
    },
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
  const isReady = async () => {
    if (child.exitCode !== null) throw new Error(`the collector ended with ${child.exitCode}: ${said}`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    return answer?.ok || undefined;
  };
  await until("the collector to be ready", isReady, { ms: READY_MS });
  return { child, store };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
