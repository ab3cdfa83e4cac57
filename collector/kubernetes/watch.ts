import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubernetesClient, KubernetesError } from "./client.ts";
import type { Meta } from "./objects.ts";

/**
 * What a list and watch yields, after kube-rs: a round of `init`, `listed`…, `synced` gives all that exists (what is
 * not among it is gone), `applied` and `deleted` what changes afterwards.
 */
export type WatchEvent<T> = { type: "init" | "synced" } | { type: "listed" | "applied" | "deleted"; object: T };

export type WatchOptions<T> = {
  client: KubernetesClient;
  /** Such as `/apis/tekton.dev/v1/taskruns`. */
  path: string;
  labelSelector?: string;
  /** Keeps of an object what is needed. */
  trim: (object: T) => T;
  signal: AbortSignal;
  /** Told of every failure; the watch goes on. */
  onError: (error: unknown) => void;
  /** Told when the server has begun to tell of changes, the first time and after every interruption. */
  onOpen?: () => void;
  timing?: Partial<typeof TIMING>;
};

const TIMING = {
  /** The server ends a watch after this, jittered up to 1.5 times, so that many watches do not come back at once. */
  serverTimeoutMs: 280_000,
  /**
   * Longer than the bookmark period of a minute: a connection silent for so long may be dead, or the server has seen no
   * object of this kind since it began, and then sends no bookmarks either.
   */
  idleMs: 90_000,
  backoffMs: 500,
  maxBackoffMs: 30_000,
  pageSize: 500,
};
/** etcd takes objects of 1.5 MiB, and JSON is longer than what it keeps. */
const MAX_EVENT_MIB = 16;

export type ObjectList<T> = { metadata: { resourceVersion: string; continue?: string }; items: T[] };
type RawEvent<T> = { type: string; object: T & { code?: number; message?: string; reason?: string } };

/** The version is too old for the server: only a new list helps. */
export const isExpired = (error: unknown): boolean => error instanceof KubernetesError && error.status === 410;

/** Lists, then watches, for ever; ends only when the signal aborts. */
export async function* watch<T extends { metadata: Meta }>(options: WatchOptions<T>): AsyncGenerator<WatchEvent<T>> {
  const { signal, onError } = options;
  const timing = { ...TIMING, ...options.timing };
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        for await (const event of list(options, timing.pageSize)) {
          if ("version" in event) version = event.version;
          else yield event;
        }
      }
      for await (const event of stream(options, version as string, timing)) {
        version = event.version;
        failures = 0;
        if (event.change) yield event.change;
      }
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      if (isExpired(error)) version = undefined;
      const limit = Math.min(timing.maxBackoffMs, timing.backoffMs * 2 ** failures++);
      await sleep(Math.random() * limit, undefined, { signal }).catch(() => {}); // the loop ends by the signal
    }
  }
}

async function* list<T extends { metadata: Meta }>(
  options: WatchOptions<T>,
  limit: number,
): AsyncGenerator<WatchEvent<T> | { version: string }> {
  yield { type: "init" };
  let version = "";
  for await (const page of listPages<T>(options, limit)) {
    for (const object of page.items) yield { type: "listed", object: options.trim(object) };
    version = page.metadata.resourceVersion;
  }
  yield { type: "synced" };
  yield { version };
}

/**
 * All that exists at one moment, a page at a time.
 * @throws KubernetesError 410, if the reader took so long that the moment is forgotten
 */
export async function* listPages<T>(
  { client, path, labelSelector, signal }: Pick<WatchOptions<never>, "client" | "path" | "labelSelector" | "signal">,
  limit: number = TIMING.pageSize,
): AsyncGenerator<ObjectList<T>> {
  let next: string | undefined;
  do {
    const page: ObjectList<T> = await client.get(path, { limit, labelSelector, continue: next }, signal);
    yield page;
    next = page.metadata.continue || undefined;
  } while (next);
}

/**
 * One watch request, to its end or until it is silent for too long. A line that is no event is a failure: the watch is
 * opened again where it was.
 */
async function* stream<T extends { metadata: Meta }>(
  { client, path, labelSelector, trim, signal, onOpen }: WatchOptions<T>,
  version: string,
  timing: typeof TIMING,
): AsyncGenerator<{ version: string; change?: WatchEvent<T> }> {
  const query = {
    watch: true,
    labelSelector,
    resourceVersion: version,
    allowWatchBookmarks: true,
    timeoutSeconds: Math.round((timing.serverTimeoutMs * (1 + Math.random() / 2)) / 1000),
  };
  const body = await client.open(path, query, signal);
  onOpen?.();
  let isIdle = false;
  const idle = setTimeout(() => {
    isIdle = true;
    body.destroy();
  }, timing.idleMs);
  try {
    for await (const line of linesOf(body, path)) {
      idle.refresh();
      const { type, object } = JSON.parse(line) as RawEvent<T>;
      if (type === "ERROR")
        throw new KubernetesError(object.code ?? 0, object.message ?? "watch failed", object.reason);
      const change = type === "BOOKMARK" ? undefined : changeOf(type, trim(object));
      yield { version: object.metadata.resourceVersion, ...(change && { change }) };
    }
  } catch (error) {
    if (!isIdle) throw error;
  } finally {
    clearTimeout(idle);
    body.destroy();
  }
}

function changeOf<T>(type: string, object: T): WatchEvent<T> | undefined {
  if (type === "ADDED" || type === "MODIFIED") return { type: "applied", object };
  if (type === "DELETED") return { type: "deleted", object };
  return undefined;
}

/** node:readline loses the error of a body that is cut, and has no limit; this fails with it, and at the limit. */
async function* linesOf(body: AsyncIterable<Buffer>, path: string): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let parts: string[] = [];
  let length = 0;
  for await (const bytes of body) {
    const [first = "", ...rest] = decoder.write(bytes).split("\n");
    parts.push(first);
    length += first.length;
    for (const part of rest) {
      const line = parts.join("");
      if (line !== "") yield line;
      parts = [part];
      length = part.length;
    }
    if (length > MAX_EVENT_MIB * 1024 * 1024)
      throw new Error(`an event of ${path} is longer than ${MAX_EVENT_MIB} MiB`);
  }
}
