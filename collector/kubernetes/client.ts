import http from "node:http";
import https from "node:https";
import { json, text } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";

/** How long the API server may take to send the head of an answer. Bodies have no limit: a follow is silent for hours. */
const HEAD_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;

/** The API server answered with an error. `kind` tells whose: `pods` = its own 404, `pods/log` = kubelet's. */
export class KubernetesError extends Error {
  override readonly name = "KubernetesError";
  readonly status: number;
  readonly reason: string | undefined;
  readonly kind: string | undefined;

  constructor(status: number, message: string, reason?: string, kind?: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.kind = kind;
  }
}

export type Query = Record<string, string | number | boolean | undefined>;

export type KubernetesClient = {
  /**
   * Sends a GET and resolves with the open body of a 200.
   * @throws KubernetesError for any other status; what node:http throws when there is no answer
   */
  open(path: string, query: Query, signal: AbortSignal): Promise<http.IncomingMessage>;
  /** A GET whose whole answer is JSON. */
  get<T>(path: string, query: Query, signal: AbortSignal): Promise<T>;
};

/**
 * Requests on node:https with client-node's authentication. Its own Log and Watch classes are not used: they end the
 * process on a reset and cut quiet streams (kubernetes-logs.md §12).
 */
export function kubernetesClient(config: KubeConfig): KubernetesClient {
  const server = config.getCurrentCluster()?.server;
  if (!server)
    throw new Error("the kubeconfig has no current context with a cluster: set KUBECONFIG or choose a context");
  const base = server.replace(/\/+$/, "");

  async function open(path: string, query: Query, signal: AbortSignal): Promise<http.IncomingMessage> {
    const url = new URL(base + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const options: https.RequestOptions = { headers: { accept: "application/json, */*" } };
    await config.applyToHTTPSOptions(options);
    const plain = url.protocol === "http:";
    const { agent, ...rest } = options;
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const request = plain
      ? http.request(url, { ...rest, signal })
      : https.request(url, { ...rest, ...(agent && { agent }), signal });
    request.setTimeout(HEAD_TIMEOUT_MS, () => request.destroy(new Error(`${base} did not answer ${path} in time`)));
    request.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    request.on("response", (response) => {
      request.setTimeout(0);
      resolve(response);
    });
    request.on("error", reject);
    request.end();
    const response = await promise;
    if (response.statusCode === 200) return response;
    throw toError(response.statusCode ?? 0, await text(response), path);
  }

  return {
    open,
    get: async <T>(path: string, query: Query, signal: AbortSignal) =>
      (await json(await open(path, query, signal))) as T,
  };
}

function toError(status: number, body: string, path: string): KubernetesError {
  try {
    const parsed = JSON.parse(body) as { message?: string; reason?: string; details?: { kind?: string } };
    return new KubernetesError(status, parsed.message ?? body, parsed.reason, parsed.details?.kind);
  } catch {
    // Proxies and kubelet answer in plain text; that text is the message.
    return new KubernetesError(status, body.slice(0, 500) || `${path} answered ${status}`);
  }
}
