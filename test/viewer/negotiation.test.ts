import { beforeAll, describe, expect, test } from "vitest";
import { appOver, BROWSER, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";
import { failedRun, fillWithSamples } from "./sample-runs.ts";

const archive = new ArchiveFixture();
const app = appOver(archive.store, { url: "https://logs.example.org" });
beforeAll(() => fillWithSamples(archive));

const RUN = "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k";
const CURL = { Accept: "*/*", "User-Agent": "curl/8.5.0" };

describe("which face a client gets", () => {
  test.each([
    [{ Accept: "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0" }, "text/html"],
    [{ Accept: "*/*", "User-Agent": "Mozilla/5.0" }, "text/html"],
    [{}, "text/html"],
    [CURL, "text/plain"],
    [{ Accept: "*/*", "User-Agent": "Wget/1.21" }, "text/plain"],
    [{ Accept: "*/*", "User-Agent": "HTTPie/3.2" }, "text/plain"],
    [{ Accept: "*/*", "User-Agent": "python-requests/2.31" }, "text/plain"],
    [{ Accept: "text/html", "User-Agent": "curl/8.5.0" }, "text/html"],
    [{ Accept: "text/plain", "User-Agent": "Mozilla/5.0" }, "text/plain"],
    [{ Accept: "text/plain, text/html;q=0.5" }, "text/plain"],
    [{ Accept: "text/plain;q=0.5, text/html" }, "text/html"],
    [{ Accept: "application/json" }, "application/json"],
    [{ Accept: "image/png", "User-Agent": "Mozilla/5.0" }, "text/html"],
  ])("%j: %s", async (headers, type) => {
    for (const path of [
      "/",
      RUN,
      "/tektoncd/pipeline/pull/9075",
      "/namespaces/tekton-ci",
      "/tektoncd/pipeline",
      "/nothing/here",
    ]) {
      const answer = await get(app, path, headers as Record<string, string>);
      expect([path, answer.type.split(";")[0]]).toEqual([path, type]);
    }
    expect((await get(app, RUN, headers as Record<string, string>)).headers.get("Vary")).toContain(
      "Accept, User-Agent",
    );
  });

  test.each([
    [RUN],
    ["/namespaces/tekton-ci"],
    ["/tektoncd/pipeline"],
    ["/tektoncd/pipeline/pull/9075"],
    ["/tektoncd/pipeline/commit/4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7"],
    ["/namespaces/tekton-nightly/pipelines/pipeline-nightly"],
    ["/"],
  ])("%s with .txt and .json after it, whatever the client", async (path) => {
    for (const headers of [BROWSER, CURL]) {
      expect((await get(app, `${path}.txt`, headers)).type).toMatch(/^text\/plain/);
      const { type, body } = await get(app, `${path}.json`, headers);
      expect(type).toMatch(/^application\/json/);
      expect(() => JSON.parse(body)).not.toThrow();
    }
  });

  test("errors too", async () => {
    expect(await get(app, "/namespaces/tekton-ci/pipelineruns/pull-linux-tset-r7x2k", CURL)).toMatchObject({
      status: 404,
      body: expect.stringMatching(
        /^404 No run is archived under this name\nNothing called pull-linux-tset-r7x2k is archived in tekton-ci.\nDid you mean pull-linux-test-r7x2k\? {2}https:\/\/logs\.example\.org\/namespaces/,
      ),
    });
    const { status, body } = await get(app, "/namespaces/tekton-ci/pipelineruns/nothing.json", BROWSER);
    expect(status).toBe(404);
    expect(JSON.parse(body).error).toMatchObject({ status: 404, title: "No run is archived under this name" });
  });
});

describe("JSON", () => {
  test("a run's record with the address of each log's text", async () => {
    const { body } = await get(app, `${RUN}.json`);
    const record = JSON.parse(body);
    expect(record.run.name).toBe("pull-linux-test-r7x2k");
    expect(record.page).toMatch(/^https:\/\/logs\.example\.org\/namespaces/);
    const container = record.tasks[0].attempts[0].containers[1];
    expect(container.text).toMatch(/^https:\/\/logs\.example\.org.*pipelineTask=clone&step=clone&uid=/);
    expect((await get(app, container.text.slice("https://logs.example.org".length))).body).toContain(
      "Counting objects: 3%",
    );
  });

  test("every log of a run is under an address of its own", async () => {
    const record = JSON.parse((await get(app, `${RUN}.json`)).body);
    const texts: string[] = [];
    for (const task of record.tasks)
      for (const attempt of task.attempts) for (const { text } of attempt.containers) texts.push(text);
    expect(new Set(texts).size).toBe(texts.length);
    const redis = texts.filter((text) => text.includes("redis"));
    const bodies = await Promise.all(
      redis.map(async (text) => (await get(app, text.slice("https://logs.example.org".length))).body),
    );
    expect(bodies.map((body) => body.length > 0)).toEqual([true, false]);
  });
});

test("a list is aligned", async () => {
  const own = new ArchiveFixture();
  await own.run({ ...failedRun, tasks: [] });
  await own.run({ name: "x", took: 5, createdAt: "2026-07-30T09:00:00Z" });
  const { body } = await get(appOver(own.store), "/", CURL);
  expect(body).toMatchInlineSnapshot(`
    "failed     2026-07-30T09:46:12Z  23 m 46 s  tekton-ci/pull-linux-test-r7x2k  tektoncd/pipeline#9075 4f1c9ae  unit / test exited with 1: Tests Completed: 5 (Failed: 1, Cancelled 0), Skipped: 2.
    succeeded  2026-07-30T09:00:00Z  5 s        tekton-ci/x
    "
  `);
});
