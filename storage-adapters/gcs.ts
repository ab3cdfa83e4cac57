import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { bodyStream, emptyBody } from "./body-stream.ts";
import { GcsFailure, type GcsRequest, gcsRequests } from "./gcs-requests.ts";
import { idleTimeoutMs, kindOfStatus, reasonOf } from "./http-failure.ts";
import { compareKeys } from "./key-order.ts";
import { type ListItem, type ListOptions, type ObjectStore, StorageError, type StorageErrorKind } from "./store.ts";

export type GcsLocation = { bucket: string; endpoint?: string };
type Page = { items?: { name: string; size: string }[]; prefixes?: string[]; nextPageToken?: string };

export const openGcs = ({ bucket, endpoint }: GcsLocation): ObjectStore =>
  gcsStore({ bucket, request: gcsRequests(endpoint) });

/** A bucket of Google Cloud Storage, by its JSON API. */
export function gcsStore({ bucket, request }: { bucket: string; request: GcsRequest }): ObjectStore {
  const objects = `/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const uploads = `/upload${objects}`;
  const pathOf = (key: string) => `${objects}/${encodeURIComponent(key)}`;
  const translate = (error: unknown, action: string, signal?: AbortSignal) =>
    translateFor(bucket, error, action, signal);

  async function metadata(key: string, signal?: AbortSignal): Promise<{ size: string; generation: string }> {
    const response = await request(pathOf(key), { query: { fields: "size,generation" }, signal });
    return (await response.json()) as { size: string; generation: string };
  }

  return {
    async get(key, { offset = 0, length, signal } = {}) {
      const failure = (cause: unknown) => translate(cause, `read "${key}"`, signal);
      try {
        if (length === 0) {
          await metadata(key, signal);
          return emptyBody();
        }
        const isPart = offset > 0 || length !== undefined;
        const last = length === undefined ? "" : offset + length - 1;
        // Unencoded, as stored: else Content-Length would not count the bytes that arrive.
        const headers = { "accept-encoding": "identity", ...(isPart && { range: `bytes=${offset}-${last}` }) };
        const response = await request(pathOf(key), { query: { alt: "media" }, headers, signal, stream: true });
        if (!response.body) throw new Error("the answer has no body");
        const body = Readable.fromWeb(response.body as ReadableStream);
        if (isPart && !response.headers.get("content-range")?.startsWith(`bytes ${offset}-`)) {
          body.destroy();
          throw new StorageError("invalid", `The server of bucket "${bucket}" ignores ranges, which Afterlog needs.`);
        }
        const size = response.headers.get("content-length");
        const expected = size === null ? undefined : Number(size);
        return bodyStream(body, { expected, signal, idleMs: idleTimeoutMs, failure });
      } catch (error) {
        if (error instanceof GcsFailure && error.status === 416) return emptyBody();
        throw failure(error);
      }
    },

    async stat(key, { signal } = {}) {
      try {
        const { size, generation } = await metadata(key, signal);
        return { size: Number(size), etag: generation };
      } catch (error) {
        if (isMissingObject(error)) return undefined;
        throw translate(error, `stat "${key}"`, signal);
      }
    },

    async *list(prefix, { delimiter, startAfter, signal } = {}) {
      try {
        yield* inOrder(pages(prefix, { delimiter, startAfter, signal }), startAfter ?? "");
      } catch (error) {
        throw translate(error, `list "${prefix}"`, signal);
      }
    },

    async put(key, bytes, { ifAbsent, contentType = "application/octet-stream", signal } = {}) {
      // The multipart form, because fake-gcs-server ignores preconditions on the plain one.
      const { body, type } = multipart({ name: key, contentType }, bytes);
      const query = { uploadType: "multipart", fields: "name", ...(ifAbsent && { ifGenerationMatch: "0" }) };
      try {
        await request(uploads, { method: "POST", query, headers: { "content-type": type }, body, signal });
      } catch (error) {
        throw translate(error, `put "${key}"`, signal);
      }
    },

    async delete(key, { signal } = {}) {
      try {
        await request(pathOf(key), { method: "DELETE", signal });
      } catch (error) {
        if (!isMissingObject(error)) throw translate(error, `delete "${key}"`, signal);
      }
    },
  };

  async function* pages(prefix: string, { delimiter, startAfter, signal }: ListOptions): AsyncGenerator<Page> {
    const fields = "items(name,size),prefixes,nextPageToken";
    let pageToken: string | undefined;
    do {
      // startOffset is inclusive; inOrder drops the key itself.
      const query = { prefix, delimiter, startOffset: startAfter, pageToken, fields };
      const page = (await (await request(objects, { query, signal })).json()) as Page;
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken);
  }
}

/**
 * Merges the pages' objects and prefixes. GCS gives both of a page from one stretch of keys; fake-gcs-server gives
 * every page all prefixes. So prefixes behind a page's last object are held back until the next page, and each is
 * given once.
 */
async function* inOrder(pages: AsyncIterable<Page>, startAfter: string): AsyncGenerator<ListItem> {
  let last = startAfter;
  let held: ListItem[] = [];
  for await (const { items = [], prefixes = [], nextPageToken } of pages) {
    const merged = [
      ...held,
      ...items.map(({ name, size }): ListItem => ({ type: "object", key: name, size: Number(size) })),
      ...prefixes.map((key): ListItem => ({ type: "prefix", key })),
    ].sort((a, b) => compareKeys(a.key, b.key));
    const lastObject = items.at(-1)?.name;
    const mayGive = nextPageToken && lastObject !== undefined ? lastObject : merged.at(-1)?.key;
    held = [];
    for (const item of merged) {
      if (mayGive !== undefined && compareKeys(item.key, mayGive) > 0) held.push(item);
      else if (compareKeys(item.key, last) > 0) {
        last = item.key;
        yield item;
      }
    }
  }
}

function multipart(metadata: { name: string; contentType: string }, bytes: Uint8Array): { body: Buffer; type: string } {
  const boundary = `afterlog-${crypto.randomUUID()}`;
  const head =
    `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(metadata)}\r\n` +
    `--${boundary}\r\nContent-Type: ${metadata.contentType}\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { body, type: `multipart/related; boundary=${boundary}` };
}

const isMissingBucket = (error: unknown) =>
  error instanceof GcsFailure && error.status === 404 && /bucket does not exist/i.test(error.message);

const isMissingObject = (error: unknown) =>
  error instanceof GcsFailure && error.status === 404 && !isMissingBucket(error);

/** What to throw: the signal's own reason after an abort. */
function translateFor(bucket: string, error: unknown, action: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return signal.reason;
  if (error instanceof StorageError) return error;
  const fail = (kind: StorageErrorKind, detail: string) =>
    new StorageError(kind, `GCS bucket "${bucket}": cannot ${action}: ${detail}`, { cause: error });

  // Only objects can be missing from a bucket that there is.
  const actsOnBucket = action.startsWith("put") || action.startsWith("list");
  if (isMissingBucket(error) || (actsOnBucket && isMissingObject(error))) {
    return fail("not-found", "the bucket does not exist; it must exist before Afterlog starts");
  }
  if (error instanceof GcsFailure) return fail(kindOfStatus(error.status), reasonOf(error));
  return fail("unavailable", reasonOf(error));
}
