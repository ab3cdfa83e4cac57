import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { bodyStream, emptyBody } from "./body-stream.ts";
import { answerTimeoutMs, idleTimeoutMs, kindOfStatus, reasonOf } from "./http-failure.ts";
import { compareKeys } from "./key-order.ts";
import { type ListItem, type ObjectStore, StorageError, type StorageErrorKind } from "./store.ts";

export type S3Location = { bucket: string; region?: string; endpoint?: string; pathStyle?: boolean };

/** Errors whose HTTP status, if there is one, says something else. */
const kindOfName = new Map<string, StorageErrorKind>([
  ["CredentialsProviderError", "denied"],
  ["TokenProviderError", "denied"],
  ["ExpiredToken", "denied"],
  ["InvalidToken", "denied"],
  ["RequestTimeout", "unavailable"],
  ["SlowDown", "unavailable"],
]);

export function openS3(location: S3Location): ObjectStore {
  return s3Store({ client: s3Client(location), bucket: location.bucket });
}

/** Credentials, and what the location leaves open, come the SDK's own way. */
export function s3Client({ region, endpoint, pathStyle }: S3Location): S3Client {
  return new S3Client({
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    forcePathStyle: pathStyle,
    // Else uploads carry trailing checksums, which many S3-compatible servers refuse. The signature covers the body.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // The retrying decorator does this, the same way for every store.
    maxAttempts: 1,
    // Else each put of 2 MiB and more opens a connection of its own.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: answerTimeoutMs,
      throwOnRequestTimeout: true,
      // Not socketTimeout: it also strikes a body whose reader is slow.
      httpAgent: { keepAlive: true, maxSockets: 128 },
      httpsAgent: { keepAlive: true, maxSockets: 128 },
    },
  });
}

/** A bucket of S3, or of what speaks its protocol with conditional puts (If-None-Match) and sorted listings. */
export function s3Store({ client, bucket }: { client: S3Client; bucket: string }): ObjectStore {
  const translate = (error: unknown, action: string, signal?: AbortSignal) =>
    translateFor(bucket, error, action, signal);

  async function head(key: string, signal?: AbortSignal) {
    return await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
  }

  return {
    async get(key, { offset = 0, length, signal } = {}) {
      const failure = (cause: unknown) => translate(cause, `read "${key}"`, signal);
      try {
        if (length === 0) {
          await head(key, signal);
          return emptyBody();
        }
        const range = rangeHeader(offset, length);
        const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: range });
        const { Body, ContentLength, ContentRange } = await client.send(command, { abortSignal: signal });
        if (!(Body instanceof Readable)) throw new Error("the answer has no body");
        if (range && !ContentRange?.startsWith(`bytes ${offset}-`)) {
          Body.destroy();
          throw new StorageError("invalid", `The server of bucket "${bucket}" ignores ranges, which Afterlog needs.`);
        }
        return bodyStream(Body, { expected: ContentLength, signal, idleMs: idleTimeoutMs, failure });
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416) return emptyBody();
        throw failure(error);
      }
    },

    async stat(key, { signal } = {}) {
      try {
        const { ContentLength = 0, ETag } = await head(key, signal);
        return { size: ContentLength, etag: ETag };
      } catch (error) {
        // A HEAD's answer has no body that could tell a missing object from a missing bucket.
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
        throw translate(error, `stat "${key}"`, signal);
      }
    },

    async *list(prefix, { delimiter, startAfter = "", signal } = {}) {
      // Encoded, because XML cannot carry every key.
      const request = { Bucket: bucket, Prefix: prefix, Delimiter: delimiter, EncodingType: "url" } as const;
      const after = startAfter === "" ? undefined : startAfter;
      try {
        const pages = paginateListObjectsV2({ client }, { ...request, StartAfter: after }, { abortSignal: signal });
        for await (const page of pages) {
          // StartAfter lets through the prefix that it lies in.
          yield* itemsOf(page).filter((item) => compareKeys(item.key, startAfter) > 0);
          if (page.IsTruncated && !page.NextContinuationToken) throw new Error("a page does not say how to go on");
        }
      } catch (error) {
        throw translate(error, `list "${prefix}"`, signal);
      }
    },

    async put(key, bytes, { ifAbsent, contentType, signal } = {}) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: contentType,
        ...(ifAbsent && { IfNoneMatch: "*" }),
      });
      try {
        await client.send(command, { abortSignal: signal });
      } catch (error) {
        throw translate(error, `put "${key}"`, signal);
      }
    },

    async delete(key, { signal } = {}) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
      } catch (error) {
        // Some servers answer so where S3 says nothing.
        if (error instanceof S3ServiceException && error.name === "NoSuchKey") return;
        throw translate(error, `delete "${key}"`, signal);
      }
    },
  };
}

function rangeHeader(offset: number, length?: number): string | undefined {
  if (length !== undefined) return `bytes=${offset}-${offset + length - 1}`;
  return offset > 0 ? `bytes=${offset}-` : undefined;
}

/** Objects and prefixes come in two lists, each in order. */
function itemsOf(page: ListObjectsV2CommandOutput): ListItem[] {
  const decode = page.EncodingType === "url" ? decodeKey : (key: string) => key;
  const objects = (page.Contents ?? []).map(
    ({ Key = "", Size = 0 }): ListItem => ({ type: "object", key: decode(Key), size: Size }),
  );
  const prefixes = (page.CommonPrefixes ?? []).map(
    ({ Prefix = "" }): ListItem => ({ type: "prefix", key: decode(Prefix) }),
  );
  return prefixes.length === 0 ? objects : [...objects, ...prefixes].sort((a, b) => compareKeys(a.key, b.key));
}

/** S3 encodes as forms do: a space is a plus. */
const decodeKey = (key: string) => decodeURIComponent(key.replaceAll("+", " "));

/** What to throw: the signal's own reason after an abort. */
function translateFor(bucket: string, error: unknown, action: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return signal.reason;
  if (error instanceof StorageError) return error;
  const fail = (kind: StorageErrorKind, detail: string) =>
    new StorageError(kind, `S3 bucket "${bucket}": cannot ${action}: ${detail}`, { cause: error });

  const name = error instanceof Error ? error.name : "";
  if (name === "NoSuchBucket")
    return fail("not-found", "the bucket does not exist; it must exist before Afterlog starts");
  if (error instanceof Error && error.message === "Region is missing") {
    return fail("invalid", "no region is set; add ?region=us-east-1 to the store's URL or set AWS_REGION");
  }
  if (name === "PermanentRedirect" || name === "AuthorizationHeaderMalformed") {
    return fail("invalid", `the bucket is in another region (${reasonOf(error)}); set ?region= in the store's URL`);
  }
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const kind = kindOfName.get(name) ?? (status ? kindOfStatus(status) : "unavailable");
  return fail(kind, status ? `${name}, ${reasonOf(error)} (HTTP ${status})` : reasonOf(error));
}
