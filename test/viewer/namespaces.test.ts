import { beforeAll, describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

describe("only namespaces that may be shown are", () => {
  const archive = new ArchiveFixture();
  const app = appOver(archive.store, { namespaces: ["tekton-ci"] });
  const place = {
    repository: { url: "https://github.com/o/r", path: "o/r" },
    pull: 7,
    commit: "a".repeat(40),
    build: "77",
  };
  beforeAll(async () => {
    const task = { name: "t", taskRun: "sec", containers: [{ title: "a", lines: ["hidden"] }] };
    await archive.run({ namespace: "secret", name: "hidden", took: 1, pipeline: "p", place, tasks: [task] });
  });

  test.each([
    "/namespaces/secret",
    "/namespaces/secret/pipelineruns/hidden",
    "/namespaces/secret/pipelineruns/hidden.txt",
    "/namespaces/secret/pipelineruns/hidden.json",
    "/namespaces/secret/taskruns/sec",
    "/namespaces/secret/pipelines/p",
    "/namespaces/secret/pipelines/p/latest",
    "/logs/secret/sec-pod/step-a",
    "/?buildid=77&namespace=secret",
    "/?namespace=secret",
    "/o/r",
    "/o/r.json",
    "/o/r/pull/7",
    `/o/r/commit/${"a".repeat(40)}`,
    "/o/r/commit/aaaaaaa",
  ])("%s is 404 as if it were not there", async (path) => {
    const shown = await get(app, path);
    expect(shown.status).toBe(404);
    const nowhere = await get(app, path.replace("secret", "nowhere").replace("/o/r", "/o/x"));
    expect(nowhere.status).toBe(404);
    expect(shown.body.replaceAll("secret", "nowhere").replaceAll("o/r", "o/x")).toBe(nowhere.body);
  });

  test("lists hold none of them", async () => {
    for (const path of ["/", "/.json", "/?q=hidden", "/?q=secret/hidden", "/?q=o/r%237", "/o/r"]) {
      const { status, body } = await get(app, path);
      expect([200, 404]).toContain(status);
      expect(body).not.toContain("pipelineruns/hidden");
    }
    expect(JSON.parse((await get(app, "/.json")).body)).toEqual({ runs: [], looked: 0, damaged: 0 });
  });
});
