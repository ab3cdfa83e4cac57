import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";

export type RunningServer = {
  url: string;
  /** Takes no new requests, lets the running ones end, and cuts those that do not within a few seconds. */
  close(): Promise<void>;
};

/** How long answers that have begun may take to end once the server closes. */
const GRACE_MS = 5_000;
const SWEEP_MS = 50;

/** Serves an app over HTTP. Resolves when it listens. */
export async function serve(app: Hono, { host, port }: { host: string; port: number }): Promise<RunningServer> {
  const server = createServer({ keepAliveTimeout: 65_000 }, getRequestListener(app.fetch));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        // A connection that is kept alive becomes idle only when its answer has ended, and nothing tells when.
        const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
        const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
        server.close(() => {
          clearInterval(sweep);
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}
