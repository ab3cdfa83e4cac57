import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";

/**
 * The cluster's API with its node proxy: an API server does not proxy to a node on loopback ("address not allowed"), so
 * what is asked of `nodes/proxy` goes to the real kubelet here, with the same certificate, and all else to the real API
 * server. `kubeconfig` is the path of one for it.
 */
export async function openNodeProxy({ core }: Cluster): Promise<{ kubeconfig: string; close(): void }> {
  const config = new KubeConfig();
  config.loadFromDefault();
  const tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  await config.applyToHTTPSOptions(tls);
  const api = new URL(config.getCurrentCluster()?.server ?? "");
  const [node] = (await core.listNode()).items;
  const kubelet = {
    host: node?.status?.addresses?.find(({ type }) => type === "InternalIP")?.address,
    port: node?.status?.daemonEndpoints?.kubeletEndpoint?.Port,
  };
  const server = createServer((asked: IncomingMessage, answer: ServerResponse) => {
    const { method, url = "/", headers } = asked;
    const [, path] = /^\/api\/v1\/nodes\/[^/]+\/proxy(\/.*)$/.exec(url) ?? [];
    const target = path ? { ...kubelet, path } : { host: api.hostname, port: api.port, path: url };
    const { host: _, ...passed } = headers;
    const forward = request({ ...tls, ...target, method, headers: passed }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
      got.once("error", () => answer.destroy());
    });
    forward.once("error", () => answer.destroy());
    answer.once("close", () => forward.destroy());
    asked.pipe(forward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = mkdtempSync(join(tmpdir(), "afterlog-node-proxy-"));
  const kubeconfig = join(folder, "kubeconfig");
  const name = "proxy";
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{ name, cluster: { server: url, "insecure-skip-tls-verify": true } }],
      users: [{ name, user: {} }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    }),
  );
  return {
    kubeconfig,
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
