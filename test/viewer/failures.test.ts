import { beforeAll, describe, expect, test } from "vitest";
import { type ObjectReader, StorageError, type StorageErrorKind } from "../../storage-adapters/store.ts";
import { failingList } from "../storage-adapters/failing-list.ts";
import { appOver, BROWSER, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

describe("what the storage does is a status, with words and without a stack", () => {
  const archive = new ArchiveFixture();
  const record = () =>
    archive.run({ name: "r", took: 1, tasks: [{ name: "t", containers: [{ title: "a", lines: ["x"] }] }] });
  beforeAll(record);
  const failing = (error: Error): ObjectReader => ({
    get: () => Promise.reject(error),
    stat: () => Promise.reject(error),
    list: () => failingList(error),
  });

  const kinds: [StorageErrorKind, number, string][] = [
    ["unavailable", 503, "The archive cannot be read at the moment"],
    ["denied", 502, "The archive refuses to be read"],
    ["invalid", 502, "The storage did not understand the viewer"],
    ["not-found", 502, "A part of this log is missing from the storage"],
  ];
  test.each(kinds)("%s is %i", async (kind, status, title) => {
    const app = appOver(failing(new StorageError(kind, "AKIA-secret at bucket.internal")));
    for (const path of ["/", "/namespaces/tekton-ci/pipelineruns/r", "/o/r/pull/1", "/namespaces/tekton-ci", "/?q=x"]) {
      const answer = await get(app, path);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.body).toContain(title);
      expect(answer.body).not.toMatch(/AKIA|at .*\.ts:\d+/);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
    }
  });

  test("a fault of Afterlog's own is 500, and told to the operators alone", async () => {
    const told: object[] = [];
    const logger = { error: (details: object) => void told.push(details), warn() {} };
    const answer = await get(appOver(failing(new TypeError("secret detail")), { logger }), "/");
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain("secret detail");
    expect(told).toMatchObject([{ path: "/", err: { message: "secret detail" } }]);
  });

  test.each([
    ["a damaged record", "record.json", "{", /record\.json is not JSON/],
    [
      "a record of a later version",
      "record.json",
      '{"version":99}',
      /version 99, this Afterlog knows up to 1: upgrade/,
    ],
  ])("%s is 502 and named", async (_, suffix, bytes, words) => {
    const own = new ArchiveFixture();
    await own.run({ name: "r", took: 1 });
    for await (const item of own.store.list("v1/runs/")) {
      if (item.key.endsWith(suffix)) await own.store.put(item.key, Buffer.from(bytes));
    }
    const answer = await get(appOver(own.store), "/namespaces/tekton-ci/pipelineruns/r");
    expect(answer.status).toBe(502);
    expect(answer.body).toMatch(words);
  });

  test("a segment that is gone is 502, never an empty log", async () => {
    const own = new ArchiveFixture();
    await own.run({ name: "r", took: 1, tasks: [{ name: "t", containers: [{ title: "a", lines: ["x"] }] }] });
    for await (const item of own.store.list("v1/runs/"))
      if (item.key.endsWith(".zst")) await own.store.delete(item.key);
    for (const path of ["r", "r.txt", "r.txt?step=a"]) {
      expect([path, (await get(appOver(own.store), `/namespaces/tekton-ci/pipelineruns/${path}`)).status]).toEqual([
        path,
        502,
      ]);
    }
  });

  test("an entry that has outlived its record is 410", async () => {
    const own = new ArchiveFixture();
    await own.run({ name: "r", took: 1 });
    for await (const item of own.store.list("v1/runs/")) await own.store.delete(item.key);
    const answer = await get(appOver(own.store), "/namespaces/tekton-ci/pipelineruns/r", BROWSER);
    expect(answer.status).toBe(410);
    expect(answer.body).toContain("This run has expired");
  });
});
