import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Collector } from "./collector.ts";
import type { Metrics } from "./metrics.ts";

/** `/healthz`, `/readyz` (503 with the reason while it is not) and `/metrics`, for the operator's eyes only. */
export function operationsServer(collector: Pick<Collector, "notReady">, { registry }: Metrics): Server {
  async function answer({ url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (status: number, body: string) =>
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${body}\n`);
    const path = url?.split("?", 1)[0];
    const reason = collector.notReady;
    if (path === "/healthz") text(200, "ok");
    else if (path === "/readyz") text(reason ? 503 : 200, reason ?? "ok");
    else if (path === "/metrics")
      response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
    else text(404, "not found: there are /healthz, /readyz and /metrics");
  }
  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end(`${error}\n`);
    });
  });
}
