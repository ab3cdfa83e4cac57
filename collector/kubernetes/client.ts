import http from "node:http";
import https from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { agentsReadingInPlace } from "./agents.ts";

/** How long the API server may take to send the head of an answer. Bodies have no limit: a follow is silent for hours. */
const HEAD_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;
/** Of an error's body: more than a message needs. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Of an answer that is read as a whole: a page of 500 objects that are each a third of what etcd takes. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

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
  /**
   * Writes, and resolves with the JSON of a 2xx. Without `contentType` the body is a whole object; a PATCH has to name
   * its kind. Nothing is tried again: a write whose answer was lost may have happened.
   * @throws as `open` does
   */
  send<T>(
    method: WriteMethod,
    path: string,
    body: object,
    options: { contentType?: string },
    signal: AbortSignal,
  ): Promise<T>;
};

export type WriteMethod = "POST" | "PUT" | "PATCH" | "DELETE";
type Payload = { method: WriteMethod; body: string; contentType: string };

const isStatus = (error: unknown, status: number): boolean =>
  error instanceof KubernetesError && error.status === status;

/** There is no such object, or none any more. */
export const isNotFound = (error: unknown): boolean => isStatus(error, 404);
/** The object is not what the writer took it for: it has changed, or it exists already. */
export const isConflict = (error: unknown): boolean => isStatus(error, 409);
/** No right to do this, or no valid credentials. */
export const isForbidden = (error: unknown): boolean => isStatus(error, 403) || isStatus(error, 401);

/**
 * Requests on node:https with client-node's authentication. Its own Log and Watch classes are not used: they end the
 * process on a reset and cut quiet streams (kubernetes-logs.md §12).
 */
export function kubernetesClient(
  config: KubeConfig,
  { headTimeoutMs = HEAD_TIMEOUT_MS }: { headTimeoutMs?: number } = {},
): KubernetesClient {
  const server = config.getCurrentCluster()?.server;
  if (!server) throw new Error("the kubeconfig has no current context with a cluster");
  const base = server.replace(/\/+$/, "");
  const isProxied = Boolean(config.getCurrentCluster()?.proxyUrl);
  const agents = agentsReadingInPlace();

  /** Reads, unless there is something to write. */
  async function request(
    path: string,
    query: Query,
    signal: AbortSignal,
    payload?: Payload,
  ): Promise<http.IncomingMessage> {
    const url = new URL(base + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const options: https.RequestOptions = {
      method: payload?.method ?? "GET",
      // From the beginning: set later, it would begin with the connection.
      timeout: headTimeoutMs,
      headers: {
        accept: "application/json, */*",
        // Node sends no length with a DELETE by itself, and then the server takes the body for another request.
        ...(payload && { "content-type": payload.contentType, "content-length": Buffer.byteLength(payload.body) }),
      },
    };
    await config.applyToHTTPSOptions(options);
    const plain = url.protocol === "http:";
    // Only for a proxy are client-node's own connections needed; certificates are among the options, too.
    if (!isProxied) options.agent = plain ? agents.http : agents.https;
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    signal.throwIfAborted();
    const sent = (plain ? http : https).request(url, options);
    let received: http.IncomingMessage | undefined;
    // Not as the request's option: Node ties a signal to the connection too, which other requests use after this one.
    // Without an error: nobody listens on a connection that has just been given back.
    const abort = () => {
      if (!received?.complete) sent.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    sent.on("close", () => signal.removeEventListener("abort", abort));
    sent.on("timeout", () => sent.destroy(new Error(`${base} did not answer ${path} in time`)));
    sent.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    sent.on("response", (response) => {
      received = response;
      sent.setTimeout(0);
      // Who reads it is told of its end; a body that is closed before anybody reads must not end the process.
      response.on("error", () => {});
      resolve(response);
    });
    sent.on("error", reject);
    sent.end(payload?.body);
    const response = await promise;
    const status = response.statusCode ?? 0;
    if (status === 200 || (payload && status > 200 && status < 300)) return response;
    throw toError(status, (await textOf(response, MAX_ERROR_BYTES)).text, path);
  }

  return {
    open: (path, query, signal) => request(path, query, signal),
    get: async <T>(path: string, query: Query, signal: AbortSignal) =>
      (await jsonOf(await request(path, query, signal), path)) as T,
    send: async <T>(
      method: WriteMethod,
      path: string,
      body: object,
      { contentType = "application/json" }: { contentType?: string },
      signal: AbortSignal,
    ) =>
      (await jsonOf(await request(path, {}, signal, { method, body: JSON.stringify(body), contentType }), path)) as T,
  };
}

/** The body's text, up to a limit; one that goes on is not read any further. */
export async function textOf(body: AsyncIterable<Buffer>, limit: number): Promise<{ text: string; isWhole: boolean }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.byteLength;
    if (bytes > limit) break;
  }
  return { text: Buffer.concat(parts).toString("utf8", 0, limit), isWhole: bytes <= limit };
}

async function jsonOf(body: AsyncIterable<Buffer>, path: string): Promise<unknown> {
  const { text, isWhole } = await textOf(body, MAX_ANSWER_BYTES);
  if (!isWhole) throw new Error(`the answer to ${path} is longer than ${MAX_ANSWER_BYTES / 2 ** 20} MiB`);
  return JSON.parse(text);
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
