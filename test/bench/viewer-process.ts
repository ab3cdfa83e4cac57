import type { ChildProcess } from "node:child_process";
import { startServer } from "./server-process.ts";

/** A process that listens on loopback. */
export type Server = { child: ChildProcess; url: string };

/** The viewer as a user starts it. */
export const startViewer = (store: string, cleanup: AsyncDisposableStack): Promise<Server> =>
  startServer(
    {
      what: "the viewer",
      script: "viewer/main.ts",
      // As `npm run viewer` starts it.
      nodeOptions: ["--max-semi-space-size=4", "--heap-growing-percent=150"],
      env: (port) => ({ AFTERLOG_STORE: store, AFTERLOG_NAMESPACES: "*", AFTERLOG_PORT: String(port) }),
      readyPath: "/readyz",
    },
    cleanup,
  );

/** The same server with nothing but the bytes of one file as its page. */
export const startBareServer = (file: string, cleanup: AsyncDisposableStack): Promise<Server> =>
  startServer(
    {
      what: "the bare server",
      script: "test/bench/bare-server.ts",
      args: [file],
      env: (port) => ({ PORT: String(port) }),
      readyPath: "/",
    },
    cleanup,
  );
