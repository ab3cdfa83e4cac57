import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, expect, test } from "vitest";
import { kubernetesClient } from "../../collector/kubernetes/client.ts";

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const end of cleanup.splice(0)) end();
});

/** Resolves with its port. */
async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const clientOf = (port: number, proxyUrl?: string) => {
  const config = new KubeConfig();
  const cluster = { name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: true, ...(proxyUrl && { proxyUrl }) };
  config.loadFromClusterAndUser(cluster, { name: "u" });
  return kubernetesClient(config, { headTimeoutMs: 200 });
};
const asked = (port: number) => clientOf(port).get("/version", {}, new AbortController().signal);

test("a server that takes a request and says nothing is given up", async () => {
  const sockets: Socket[] = [];
  const port = await listening(createServer((socket) => void sockets.push(socket)));
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  await expect(asked(port)).rejects.toThrow(`http://127.0.0.1:${port} did not answer /version in time`);
});

test("an answer that has begun may be silent for as long as it likes", async () => {
  const server = createHttpServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write(`{"silent":`);
    setTimeout(() => response.end("true}"), 600);
  });
  expect(await asked(await listening(server))).toEqual({ silent: true });
});

test("requests go by the kubeconfig's proxy", async () => {
  const port = await listening(createHttpServer((_, response) => void response.end(`{"gitVersion":"v1"}`)));
  const connects: (string | undefined)[] = [];
  const proxy = createHttpServer().on("connect", ({ url }, socket) => {
    connects.push(url);
    const through = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
  });
  const client = clientOf(port, `http://127.0.0.1:${await listening(proxy)}`);
  expect(await client.get("/version", {}, new AbortController().signal)).toEqual({ gitVersion: "v1" });
  expect(connects).toEqual([`127.0.0.1:${port}`]);
});

test("of an error's text no more is read than a message needs, however long it goes on", async () => {
  const block = Buffer.alloc(1024 * 1024, "sorry ");
  let sent = 0;
  const server = createHttpServer((_, response) => {
    response.writeHead(500);
    const send = () => {
      sent += block.byteLength;
      if (!response.destroyed) response.write(block, send);
    };
    send();
  });
  await expect(asked(await listening(server))).rejects.toThrow(/^(sorry ){80}/);
  expect(sent).toBeLessThan(64 * block.byteLength);
});

/** Listens, and accepts nothing: its kernel drops who comes when the queue is full. */
const DEAF = `
const server = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  process.stdout.write(String(server.address().port), () => process.kill(process.pid, "SIGSTOP"));
});`;

test("a server that takes no connection is given up, too", { timeout: 3_000 }, async () => {
  const child = spawn(process.execPath, ["-e", DEAF], { stdio: ["ignore", "pipe", "inherit"] });
  cleanup.push(() => void child.kill("SIGKILL"));
  const port = Number(String((await once(child.stdout, "data"))[0]));
  // Until one is left waiting, so that the next one is, too.
  const waiting = async () => {
    const socket = connect(port, "127.0.0.1");
    cleanup.push(() => void socket.destroy());
    const late = new Promise((resolve) => setTimeout(resolve, 500, "waits"));
    return (await Promise.race([once(socket, "connect"), late])) === "waits";
  };
  while (!(await waiting()));
  await expect(asked(port)).rejects.toThrow(`http://127.0.0.1:${port} did not answer /version in time`);
});
