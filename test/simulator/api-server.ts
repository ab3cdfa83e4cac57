import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { discoveryAnswer } from "./discovery.ts";
import type { Faults, WriteVerb } from "./faults.ts";
import type { Kubelet } from "./kubelet.ts";
import { type JsonObject, type KubernetesObject, type Resource, resources } from "./kubernetes-objects.ts";
import { Lists } from "./list-endpoint.ts";
import { serveLog } from "./log-endpoint.ts";
import { parseNodeLogPath, serveNodeLogs } from "./node-log-endpoint.ts";
import type { ObjectStore } from "./object-store.ts";
import { conflict, forbidden, notFound, StatusError, serverFailure } from "./status.ts";
import { serveWatch } from "./watch-endpoint.ts";
import { createObject, patchObject, replaceObject } from "./write-endpoint.ts";

export type ApiServerOptions = {
  store: ObjectStore;
  kubelet: Kubelet;
  faults: Faults;
  nowNs: () => bigint;
  /** The nodes' time zone, as log times show it. */
  offsetMinutes: number;
  bookmarkIntervalMs: number;
  maxFollowMs: number;
  /** Whether the client has the right `nodes/proxy`. */
  nodeProxy: boolean;
  /** Pods end slowly: the simulator does it. */
  deletePod: (pod: KubernetesObject, graceSeconds: number | undefined) => void;
  /** Called for every request that was accepted, before it is answered. */
  onRequest: (method: string, url: string) => void;
};

type Target = {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
};

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #server: Server;
  readonly lists: Lists;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.lists = new Lists(options.store);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => sendFailure(response, error));
    });
    // A follow or a watch may be silent for as long as it likes.
    this.#server.requestTimeout = 0;
    this.#server.timeout = 0;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve, reject) =>
      this.#server.close((error) => (error ? reject(error) : resolve())),
    );
    this.#server.closeAllConnections();
    await closed;
  }

  /** Every connection is reset: the API server restarts. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://simulator");
    this.#options.onRequest(request.method ?? "GET", request.url ?? "/");
    const discovery = discoveryAnswer(url.pathname);
    if (discovery !== undefined) return send(response, 200, discovery);
    const nodeLog = request.method === "GET" ? parseNodeLogPath(url.pathname) : undefined;
    if (nodeLog) return serveNodeLogs(this.#options, nodeLog, request.headers.range, response);
    const target = parsePath(url.pathname);
    if (!target) {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
      return;
    }
    if (request.method === "GET") return this.#read(target, url.searchParams, response);
    const verb = writeVerbs[request.method ?? ""];
    if (!verb || target.subresource)
      throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    return this.#write(verb, target, url.searchParams, await readJson(request), response);
  }

  #write(verb: WriteVerb, target: Target, query: URLSearchParams, body: JsonObject, response: ServerResponse): void {
    const { resource, namespace, name } = target;
    const { store, faults } = this.#options;
    const scope = { verb, resource: resource.name, ...(namespace && { namespace }), ...(name && { name }) };
    const fault = faults.take("write", scope);
    if (fault?.kind === "drop") {
      response.socket?.resetAndDestroy();
      return;
    }
    if (fault?.code === 403) throw forbidden(verb, resource, namespace);
    if (fault) throw serverFailure(fault.code);
    if (verb === "create") send(response, 201, createObject(store, target, body));
    else if (name === undefined) throw notFound(resource, "");
    else if (verb === "delete") this.#delete(target, name, query, body, response);
    else if (verb === "update") send(response, 200, replaceObject(store, target, name, body));
    else send(response, 200, patchObject(store, target, name, body));
  }

  async #read(
    { resource, namespace, name, subresource }: Target,
    query: URLSearchParams,
    response: ServerResponse,
  ): Promise<void> {
    const { store, faults } = this.#options;
    if (name === undefined) {
      if (["true", "1"].includes(query.get("watch") ?? ""))
        return serveWatch(this.#options, { resource, namespace, query }, response);
      const fault = faults.take("list", { resource: resource.name, ...(namespace === undefined ? {} : { namespace }) });
      if (fault?.kind === "drop") return void response.socket?.resetAndDestroy();
      if (fault?.kind === "status" && fault.code === 410)
        throw new StatusError(
          410,
          "Expired",
          "The provided continue parameter is too old to display a consistent list result.",
        );
      if (fault?.kind === "status" && fault.code === 403) throw forbidden("list", resource, namespace);
      if (fault?.kind === "status") throw serverFailure(fault.code);
      return send(response, 200, this.lists.list(resource, namespace, query));
    }
    if (subresource === "log" && resource.name === "pods" && namespace !== undefined)
      return serveLog(this.#options, { namespace, podName: name, query }, response);
    const object = store.get(resource, namespace, name);
    if (!object) throw notFound(resource, name);
    send(response, 200, object);
  }

  #delete(
    { resource, namespace }: Target,
    name: string,
    query: URLSearchParams,
    body: JsonObject,
    response: ServerResponse,
  ): void {
    const object = this.#options.store.get(resource, namespace, name);
    if (!object) throw notFound(resource, name);
    const wanted = (body.preconditions ?? {}) as { uid?: string; resourceVersion?: string };
    const { uid, resourceVersion } = object.metadata;
    if (wanted.uid !== undefined && wanted.uid !== uid)
      throw conflict(
        resource,
        name,
        `the UID in the precondition (${wanted.uid}) does not match the UID in record (${uid}).`,
      );
    if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion)
      throw conflict(
        resource,
        name,
        `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}).`,
      );
    if (resource.name === "pods") {
      const grace = query.get("gracePeriodSeconds") ?? body.gracePeriodSeconds;
      this.#options.deletePod(object, grace === undefined ? undefined : Number(grace));
      send(response, 200, this.#options.store.get(resource, namespace, name) ?? object);
      return;
    }
    this.#options.store.remove(resource, namespace, name);
    send(response, 200, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name, group: resource.group, kind: resource.name, uid: object.metadata.uid },
    });
  }
}

const writeVerbs: Record<string, WriteVerb> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** `/api/v1/…` and `/apis/tekton.dev/v1/…`, cluster-wide, namespaced, single, with a subresource. */
function parsePath(path: string): Target | undefined {
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)\/(v1))\/(.+)$/.exec(path);
  if (!match) return undefined;
  const group = match[2] ?? "";
  const parts = (match[4] ?? "").split("/").map(decodeURIComponent);
  const namespaced = parts[0] === "namespaces" && parts.length > 2;
  const [plural, name, subresource] = namespaced ? parts.slice(2) : parts;
  const resource = Object.values<Resource>(resources).find((known) => known.name === plural && known.group === group);
  if (!resource) return undefined;
  return { resource, namespace: namespaced ? parts[1] : undefined, name, subresource };
}

async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  return text === "" ? {} : (JSON.parse(text) as JsonObject);
}

function send(response: ServerResponse, code: number, body: object | string): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(code, {
    "content-type": typeof body === "string" ? "text/plain; charset=utf-8" : "application/json",
    "cache-control": "no-cache, private",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  const status = error instanceof StatusError ? error : new StatusError(500, "InternalError", String(error));
  send(response, status.code, status.toJSON());
}
