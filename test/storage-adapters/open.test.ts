import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { openStore, probeStore } from "../../storage-adapters/open.ts";
import { StorageError } from "../../storage-adapters/store.ts";
import { parseStoreUrl } from "../../storage-adapters/store-url.ts";
import { content, keys, text } from "./store-contract-tools.ts";

describe("store URLs", () => {
  test.each([
    ["memory:", { scheme: "memory:" }],
    ["file:///data", { scheme: "file:", path: "/data" }],
    ["file:///path%20x/100%25/", { scheme: "file:", path: "/path x/100%" }],
    ["s3://logs", { scheme: "s3:", bucket: "logs", prefix: "" }],
    ["s3://logs/a/b%20c/", { scheme: "s3:", bucket: "logs", prefix: "a/b c" }],
    ["s3://my.logs?region=eu-central-1", { scheme: "s3:", bucket: "my.logs", prefix: "", region: "eu-central-1" }],
    [
      "s3://logs/x?endpoint=http://127.0.0.1:17070&pathStyle=true",
      { scheme: "s3:", bucket: "logs", prefix: "x", endpoint: "http://127.0.0.1:17070", pathStyle: true },
    ],
    ["gs://my_logs", { scheme: "gs:", bucket: "my_logs", prefix: "" }],
    [
      "gs://logs/x?endpoint=http%3A%2F%2Flocalhost%3A4443",
      { scheme: "gs:", bucket: "logs", prefix: "x", endpoint: "http://localhost:4443" },
    ],
  ])("%s", (url, location) => expect(parseStoreUrl(url)).toMatchObject(location));

  test.each([
    ["", "not a URL; examples: file:///"],
    ["/data", "not a URL; examples: file:///"],
    ["ftp://host/path", 'scheme "ftp:" is unknown; examples: file:///'],
    ["https://bucket.s3.amazonaws.com", 'scheme "https:" is unknown'],
    ["file:folder", "must be absolute"],
    ["file://folder/x", "must be absolute"],
    ["file://./folder", "must be absolute"],
    ["file:///", "path is missing"],
    ["file:///a%2Fb", "path cannot be used"],
    ["file:///a?region=x", 'parameter "region" is unknown, there are none'],
    ["memory:x", "nothing may follow memory:"],
    ["memory://x", "nothing may follow memory:"],
    ["s3:", "bucket is missing; example: s3://my-bucket/logs?region=eu-central-1"],
    ["s3:///prefix", "bucket is missing"],
    ["s3:logs", "bucket is missing"],
    ["s3://logs:9000/x", "a port stands after the bucket"],
    ["s3://a%20b/x", "bucket's name"],
    ["s3://logs/a//b", "prefix after the bucket cannot be used"],
    ["s3://logs/%ff", "prefix after the bucket cannot be used"],
    [`s3://logs/${"x".repeat(124)}`, "longer than 123 bytes"],
    ["s3://logs?reigon=x", 'parameter "reigon" is unknown, known are region, endpoint, pathStyle'],
    ["s3://logs?region=x&region=y", '"region" is given twice'],
    ["s3://logs?pathStyle=yes", "pathStyle must be true or false"],
    ["s3://logs?endpoint=127.0.0.1:9000", "endpoint must be an http:// or https:// address"],
    ["s3://logs?endpoint=ftp://x", "endpoint must be"],
    ["s3://logs?endpoint=http://x?y", 'endpoint contains a "?"'],
    ["s3://logs/x#y", 'contains a "#"'],
    ["gs://logs?region=x", 'parameter "region" is unknown, known are endpoint'],
    ["gs://", "bucket is missing; example: gs://my-bucket/logs"],
  ])("%j is refused", (url, problem) => {
    expect(() => parseStoreUrl(url)).toThrow(problem);
    expect(() => parseStoreUrl(url)).toThrow(StorageError);
  });

  test.each([
    "s3://AKIAKEY:hunter2@logs/x",
    "gs://AKIAKEY@logs/x",
    "s3://logs?endpoint=http://AKIAKEY:hunter2@host",
    "s3://AKIAKEY:hunter2@logs:99999999/",
    "AKIAKEY:hunter2@logs",
  ])("credentials in %s are refused and not repeated", async (url) => {
    const error = await openStore(url).catch((error: unknown) => error);
    expect(error).toMatchObject({ kind: "invalid" });
    expect(String(error)).not.toMatch(/hunter2|AKIAKEY/i);
  });
});

describe("openStore", () => {
  test("file: opens a folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "afterlog open "));
    const store = await openStore(pathToFileURL(join(folder, "archive")).href);
    await store.put("a/b", text("x"), { ifAbsent: true });
    expect(await content(store, "a/b")).toBe("x");
    await expect(store.get("../a")).rejects.toMatchObject({ kind: "invalid" });
    await rm(folder, { recursive: true });
  });

  test("memory: opens a new store each time", async () => {
    const [one, other] = [await openStore("memory:"), await openStore("memory:")];
    await one.put("a", text("x"));
    expect(await keys(other, "")).toEqual([]);
  });

  test("neither SDK is loaded for a folder", () => {
    const program = `
      const { openStore } = await import(${JSON.stringify(import.meta.resolve("../../storage-adapters/open.ts"))});
      await openStore("file:///tmp/x");
      process.exitCode = process.moduleLoadList.includes("NativeModule https") ? 1 : 0;`;
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  });

  test("a failing request is repeated as told", async () => {
    const retry = { attempts: 3, baseMs: 0, maxMs: 0 };
    const store = await openStore("gs://logs?endpoint=http://127.0.0.1:1", { retry });
    await expect(store.stat("a")).rejects.toMatchObject({ kind: "unavailable" });
  });
});

describe("probeStore", () => {
  test("leaves nothing behind", async () => {
    const store = memoryStore();
    await probeStore(store, { write: true });
    expect(await keys(store, "")).toEqual([]);
  });

  test("writes only where that is wanted, and passes errors on with their kind", async () => {
    const denied = new StorageError("denied", "read only");
    const store = { ...memoryStore(), put: () => Promise.reject(denied) };
    await probeStore(store, { write: false });
    await expect(probeStore(store, { write: true })).rejects.toBe(denied);
  });
});
