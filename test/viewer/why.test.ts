import { beforeAll, describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

/** Why a run failed, in one sentence, wherever it is listed. */

const WHY = "test / unit exited with 1: --- FAIL: TestAdd (0.00s)";
const COMMIT = "4f1c9ae04f1c9ae04f1c9ae04f1c9ae04f1c9ae0";
const archive = new ArchiveFixture();
const app = appOver(archive.store);

beforeAll(async () => {
  const place = { repository: { url: "https://github.com/o/r", path: "o/r" }, pull: 7, commit: COMMIT, check: "unit" };
  const common = { status: "failed" as const, took: 60, pipeline: "ci", place };
  await archive.run({ ...common, name: "told", why: WHY });
  await archive.run({ ...common, name: "untold", reason: "PipelineRunTimeout", place: { ...place, check: "late" } });
});

describe.each([
  "/",
  "/namespaces/tekton-ci",
  "/o/r",
  "/o/r/pull/7",
  `/o/r/commit/${COMMIT}`,
  "/namespaces/tekton-ci/pipelines/ci",
])("%s", (path) => {
  test("says it to people", async () => {
    const { status, body } = await get(app, path);
    expect([status, body.includes(WHY)]).toEqual([200, true]);
  });
  test("says it to programs", async () => {
    const headers = { Accept: "text/plain", "User-Agent": "curl/8" };
    const text = await get(app, path, headers);
    expect(text.body).toContain(WHY);
    expect(text.body).toContain("PipelineRunTimeout");
    const { runs } = JSON.parse((await get(app, path, { Accept: "application/json" })).body);
    expect(runs).toContainEqual(expect.objectContaining({ why: WHY }));
  });
});
