import { beforeAll, describe, expect, test } from "vitest";
import { StorageError } from "../../storage-adapters/store.ts";
import { appOver, BROWSER, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";
import { failedRun, fillWithSamples } from "./sample-runs.ts";

const archive = new ArchiveFixture();
const app = appOver(archive.store);
beforeAll(() => fillWithSamples(archive));

const RUN = "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k";
const page = (path: string) => get(app, path);
/** What a reader sees of markup. */
const words = (html: string) => html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");

describe("every address has its page", () => {
  test.each([
    ["/", "All runs"],
    ["/?status=failed", "Failed"],
    ["/?q=nightly", "pipeline-nightly"],
    ["/namespaces/tekton-nightly", "pipeline-nightly"],
    ["/namespaces/tekton-nightly?status=failed", "format.cc.o.ddi"],
    [RUN, "unit / test exited with 1"],
    [`${RUN}?pipelineTask=build&step=compile`, "Building CXX object"],
    [`${RUN}?pipelineTask=build&retry=0&step=compile`, "The pod was evicted"],
    [`${RUN}?pipelineTask=unit&step=redis&kind=sidecar`, "Ready to accept connections"],
    [`${RUN}?pipelineTask=unit&step=prepare&kind=init`, "Entrypoint initialization"],
    [`${RUN}?pipelineTask=unit&step=sidecar-redis`, "Ready to accept connections"],
    [`${RUN}?taskRunName=pull-linux-test-r7x2k-docs`, "checkout"],
    [`${RUN}?pipelineTask=unit&step=upload`, "The step did not run: test failed before it."],
    [`${RUN}?pipelineTask=e2e`, "its parent unit failed"],
    ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw", "Running"],
    ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw?pipelineTask=docs", "pulling image"],
    ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw?pipelineTask=unit", "It has no task unit yet"],
    ["/namespaces/releases/taskruns/image-sign-1", "could not be pulled (manifest unknown), tried 6 times"],
    ["/tektoncd/pipeline/pull/9075", "2 of 5 checks failed"],
    ["/TektonCD/Pipeline/pull/9075", "2 of 5 checks failed"],
    ["/tektoncd/pipeline/pulls/9075", "2 of 5 checks failed"],
    ["/tektoncd/pipeline/-/merge_requests/9075", "2 of 5 checks failed"],
    ["/tektoncd/pipeline/commit/4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7", "pull-linux-test"],
    ["/tektoncd/pipeline/commit/4F1C9AE", "pull-linux-test"],
    ["/tektoncd/pipeline", "pipeline-nightly"],
    ["/namespaces/tekton-nightly/pipelines/pipeline-nightly", "pipeline-nightly"],
  ])("%s", async (path, expected) => {
    const { status, type, body } = await page(path);
    expect(status).toBe(200);
    expect(type).toMatch(/^text\/html/);
    expect(words(body)).toContain(expected);
    expect(body.match(/<h1/g)).toHaveLength(1);
  });

  test.each([
    ["/namespaces/tekton-ci/pipelineruns", "/namespaces/tekton-ci"],
    [
      "/namespaces/tekton-nightly/pipelines/pipeline-nightly/latest",
      "/namespaces/tekton-nightly/pipelineruns/pipeline-nightly-20260730",
    ],
    [
      "/namespaces/tekton-nightly/pipelines/pipeline-nightly/latest?status=succeeded",
      "/namespaces/tekton-nightly/pipelineruns/pipeline-nightly-20260729",
    ],
    [
      "/namespaces/tekton-ci/taskruns/pull-linux-test-r7x2k-unit?step=test",
      "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k?pipelineTask=unit&taskRunName=pull-linux-test-r7x2k-unit&step=test",
    ],
    ["/?q=tektoncd/pipeline%239075", "/tektoncd/pipeline/pull/9075"],
    ["/?q=pull-linux-test-r7x2k", RUN],
    ["/?q=tekton-ci/pull-linux-test-r7x2k", RUN],
    ["/?q=https://github.com/tektoncd/pipeline/pull/9075/files", "/tektoncd/pipeline/pull/9075"],
    [
      "/?q=https://github.com/tektoncd/pipeline/commit/4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7",
      "/tektoncd/pipeline/commit/4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7",
    ],
    [
      `/?q=${encodeURIComponent("https://tekton.example/#/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k?pipelineTask=unit")}`,
      RUN,
    ],
    ["/?q=pipeline-nightly", "/namespaces/tekton-nightly/pipelines/pipeline-nightly"],
  ])("%s leads to %s", async (path, to) => {
    const { status, headers } = await page(path);
    expect(status).toBe(302);
    expect(headers.get("Location")).toMatch(new RegExp(`^${RegExp.escape(to)}($|[?&]uid=)`));
  });
});

describe("the page of a run", () => {
  test("answers what happened, why, whether the logs are whole, and shows the failing step's end", async () => {
    const { body } = await page(RUN);
    expect(body).toContain("<title>✗ unit / test failed · pull-linux-test · Afterlog</title>");
    expect(words(body)).toContain(
      "15 of 17 logs whole. unit / test : The node rotated the log while it was being read.",
    );
    expect(body).toContain('id="L1058"');
    expect(body).not.toContain('id="L558"');
    expect(words(body)).toContain("Gap of 3.02 s Lines written between 10:07:43.200 and 10:07:46.220 are missing");
    expect(body.indexOf('id="gap-1"')).toBeGreaterThan(body.indexOf('id="L874"'));
    expect(body.indexOf('id="gap-1"')).toBeLessThan(body.indexOf('id="L875"'));
  });

  test("tells of runs that had the same name, and of newer ones on an older one's page", async () => {
    const newest = await page(RUN);
    expect(words(newest.body)).toContain("There is an older run of this name: 12 Jul 2026, 08:00 UTC (succeeded).");
    const uid = /uid=([0-9a-f-]+)">12 Jul/.exec(newest.body)?.[1];
    const older = await page(`${RUN}?uid=${uid}`);
    expect(words(older.body)).toContain("A newer run has this name.");
    expect(older.body).toContain(`pipelineTask=clone&amp;step=clone&amp;uid=${uid}`);
  });

  test("a UID does not lead from one run's address to another run", async () => {
    const { body } = await page("/namespaces/tekton-nightly/pipelineruns/pipeline-nightly-20260730.json");
    const { run } = JSON.parse(body) as { run: { uid: string } };
    expect((await page(`${RUN}?uid=${run.uid}`)).status).toBe(404);
    expect((await page("/namespaces/tekton-ci/pipelineruns/x?uid=../../etc")).status).toBe(400);
  });

  test("windows, marks and times", async () => {
    const base = `${RUN}?pipelineTask=build&step=compile`;
    const first = await page(base);
    expect(first.body).toContain('id="L1"');
    expect(first.body).toContain('id="L500"');
    expect(first.body).not.toContain('id="L501"');
    expect(first.body).toContain("lines=501-1000");
    const marked = await page(`${base}&line=2000-2001`);
    expect(marked.body.match(/class="r s" id="L\d+"/g)).toEqual(['class="r s" id="L2000"', 'class="r s" id="L2001"']);
    const timed = await page(`${base}&t=2026-07-30T09:55:17Z`);
    expect(timed.body.match(/class="r s" id="L\d+"/g)).toEqual(['class="r s" id="L2001"']);
    const clock = await page(`${base}&line=09:55:17`);
    expect(clock.body.match(/class="r s" id="L\d+"/g)).toEqual(['class="r s" id="L2001"']);
    const beyond = await page(`${base}&line=99999`);
    expect(words(beyond.body)).toContain("The log has only 3333 lines.");
    const late = await page(`${base}&t=2027-01-01T00:00:00Z`);
    expect(words(late.body)).toContain("No line is as late as 2027-01-01T00:00:00Z: this is the end.");
  });

  test("without script a running run reloads itself, a finished one does not", async () => {
    const reload = '<noscript><meta http-equiv="refresh" content="10"></noscript>';
    expect((await page("/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw")).body).toContain(reload);
    expect((await page(RUN)).body).not.toContain(reload);
  });

  test("parts of it for the script", async () => {
    const live = "/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw?pipelineTask=build&step=compile";
    const rows = await page(`${live}&fragment=rows&after=637`);
    expect(rows.body.match(/id="L\d+"/g)).toEqual(['id="L638"', 'id="L639"', 'id="L640"']);
    expect(rows.body).toContain('id="live"');
    expect(rows.body).toContain('id="end"');
    expect(rows.body).not.toContain("<html");
    expect(rows.headers.get("X-Log-Lines")).toBe("640");
    expect(rows.headers.get("X-Log-Ended")).toBe("false");
    expect((await page(`${live}&fragment=head`)).body).toMatch(/^<header class="head wide" id="head"/);
    expect((await page(`${live}&fragment=tree`)).body).toMatch(/^<details class="tree" id="tree"/);
    expect((await page(`${live}&fragment=pane`)).body).toMatch(/^<section class="pane" id="pane"/);
    expect((await page(`${live}&fragment=rows&after=99999`)).body).not.toContain('<div class="r');
  });

  test("a run whose own name ends like a format comes first", async () => {
    const own = new ArchiveFixture();
    await own.run({ ...failedRun, name: "report.txt", tasks: [], skipped: [], why: "" });
    await own.run({ ...failedRun, name: "report", tasks: [], skipped: [], why: "" });
    const other = appOver(own.store);
    expect((await get(other, "/namespaces/tekton-ci/pipelineruns/report.txt")).type).toMatch(/^text\/html/);
    expect((await get(other, "/namespaces/tekton-ci/pipelineruns/report.txt.txt")).type).toMatch(/^text\/plain/);
    expect((await get(other, "/namespaces/tekton-ci/pipelineruns/report.json")).type).toMatch(/^application\/json/);
  });
});

test("HEAD answers like GET, without a body", async () => {
  for (const path of [
    "/",
    RUN,
    `${RUN}.txt?pipelineTask=unit&step=test`,
    "/tektoncd/pipeline/pull/9075",
    "/healthz",
    "/robots.txt",
    "/nothing",
  ]) {
    const [head, got] = [
      await app.request(path, { method: "HEAD", headers: BROWSER }),
      await app.request(path, { headers: BROWSER }),
    ];
    expect([path, head.status]).toEqual([path, got.status]);
    expect(head.headers.get("Content-Type")).toBe(got.headers.get("Content-Type"));
    expect(await head.text()).toBe("");
  }
});

test("probes", async () => {
  expect((await get(app, "/healthz")).body).toBe("ok\n");
  expect((await get(app, "/readyz")).status).toBe(200);
  const told: object[] = [];
  const logger = { error() {}, warn: (details: object) => void told.push(details) };
  const away = new StorageError("unavailable", "bucket.internal refused the connection");
  const broken = appOver(archive.store, { ready: () => Promise.reject(away), logger });
  expect(await get(broken, "/readyz")).toMatchObject({
    status: 503,
    body: "not ready: The storage does not answer. What is archived is not lost: try again in a minute.\n",
  });
  expect(told).toEqual([{ err: away }]);
  expect((await get(app, "/robots.txt")).body).toContain("User-agent: *");
});

test("assets are kept for ever, under an address that changes with them", async () => {
  const { body } = await page("/");
  const paths = [...body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) {
    expect(path).toMatch(/^\/assets\/([a-z]+\.[0-9a-f]{12}\.(css|svg)|[0-9a-f]{12}\/([a-z]+\/)?[a-z-]+\.ts)$/);
    const { status, headers } = await page(path);
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toContain("immutable");
  }
});
