import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { retrying } from "../../storage-adapters/retrying.ts";
import { s3Client, s3Store } from "../../storage-adapters/s3.ts";
import { readBytes } from "../../storage-adapters/store.ts";
import { type Answer, halfBody, lostAnswer, scriptedServer, status } from "./scripted-server.ts";
import { items, text } from "./store-contract-tools.ts";

const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
const soon = { attempts: 3, baseMs: 0, maxMs: 0 };

function openStore(endpoint: string) {
  const client = s3Client({ bucket: "logs", endpoint, region: "us-east-1", pathStyle: true });
  client.config.credentials = async () => credentials;
  return s3Store({ client, bucket: "logs" });
}

async function serving(...answers: Answer[]) {
  const server = await scriptedServer(...answers);
  return {
    store: openStore(server.url),
    requests: server.requests,
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  };
}

const failure = (code: number, name: string): Answer =>
  status(code, `<Error><Code>${name}</Code><Message>says the server</Message></Error>`);
const listing = (content: string): Answer => status(200, `<ListBucketResult>${content}</ListBucketResult>`);

describe("s3 translates", () => {
  test.each([
    ["412 PreconditionFailed", failure(412, "PreconditionFailed"), "conflict", false],
    ["409 ConditionalRequestConflict", failure(409, "ConditionalRequestConflict"), "unavailable", true],
    ["503 SlowDown", failure(503, "SlowDown"), "unavailable", true],
    ["500 InternalError", failure(500, "InternalError"), "unavailable", true],
    ["429", status(429), "unavailable", true],
    ["400 RequestTimeout", failure(400, "RequestTimeout"), "unavailable", true],
    ["a lost answer", lostAnswer, "unavailable", true],
    ["403 AccessDenied", failure(403, "AccessDenied"), "denied", false],
    ["401", status(401), "denied", false],
    ["400 ExpiredToken", failure(400, "ExpiredToken"), "denied", false],
    ["400 InvalidArgument", failure(400, "InvalidArgument"), "invalid", false],
    ["301 PermanentRedirect", failure(301, "PermanentRedirect"), "invalid", false],
    ["404 NoSuchBucket", failure(404, "NoSuchBucket"), "not-found", false],
  ])("%s", async (_, answer, kind, retryable) => {
    await using server = await serving(answer);
    const put = server.store.put("key", text("x"), { ifAbsent: true });
    await expect(put).rejects.toMatchObject({ name: "StorageError", kind, retryable });
    await expect(put).rejects.toThrow(/S3 bucket "logs": cannot put "key": ./);
    expect(server.requests).toHaveLength(1);
  });

  test("a server that is not there: unavailable", async () => {
    await expect(openStore("http://127.0.0.1:1").stat("key")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(openStore("http://127.0.0.1:1").stat("key")).rejects.toThrow("ECONNREFUSED");
  });

  test("credentials that cannot be had: denied", async () => {
    const client = s3Client({ bucket: "logs", region: "us-east-1" });
    client.config.credentials = async () => {
      throw Object.assign(new Error("no credentials found"), { name: "CredentialsProviderError" });
    };
    const store = s3Store({ client, bucket: "logs" });
    await expect(store.stat("key")).rejects.toMatchObject({ kind: "denied", message: /no credentials found/ });
  });
});

test("s3 puts plain bytes: no chunked framing, no waiting for a go-ahead", async () => {
  await using server = await serving(status(200));
  const bytes = Buffer.alloc(3 * 1024 * 1024, "x");
  await server.store.put("a b/c+d%/ü", bytes, { ifAbsent: true, contentType: "text/plain" });
  const [request] = server.requests;
  expect(request).toMatchObject({ method: "PUT", url: "/logs/a%20b/c%2Bd%25/%C3%BC?x-id=PutObject" });
  expect(request?.body.equals(bytes)).toBe(true);
  expect(request?.headers).toMatchObject({
    "content-length": `${bytes.length}`,
    "content-type": "text/plain",
    "if-none-match": "*",
  });
  const names = Object.keys(request?.headers ?? {});
  expect(names.filter((name) => /^(expect|content-encoding|trailer|x-amz-trailer)$/.test(name))).toEqual([]);
});

test("s3 retried: a create-only put whose answer was lost finds its own object", async () => {
  const stored = text("mine");
  await using server = await serving(lostAnswer, failure(412, "PreconditionFailed"), status(206, "mine", rangeOf(4)));
  await retrying(server.store, soon).put("key", stored, { ifAbsent: true });
  expect(server.requests.map(({ method }) => method)).toEqual(["PUT", "PUT", "GET"]);
});

test("s3 retried: a create-only put whose answer was lost finds another's object", async () => {
  await using server = await serving(lostAnswer, failure(412, "PreconditionFailed"), status(206, "your", rangeOf(4)));
  const put = retrying(server.store, soon).put("key", text("mine"), { ifAbsent: true });
  await expect(put).rejects.toMatchObject({ kind: "conflict" });
});

test("s3 retried: SlowDown and races are tried again", async () => {
  await using server = await serving(failure(503, "SlowDown"), failure(409, "ConditionalRequestConflict"), status(200));
  await retrying(server.store, soon).put("key", text("mine"), { ifAbsent: true });
  expect(server.requests).toHaveLength(3);
});

test("s3 fails a body that is cut short, and never ends it early", async () => {
  await using server = await serving(halfBody((response) => response.destroy()));
  await expect(readBytes(server.store, "key")).rejects.toMatchObject({ kind: "unavailable", retryable: true });
});

test("s3 aborts a body that has stopped to flow, and closes its connection", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await serving(halfBody((response) => response.on("close", closed.resolve)));
  const controller = new AbortController();
  const body = await server.store.get("key", { signal: controller.signal });
  await once(body, "readable");
  const reason = new Error("the reader left");
  controller.abort(reason);
  await expect(body.toArray()).rejects.toBe(reason);
  await closed.promise;
});

