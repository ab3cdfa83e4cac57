import { apiVersionOf, type JsonObject, type KubernetesObject, type Resource } from "./kubernetes-objects.ts";
import { parseLabelSelector } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { badRequest, StatusError } from "./status.ts";

type Snapshot = { version: number; objects: KubernetesObject[] };

/** Pages of one list come from one moment: what is created meanwhile appears in the watch only. */
export class Lists {
  readonly #store: ObjectStore;
  readonly #snapshots = new Map<string, Snapshot>();
  #nextSnapshot = 1;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** After this every continue token that was handed out gets 410 (etcd compacts about every 5 minutes). */
  expireContinueTokens(): void {
    this.#snapshots.clear();
  }

  list(resource: Resource, namespace: string | undefined, query: URLSearchParams): JsonObject {
    const limit = Number(query.get("limit") ?? "0");
    if (!Number.isInteger(limit) || limit < 0) throw badRequest("limit: invalid syntax");
    const token = query.get("continue") ?? "";
    const { id, start, snapshot } = token === "" ? this.#begin(resource, namespace, query) : this.#resume(token);
    const end = limit > 0 ? Math.min(start + limit, snapshot.objects.length) : snapshot.objects.length;
    const remaining = snapshot.objects.length - end;
    if (remaining > 0) this.#snapshots.set(id, snapshot);
    return {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(snapshot.version),
        ...(remaining > 0 ? { continue: encode(id, end) } : {}),
        // With a selector the server cannot count what it did not read.
        ...(remaining > 0 && !query.get("labelSelector") ? { remainingItemCount: remaining } : {}),
      },
      items: snapshot.objects.slice(start, end).map((object) => item(resource, object)),
    };
  }

  #begin(resource: Resource, namespace: string | undefined, query: URLSearchParams) {
    const asked = Number(query.get("resourceVersion") ?? "0");
    if (asked > this.#store.version)
      throw new StatusError(
        504,
        "Timeout",
        `Timeout: Too large resource version: ${asked}, current: ${this.#store.version}`,
        {
          causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        },
      );
    const selector = parseLabelSelector(query.get("labelSelector") ?? "");
    const objects = this.#store.list(resource, namespace).filter((object) => selector(object.metadata.labels));
    return { id: String(this.#nextSnapshot++), start: 0, snapshot: { version: this.#store.version, objects } };
  }

  #resume(token: string) {
    const { id, start } = decode(token);
    const snapshot = this.#snapshots.get(id);
    if (!snapshot || snapshot.version < this.#store.oldestVersion)
      throw new StatusError(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list " +
          "without the continue parameter, or use the continue token in this response to retrieve the remainder of " +
          "the results. Continuing with the provided token results in an inconsistent list - objects that were " +
          "created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
      );
    return { id, start, snapshot };
  }
}

const item = (resource: Resource, { kind, apiVersion, ...rest }: KubernetesObject): JsonObject =>
  resource.builtIn ? rest : { apiVersion, kind, ...rest };

const encode = (id: string, start: number): string => Buffer.from(JSON.stringify({ id, start })).toString("base64url");

function decode(token: string): { id: string; start: number } {
  const text = Buffer.from(token, "base64url").toString();
  const match = /^\{"id":"(\d+)","start":(\d+)\}$/.exec(text);
  if (!match) throw badRequest("invalid continue token: continue key is not valid");
  return { id: match[1] ?? "", start: Number(match[2]) };
}
