import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export type Answer = (response: ServerResponse, request: SeenRequest) => void;
export type SeenRequest = { method: string; url: string; headers: IncomingMessage["headers"]; body: Buffer };

/** A server that gives the prepared answers, one to each request, and remembers the requests. */
export async function scriptedServer(...answers: Answer[]) {
  const requests: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const seen = { method, url, headers, body: await buffer(request) };
    const give = answers[requests.push(seen) - 1] ?? status(500, `unexpected request ${requests.length}`);
    give(response, seen);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export const status =
  (code: number, body = "", headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end(body);

/** The server did what was asked, but its answer never arrives. */
export const lostAnswer: Answer = (response) => response.destroy();

/** Half of the body, and then what `then` does to the connection. */
export const halfBody =
  (then: (response: ServerResponse) => void): Answer =>
  (response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write(Buffer.alloc(50), () => then(response));
  };
