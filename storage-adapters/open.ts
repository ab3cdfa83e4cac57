import { randomUUID } from "node:crypto";
import { filesystemStore } from "./filesystem.ts";
import { gated } from "./key-gate.ts";
import { memoryStore } from "./memory.ts";
import { prefixed } from "./prefixed.ts";
import { type RetryOptions, retrying } from "./retrying.ts";
import type { ObjectStore } from "./store.ts";
import { parseStoreUrl } from "./store-url.ts";

/** At most about three seconds: longer outages are for the callers' queues and spools. */
const patience: RetryOptions = { attempts: 5, baseMs: 100, maxMs: 2_000 };

/**
 * The store that a URL names: `file:///path`, `s3://bucket/prefix?region=&endpoint=&pathStyle=`,
 * `gs://bucket/prefix?endpoint=`, `memory:`. Nothing is asked of it yet: see probeStore.
 * @throws StorageError invalid, with the part of the URL that is wrong and an example
 */
export async function openStore(
  url: string,
  { retry = patience }: { retry?: RetryOptions } = {},
): Promise<ObjectStore> {
  const location = parseStoreUrl(url);
  const adapter = await openAdapter(location);
  const below = "prefix" in location && location.prefix !== "" ? prefixed(adapter, location.prefix) : adapter;
  return retrying(gated(below), retry);
}

/** An SDK is loaded only for a store that needs it. */
async function openAdapter(location: ReturnType<typeof parseStoreUrl>): Promise<ObjectStore> {
  switch (location.scheme) {
    case "file:":
      return filesystemStore(location.path);
    case "memory:":
      return memoryStore();
    case "s3:":
      return (await import("./s3.ts")).openS3(location);
    case "gs:":
      return (await import("./gcs.ts")).openGcs(location);
  }
}

/**
 * Asks of a store what its user will: a listing and, to write, a small object that is put and deleted again.
 * @throws StorageError with the kind that says what is missing
 */
export async function probeStore(store: ObjectStore, { write, signal }: { write: boolean; signal?: AbortSignal }) {
  for await (const _ of store.list("", { delimiter: "/", signal })) break;
  if (!write) return;
  const key = `v1/probe/${randomUUID()}`;
  await store.put(key, Buffer.from("Afterlog can write here.\n"), { ifAbsent: true, signal });
  await store.delete(key, { signal });
}
