import type { ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startServer } from "./server-process.ts";

/** The collector as a user starts it, with a store in a folder. Resolves when it is ready; the stack ends it. */
export async function startCollector(
  { kubeconfig, folder }: { kubeconfig: string; folder: string },
  cleanup: AsyncDisposableStack,
): Promise<{ child: ChildProcess; store: string }> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "kubeconfig"), kubeconfig);
  const store = pathToFileURL(join(folder, "archive")).href;
  const env = (port: number) => ({
    KUBECONFIG: join(folder, "kubeconfig"),
    AFTERLOG_STORE: store,
    AFTERLOG_NAMESPACES: "*",
    AFTERLOG_FOLLOWS_PER_NODE: "10000",
    AFTERLOG_METRICS_PORT: String(port),
    AFTERLOG_LOG_LEVEL: "warn",
  });
  const { child } = await startServer(
    {
      what: "the collector",
      script: "collector/main.ts",
      // As `npm run collector` starts it.
      nodeOptions: [
        "--max-semi-space-size=4",
        "--no-parallel-scavenge",
        "--no-incremental-marking",
        "--heap-growing-percent=50",
      ],
      env,
      readyPath: "/readyz",
    },
    cleanup,
  );
  return { child, store };
}
