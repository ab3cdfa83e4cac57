import type { ServerResponse } from "node:http";
import type { Faults, WatchFault } from "./faults.ts";
import { apiVersionOf, type KubernetesObject, type Resource } from "./kubernetes-objects.ts";
import { type LabelSelector, parseLabelSelector } from "./label-selector.ts";
import type { ObjectStore, StoredEvent } from "./object-store.ts";
import { oddObjects } from "./odd-objects.ts";
import { badRequest, StatusError, serverFailure, tooOldVersion } from "./status.ts";

export type WatchContext = { store: ObjectStore; faults: Faults; bookmarkIntervalMs: number };

/** A watch's stream of newline-delimited JSON events. */
export function serveWatch(
  { store, faults, bookmarkIntervalMs }: WatchContext,
  { resource, namespace, query }: { resource: Resource; namespace: string | undefined; query: URLSearchParams },
  response: ServerResponse,
): void {
  const selector = parseLabelSelector(query.get("labelSelector") ?? "");
  const asked = query.get("resourceVersion") ?? "";
  if (!/^\d*$/.test(asked))
    throw new StatusError(
      500,
      undefined,
      `resourceVersion: Invalid value: "${asked}": strconv.ParseUint: parsing "${asked}": invalid syntax`,
    );
  const timeoutSeconds = Number(query.get("timeoutSeconds") ?? "1800");
  if (!Number.isFinite(timeoutSeconds)) throw badRequest("timeoutSeconds: invalid syntax");
  const fault = faults.take("watch", { resource: resource.name, ...(namespace === undefined ? {} : { namespace }) });
  if (fault?.kind === "status")
    throw fault.code === 410 ? tooOldVersion(Number(asked), store.version) : serverFailure(fault.code);

  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  response.flushHeaders();
  const stream = new EventStream(response, { fault, store, resource, version: asked === "" ? "0" : asked });
  const matchesRequest = (event: StoredEvent): boolean =>
    event.resource.name === resource.name && (namespace === undefined || event.object.metadata.namespace === namespace);

  let seen = Number(asked);
  if (asked === "" || asked === "0") {
    // "Get state and start at any": the present state comes as ADDED events.
    seen = store.version;
    for (const object of store.list(resource, namespace))
      if (selector(object.metadata.labels)) stream.send("ADDED", object);
  } else if (seen < store.oldestVersion) {
    stream.send("ERROR", tooOldVersion(seen, store.oldestVersion).toJSON());
    stream.end();
    return;
  }
  const pass = (event: StoredEvent): void => {
    if (event.version <= seen || !matchesRequest(event)) return;
    const visible = visibleEvent(event, selector);
    if (visible) stream.send(visible.type, visible.object);
  };
  for (const event of store.eventsAfter(seen)) pass(event);

  const unsubscribe = store.subscribe(pass);
  const sendBookmark = (): void => stream.send("BOOKMARK", bookmark(resource, Math.max(seen, store.version)));
  const bookmarks = query.get("allowWatchBookmarks") === "true";
  const bookmarkTimer = bookmarks ? setInterval(sendBookmark, bookmarkIntervalMs) : undefined;
  const endTimer = setTimeout(() => {
    if (bookmarks) sendBookmark();
    stream.end();
  }, timeoutSeconds * 1000);
  response.on("close", () => {
    unsubscribe();
    clearInterval(bookmarkTimer);
    clearTimeout(endTimer);
  });
}

/** An object that begins to match appears, one that ceases to match disappears, with its last matching state. */
function visibleEvent(
  event: StoredEvent,
  selector: LabelSelector,
): { type: string; object: KubernetesObject } | undefined {
  const matched = event.previous !== undefined && selector(event.previous.metadata.labels);
  const matches = event.type !== "DELETED" && selector(event.object.metadata.labels);
  if (matches) return { type: matched ? "MODIFIED" : "ADDED", object: event.object };
  if (!matched || !event.previous) return undefined;
  const { resourceVersion } = event.object.metadata;
  return {
    type: "DELETED",
    object: { ...event.previous, metadata: { ...event.previous.metadata, resourceVersion } },
  };
}

const bookmark = (resource: Resource, version: number): object => ({
  kind: resource.kind,
  apiVersion: apiVersionOf(resource),
  metadata: { resourceVersion: String(version), creationTimestamp: null },
  ...(resource.name === "pods" ? { spec: { containers: null }, status: {} } : {}),
});

type StreamOptions = {
  fault: Exclude<WatchFault, { kind: "status" }> | undefined;
  store: ObjectStore;
  resource: Resource;
  /** What the client has seen already. */
  version: string;
};

class EventStream {
  readonly #response: ServerResponse;
  readonly #options: StreamOptions;
  #sent = 0;
  #done = false;
  #version: string;

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response;
    this.#options = options;
    this.#version = options.version;
    this.#strikeIfDue();
  }

  send(type: string, object: object): void {
    if (this.#done) return;
    this.#writeEvent(type, object);
    this.#version = (object as Partial<KubernetesObject>).metadata?.resourceVersion ?? this.#version;
    this.#sent += 1;
    this.#strikeIfDue();
  }

  end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#response.end();
  }

  #writeEvent(type: string, object: object): void {
    this.#response.write(`${JSON.stringify({ type, object })}\n`);
  }

  #strikeIfDue(): void {
    const { fault, store, resource } = this.#options;
    if (!fault || this.#done || this.#sent !== fault.afterEvents) return;
    switch (fault.kind) {
      case "drop":
        this.#done = true;
        setImmediate(() => this.#response.socket?.resetAndDestroy());
        break;
      case "clean-eof":
        this.end();
        break;
      case "silence":
        this.#done = true;
        break;
      case "malformed-line":
        this.#response.write(`{"type":"MODIFIED","object":{"kind":"Po\n`);
        break;
      case "odd-object":
        // With a later version a client would go on behind events that it has not been told.
        for (const object of oddObjects(resource, this.#version)) this.#writeEvent("ADDED", object);
        break;
      case "gone":
        this.#writeEvent("ERROR", tooOldVersion(1, store.version));
        this.end();
        break;
    }
  }
}
