import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { agentsReadingInPlace } from "../../collector/kubernetes/agents.ts";

/** TLS without a certificate. */
const ANONYMOUS = { ciphers: "AECDH-AES128-SHA:@SECLEVEL=0", maxVersion: "TLSv1.2" } as const;
const MIB = 1024 * 1024;

const protocols = [
  { name: "http", serve: (listener: http.RequestListener) => http.createServer(listener), request: http.request },
  {
    name: "https",
    serve: (listener: http.RequestListener) => https.createServer(ANONYMOUS, listener),
    request: https.request,
  },
] as const;

test.each(protocols)(
  "answers by $name that are read at the same time and kept are what was sent",
  async ({ name, serve, request }) => {
    const sent = [randomBytes(3 * MIB), randomBytes(3 * MIB), randomBytes(3 * MIB)];
    const server = serve(async ({ url }, response) => {
      const body = sent[Number(url?.slice(1))] as Buffer;
      for (let at = 0, part = 1; at < body.byteLength; at += part, part = 1 + ((part * 7919) % 100_000))
        if (!response.write(body.subarray(at, at + part))) await once(response, "drain");
      response.end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const agent = agentsReadingInPlace()[name];
    const { port } = server.address() as AddressInfo;
    const read = async (path: string): Promise<Buffer> => {
      const options = { ...ANONYMOUS, host: "127.0.0.1", port, path, agent, rejectUnauthorized: false };
      const [response] = (await once(request(options).end(), "response")) as [http.IncomingMessage];
      return Buffer.concat(await response.toArray());
    };
    const received = await Promise.all(["/0", "/1", "/2"].map(read));
    // Once more over a connection that is there already, if it is kept.
    received.push(await read("/0"));
    expect(received.map((body, i) => body.equals(sent[i % 3] as Buffer))).toEqual([true, true, true, true]);
    agent.destroy();
    server.close();
  },
);
