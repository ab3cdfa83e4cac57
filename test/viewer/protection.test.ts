import { beforeAll, describe, expect, test } from "vitest";
import { appOver, counting, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(1)>'\u202e`;
const RUN = "/namespaces/tekton-ci/pipelineruns/evil";

describe("nothing that an archive contains runs in a reader's browser", () => {
  const archive = new ArchiveFixture();
  const app = appOver(archive.store);
  beforeAll(async () => {
    const place = {
      repository: { url: `javascript:alert(1)//${EVIL}`, path: `o"<b>/r'<i>` },
      pull: 7,
      commit: `abc${EVIL}`,
      check: EVIL,
      event: EVIL,
    };
    const labels = { [EVIL]: EVIL };
    await archive.run({
      name: "evil",
      status: "failed",
      reason: EVIL,
      message: EVIL,
      took: 60,
      why: EVIL,
      pipeline: EVIL,
      labels,
      place,
      skipped: [{ name: EVIL, reason: EVIL }],
      tasks: [
        {
          name: EVIL,
          taskRun: EVIL,
          status: "failed",
          reason: EVIL,
          message: EVIL,
          containers: [
            {
              title: EVIL,
              status: "failed",
              exitCode: 1,
              lines: [EVIL, `\x1b[31m${EVIL}\x1b[0m`, `\x1b]8;;javascript:alert(1)\x07${EVIL}`],
              state: "incomplete",
              words: EVIL,
              gaps: [{ afterLine: 1, cause: EVIL, words: EVIL }],
            },
          ],
        },
        { name: "none", containers: [{ title: "none", state: "none", words: EVIL }] },
        { name: "podless", status: "failed", reason: EVIL, message: EVIL },
      ],
    });
    await archive.run({
      name: "real",
      took: 1,
      why: EVIL,
      place: {
        repository: { url: "https://github.com/o/r", path: "o/r" },
        pull: 7,
        commit: "a".repeat(40),
        check: EVIL,
      },
    });
  });

  const TAG = /<(\/?[a-z][a-z0-9]*)((?:\s+[a-z][a-z0-9:-]*(?:="[^"]*")?)*)\s*\/?>/gi;
  const TAGS = new Set(
    "html head meta title link script noscript body a svg defs symbol circle path use line rect text header nav ol ul li span form label input main div section aside footer h1 h2 h3 p b code small dl dt dd time details summary table caption thead tbody tr th td i select option fieldset legend button mark output".split(
      " ",
    ),
  );
  const DANGEROUS = /^(on.*|style|srcdoc|formaction|xlink:href)$/i;
  const SAFE_URL = /^([/?#]|https:\/\/github\.com\/|$)/;

  /** What a parser of HTML would act upon that Afterlog never writes. */
  function dangers(html: string): string[] {
    const found: string[] = [];
    for (const [tag, name = "", attributes = ""] of html.replace(/^<!doctype html>/, "").matchAll(TAG)) {
      if (!TAGS.has(name.replace("/", "").toLowerCase())) found.push(tag);
      if (
        /^script$/i.test(name) &&
        !/^<script type="module" src="\/assets\/[0-9a-f]{12}\/browser\/main\.ts">$/.test(tag)
      )
        found.push(tag);
      for (const [, attribute = "", value = ""] of attributes.matchAll(/([a-z][a-z0-9:-]*)(?:="([^"]*)")?/gi)) {
        if (DANGEROUS.test(attribute)) found.push(tag);
        if (/^(href|src|action)$/i.test(attribute) && !SAFE_URL.test(value)) found.push(tag);
      }
    }
    const outside = html.replace(/^<!doctype html>/, "").replaceAll(TAG, "");
    return [...found, ...(/[<>]/.exec(outside) ?? [])];
  }

  test.each([
    [RUN],
    [`${RUN}?pipelineTask=none`],
    [`${RUN}?pipelineTask=podless`],
    [`${RUN}?pipelineTask=${encodeURIComponent(EVIL)}`],
    [`${RUN}?pipelineTask=${encodeURIComponent(`x${EVIL}`)}`],
    [`${RUN}?fragment=head`],
    [`${RUN}?fragment=tree`],
    [`${RUN}?fragment=rows`],
    [`${RUN}?grep=${encodeURIComponent(EVIL)}`],
    [`${RUN}?grep=script`],
    [`${RUN}?grep=.*&regex=true&view=steps`],
    [`${RUN}?grep=${encodeURIComponent(EVIL)}&view=steps`],
    ["/"],
    [`/?q=${encodeURIComponent(EVIL)}`],
    ["/o/r/pull/7"],
    ["/o/r"],
    ["/namespaces/tekton-ci"],
    [`/${encodeURIComponent(EVIL)}`],
    [`/namespaces/${encodeURIComponent(EVIL)}/pipelineruns/x`],
    [`/o/r/commit/${encodeURIComponent(EVIL)}`],
    [`${RUN}?line=${encodeURIComponent(EVIL)}`],
    [`/?status=${encodeURIComponent(EVIL)}`],
  ])("%s", async (path) => {
    const { body, headers } = await get(app, path);
    expect(dangers(body)).toEqual([]);
    expect(headers.get("Content-Security-Policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Referrer-Policy")).toBe("same-origin");
  });

  test("a log is text also where a browser would rather see a page", async () => {
    const { type, headers } = await get(app, `${RUN}.txt`);
    expect(type).toMatch(/^text\/plain/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  });
});

describe("what no address can be", () => {
  const archive = new ArchiveFixture();
  const store = counting(archive.store);
  const app = appOver(store);

  test.each([
    ["/namespaces/..%2f..%2fetc/pipelineruns/x", 400],
    ["/namespaces/UPPER", 400],
    [`/namespaces/${"a".repeat(64)}`, 400],
    ["/namespaces/a%00b", 400],
    ["/namespaces/a/pipelineruns/a%2fb", 400],
    ["/namespaces/a/pipelineruns/%00", 400],
    [`/namespaces/a/pipelineruns/${"x".repeat(254)}`, 400],
    [`/namespaces/a/pipelineruns/${"x".repeat(10_000)}`, 400],
    [`/namespaces/a/pipelineruns/x?step=${"x".repeat(10_000)}`, 400],
    ["/namespaces/a/pipelineruns/x?uid=../../x", 400],
    ["/namespaces/a/pipelineruns/x?uid=a%00b", 400],
    ["/namespaces/a/pipelineruns/x?retry=-1", 400],
    ["/namespaces/a/pipelineruns/x?retry=9e9", 400],
    ["/namespaces/a/pipelineruns/%zz", 400],
    ["/namespaces/a/pipelineruns/%ff%fe", 400],
    ["/namespaces/a/pipelineruns/x?lines=20-10", 400],
    ["/namespaces/a/pipelineruns/x?lines=1-99999999999999", 400],
    ["/namespaces/a/pipelineruns/x?line=99:99", 400],
    ["/namespaces/a/pipelineruns/x?t=2026-13-01T00:00:00Z", 400],
    ["/namespaces/a/pipelineruns/x?fragment=rows&after=-1", 400],
    ["/namespaces/a/pipelineruns/x?timestamps=maybe", 400],
    ["/?buildid=x&namespace=a", 400],
    ["/?buildid=7", 400],
    ["/namespaces/a/pipelines/%2e%2e", 404],
    ["/namespaces/a/pipelines/A_B", 400],
    ["/namespaces/a/x/y", 404],
    ["/o%2fr/x", 400],
    ["/o/%00", 400],
    ["/o/r%", 400],
    ["/o/r/pull/0", 400],
    ["/o/r/pull/x", 400],
    ["/o/r/pull/99999999999999999999", 400],
    ["/o/r/commit/xyz", 400],
    [`/o/r/commit/${"a".repeat(65)}`, 400],
    ["/o/<b>", 404],
    [`/o/${"r".repeat(101)}`, 404],
    ["/?before=x", 400],
    ["/?before=../../..", 400],
    ["/?status=evil", 400],
    ["/?status=__proto__", 400],
    ["/?status=constructor", 400],
    [`/?q=${"x".repeat(10_000)}`, 400],
    ["/?namespace=../x", 400],
    [`/${"a/".repeat(2_000)}`, 400],
    ["/logs/a/b/c%2fd", 400],
    ["/logs/a/b/%ff", 400],
    [`/logs/a/b/c?startTime=${"1".repeat(10_000)}`, 400],
    ["/logs/a/b/c?completionTime=noon", 400],
  ])("%s is %i in words, before the storage is asked", async (path, status) => {
    store.reads.length = 0;
    store.others.length = 0;
    const answer = await get(app, path);
    expect(answer.status).toBe(status);
    expect(answer.type).toMatch(path.startsWith("/logs/") ? /^text\/plain/ : /^text\/html/);
    expect(answer.body.replaceAll(/<[^>]*>/g, "").length).toBeGreaterThan(30);
    expect([...store.reads, ...store.others]).toEqual([]);
    expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
    if (answer.type.startsWith("text/html"))
      expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  });

  test.each(["/namespaces/%2e%2e/pipelineruns/x", "/%2e%2e/%2e%2e/etc/passwd/pull/1/x"])(
    "%s leads nowhere: dots are resolved before they could name anything",
    async (path) => {
      store.others.length = 0;
      expect((await get(app, path)).status).toBe(404);
      for (const key of store.others) expect(key).toMatch(/^v1\/index\/repository\/[\w%]+\/$/);
    },
  );

  test("lines that no log can have", async () => {
    await archive.run({ name: "r", took: 1, tasks: [{ name: "t", containers: [{ title: "a", lines: ["x"] }] }] });
    for (const query of ["line=99999999999999999999-1", "lines=0-0", "t=never", "tail=-1"]) {
      const { status, body } = await get(app, `/namespaces/tekton-ci/pipelineruns/r?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(body).toContain("for example");
    }
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s: there is nothing to change", async (method) => {
    store.others.length = 0;
    const response = await app.request("/namespaces/tekton-ci", { method, headers: { Accept: "application/json" } });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
    expect(await response.text()).toContain("GET");
    expect(store.others).toEqual([]);
  });
});
