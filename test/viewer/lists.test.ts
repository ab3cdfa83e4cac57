import { beforeAll, describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";
import { failedRun, fillWithSamples } from "./sample-runs.ts";

const archive = new ArchiveFixture();
const app = appOver(archive.store);
beforeAll(() => fillWithSamples(archive));

const page = (path: string) => get(app, path);
/** What a reader sees of markup. */
const words = (html: string) => html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");

describe("lists", () => {
  test("pages of one archive hold every run once, newest first", async () => {
    const many = new ArchiveFixture();
    for (let i = 0; i < 130; i++) {
      // Several runs in one second, as Kubernetes' clocks have them.
      const createdAt = new Date(Date.parse("2026-07-30T00:00:00Z") + Math.floor(i / 7) * 1_000).toISOString();
      await many.run({ name: `run-${i}`, namespace: i % 3 === 0 ? "a" : "b", createdAt, took: 1 });
    }
    const seen: string[] = [];
    let path: string | undefined = "/.json";
    for (let pages = 0; path; pages++) {
      expect(pages).toBeLessThan(4);
      const { runs, next } = JSON.parse((await get(appOver(many.store), path)).body);
      seen.push(...runs.map((entry: { run: { name: string } }) => entry.run.name));
      path = next;
    }
    expect(new Set(seen).size).toBe(130);
    expect(seen).toHaveLength(130);
    expect(Number(seen[0]?.slice(4))).toBeGreaterThanOrEqual(126);
  });

  test("a filter that passes few says how far it looked", async () => {
    const { body } = await page("/?q=no-such-words");
    expect(words(body)).toContain("No run matches “no-such-words”");
    expect(words(body)).toMatch(/Looked through all \d+ runs since 12 Jul 2026: names, pull requests/);
  });

  test("a new archive says so", async () => {
    const { body } = await get(appOver(new ArchiveFixture().store), "/");
    expect(words(body)).toContain("No run has been archived yet");
  });

  test("an entry that is not final is asked of its run's record", async () => {
    const one = new ArchiveFixture();
    const record = await one.run({ name: "grows" });
    // The record is final, the entries are still those of the running run: the collector died between the two.
    await one.store.put(
      `v1/runs/tekton-ci/${record.run.uid}/record.json`,
      Buffer.from(JSON.stringify({ ...record, final: true, run: { ...record.run, status: "succeeded" } })),
    );
    expect((await get(appOver(one.store), "/namespaces/tekton-ci.txt")).body).toMatch(/^succeeded/);
  });

  test("a damaged entry is counted and the others are shown", async () => {
    const one = new ArchiveFixture();
    await one.run({ name: "good", took: 1 });
    await one.store.put("v1/index/namespace/tekton-ci/8200000000000-bad.json", Buffer.from("{"));
    const { status, body } = await get(appOver(one.store), "/namespaces/tekton-ci");
    expect(status).toBe(200);
    expect(words(body)).toContain("1 entry of this list cannot be read and is left out.");
    expect(body).toContain("good");
  });
});

describe("the old log app's addresses", () => {
  test("one run: redirected to it", async () => {
    const one = new ArchiveFixture();
    await one.run({ ...failedRun, tasks: [] });
    const { status, headers } = await get(appOver(one.store), "/?buildid=1816029512&namespace=tekton-ci");
    expect(status).toBe(302);
    expect(headers.get("Location")).toMatch(/^\/namespaces\/tekton-ci\/pipelineruns\/pull-linux-test-r7x2k\?uid=/);
  });

  test("several runs: a list", async () => {
    const { status, body } = await page("/?buildid=1816029513&namespace=tekton-ci");
    expect(status).toBe(200);
    expect(words(body)).toContain("pull-distributed");
  });

  test("notification runs are not the run", async () => {
    const one = new ArchiveFixture();
    await one.run({ ...failedRun, tasks: [] });
    await one.run({ ...failedRun, name: "notify", tasks: [], place: { ...failedRun.place, notification: true } });
    expect((await get(appOver(one.store), "/?buildid=1816029512&namespace=tekton-ci")).status).toBe(302);
  });

  test("nor are they runs of the pull request, of the commit or of the repository", async () => {
    const one = new ArchiveFixture();
    await one.run({ ...failedRun, tasks: [] });
    await one.run({ ...failedRun, name: "notify", tasks: [], place: { ...failedRun.place, notification: true } });
    for (const path of ["/pull/9075", `/commit/${failedRun.place?.commit}`, ""]) {
      const { runs } = JSON.parse((await get(appOver(one.store), `/tektoncd/pipeline${path}.json`)).body);
      expect(runs.map((entry: { run: { name: string } }) => entry.run.name)).toEqual([failedRun.name]);
    }
    expect((await get(appOver(one.store), "/namespaces/tekton-ci/pipelineruns/notify")).status).toBe(200);
  });

  test.each([
    ["/?buildid=1816029512", 400],
    ["/?buildid=&namespace=tekton-ci", 400],
    ["/?buildid=1;drop&namespace=tekton-ci", 400],
    ["/?buildid=../..&namespace=tekton-ci", 400],
    ["/?buildid=7&namespace=tekton-ci", 404],
    ["/?buildid=0f3c9d2e-1111-4222-8333-000000000001&namespace=tekton-ci", 404],
    ["/?buildid=1816029512&namespace=elsewhere", 404],
  ])("%s is %i in words", async (path, status) => {
    const answer = await page(path);
    expect(answer.status).toBe(status);
    expect(words(answer.body)).toMatch(/build/);
  });
});
