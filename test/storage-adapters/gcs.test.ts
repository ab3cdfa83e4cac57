import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { openGcs } from "../../storage-adapters/gcs.ts";
import { retrying } from "../../storage-adapters/retrying.ts";
import { readBytes } from "../../storage-adapters/store.ts";
import { type Answer, halfBody, lostAnswer, scriptedServer, status } from "./scripted-server.ts";
import { items, text } from "./store-contract-tools.ts";

async function serving(...answers: Answer[]) {
  const server = await scriptedServer(...answers);
  const store = openGcs({ bucket: "logs", endpoint: `${server.url}/` });
  return { store, requests: server.requests, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

const failure = (code: number, message = "says the server"): Answer =>
  status(code, JSON.stringify({ error: { code, message } }));
const json = (content: unknown): Answer => status(200, JSON.stringify(content));

describe("gcs translates", () => {
  test.each([
    ["412", failure(412), "conflict", false],
    ["503", failure(503), "unavailable", true],
    ["429", failure(429), "unavailable", true],
    ["408", failure(408), "unavailable", true],
    ["a lost answer", lostAnswer, "unavailable", true],
    ["401", failure(401), "denied", false],
    ["403", failure(403), "denied", false],
    ["400", failure(400), "invalid", false],
    ["404", failure(404, "The specified bucket does not exist."), "not-found", false],
  ])("%s", async (_, answer, kind, retryable) => {
    await using server = await serving(answer);
    const put = server.store.put("key", text("x"), { ifAbsent: true });
    await expect(put).rejects.toMatchObject({ name: "StorageError", kind, retryable });
    await expect(put).rejects.toThrow(/GCS bucket "logs": cannot put "key": ./);
    expect(server.requests).toHaveLength(1);
  });

  test("the server's words, whether they come as JSON, XML or text", async () => {
    const xml = "<Error><Code>X</Code><Message>in XML</Message></Error>";
    await using server = await serving(failure(403, "in JSON"), status(403, xml), status(403, "in text"));
    for (const words of ["in JSON", "in XML", "in text"]) {
      await expect(server.store.get("key")).rejects.toThrow(`${words} (HTTP 403)`);
    }
  });

  test("a missing bucket apart from a missing object", async () => {
    const noBucket = failure(404, "The specified bucket does not exist.");
    await using server = await serving(noBucket, noBucket, noBucket, failure(404, "No such object: logs/key"));
    for (const request of [() => server.store.get("key"), () => server.store.stat("key")]) {
      await expect(request()).rejects.toThrow("the bucket does not exist");
    }
    await expect(server.store.delete("key")).rejects.toThrow("the bucket does not exist");
    expect(await server.store.stat("key")).toBeUndefined();
  });

  test("a server that is not there: unavailable", async () => {
    const store = openGcs({ bucket: "logs", endpoint: "http://127.0.0.1:1" });
    await expect(store.stat("key")).rejects.toMatchObject({ kind: "unavailable", message: /fetch failed: / });
  });
});

test("gcs puts in one request, create-only by generation 0", async () => {
  await using server = await serving(json({ name: "key" }));
  await server.store.put("a b/c+d%/ü", Buffer.from("bytes\r\n--"), { ifAbsent: true, contentType: "text/plain" });
  const [request] = server.requests;
  expect(request?.method).toBe("POST");
  expect(request?.url).toBe("/upload/storage/v1/b/logs/o?uploadType=multipart&fields=name&ifGenerationMatch=0");
  const boundary = /boundary=(.*)$/.exec(request?.headers["content-type"] ?? "")?.[1];
  expect(request?.body.toString().split(`--${boundary}`)).toEqual([
    "",
    '\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{"name":"a b/c+d%/ü","contentType":"text/plain"}\r\n',
    "\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--\r\n",
    "--\r\n",
  ]);
});

test("gcs retried: a create-only put whose answer was lost finds its own object", async () => {
  const range = { "content-range": "bytes 0-3/4", "content-length": "4" };
  await using server = await serving(lostAnswer, failure(412), status(206, "mine", range));
  const store = retrying(server.store, { attempts: 3, baseMs: 0, maxMs: 0 });
  await store.put("key", text("mine"), { ifAbsent: true });
  expect(server.requests.map(({ method }) => method)).toEqual(["POST", "POST", "GET"]);
});

test("gcs fails a body that is cut short, and never ends it early", async () => {
  await using server = await serving(halfBody((response) => response.destroy()));
  await expect(readBytes(server.store, "key")).rejects.toMatchObject({ kind: "unavailable", retryable: true });
});

test("gcs aborts a body that has stopped to flow, and closes its connection", async () => {
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

test("gcs aborts a request that is not answered", async () => {
  const controller = new AbortController();
  const reason = new Error("the reader left");
  await using server = await serving(() => controller.abort(reason));
  await expect(server.store.stat("key", { signal: controller.signal })).rejects.toBe(reason);
});

test("gcs refuses a server that ignores ranges", async () => {
  await using server = await serving(status(200, "0123456789"));
  await expect(server.store.get("key", { offset: 2 })).rejects.toMatchObject({ kind: "invalid", retryable: false });
});

const objects = (...names: string[]) => names.map((name) => ({ name, size: "1" }));

test.each([
  [
    "as GCS cuts them: each one stretch of objects and prefixes",
    [
      { items: objects("a", "c"), prefixes: ["b/", "d/"], nextPageToken: "1" },
      { prefixes: ["e/", "f/"], nextPageToken: "2" },
      { items: objects("h"), prefixes: ["g/"], nextPageToken: "3" },
      { items: objects("i") },
    ],
  ],
  [
    "as fake-gcs-server cuts them: all prefixes on every page",
    [
      { items: objects("a", "c"), prefixes: ["b/", "d/", "e/", "f/", "g/"], nextPageToken: "1" },
      { items: objects("h", "i"), prefixes: ["b/", "d/", "e/", "f/", "g/"] },
    ],
  ],
])("gcs lists pages %s", async (_, pages) => {
  await using server = await serving(...pages.map(json));
  const listed = await items(server.store, "", { delimiter: "/", startAfter: "a" });
  expect(listed.map(({ key }) => key)).toEqual(["b/", "c", "d/", "e/", "f/", "g/", "h", "i"]);
  expect(server.requests[0]?.url).toContain("startOffset=a");
  expect(server.requests[1]?.url).toContain("pageToken=1");
});