test("s3 aborts a request that is not answered", async () => {
  const controller = new AbortController();
  const reason = new Error("the reader left");
  await using server = await serving(() => controller.abort(reason));
  await expect(server.store.stat("key", { signal: controller.signal })).rejects.toBe(reason);
});

test("s3 refuses a server that ignores ranges", async () => {
  await using server = await serving(status(200, "0123456789"));
  await expect(server.store.get("key", { offset: 2 })).rejects.toMatchObject({ kind: "invalid", retryable: false });
});

test("s3 lists pages of encoded keys, objects and prefixes in one order", async () => {
  const object = (key: string) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`;
  const prefix = (key: string) => `<CommonPrefixes><Prefix>${key}</Prefix></CommonPrefixes>`;
  const encoded = "<EncodingType>url</EncodingType>";
  const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>to+ken</NextContinuationToken>";
  await using server = await serving(
    listing(`${encoded}${more}${object("a+b%2Bc")}${object("b")}${prefix("a+c/")}`),
    listing(`${encoded}${object("%EF%BD%9E")}${object("%F0%9F%98%80")}${prefix("c/")}`),
  );
  const listed = await items(server.store, "", { delimiter: "/", startAfter: "a" });
  expect(listed.map(({ key }) => key)).toEqual(["a b+c", "a c/", "b", "c/", "\uff5e", "\u{1f600}"]);
  expect(server.requests[0]?.url).toContain("start-after=a");
  expect(server.requests[1]?.url).toContain("continuation-token=to%2Bken");
});

test.each([
  ["without a way to go on", "<IsTruncated>true</IsTruncated><Contents><Key>a</Key></Contents>"],
  ["cut short", "<Contents><Key>a</Key"],
])("s3 fails a listing %s, and never ends it early", async (_, content) => {
  await using server = await serving((response) => response.end(`<ListBucketResult>${content}`));
  await expect(items(server.store, "")).rejects.toMatchObject({ kind: "unavailable" });
});

const rangeOf = (size: number) => ({ "content-range": `bytes 0-${size - 1}/${size}`, "content-length": `${size}` });
