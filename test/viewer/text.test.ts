import { beforeAll, describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";
import { fillWithSamples } from "./sample-runs.ts";

const archive = new ArchiveFixture();
const app = appOver(archive.store, { url: "https://logs.example.org" });
beforeAll(() => fillWithSamples(archive));

const RUN = "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k";
const LINT = `${RUN}.txt?pipelineTask=clone&step=clone`;
const CURL = { Accept: "*/*", "User-Agent": "curl/8.5.0" };

describe("the text of one log", () => {
  test("as it is stored", async () => {
    const { body, headers, type } = await get(app, LINT);
    const lines = body.split("\n");
    expect(lines).toHaveLength(29);
    expect(lines[0]).toBe("2026-07-30T09:46:16.000000000Z remote: Counting objects: 3% (911/25508)");
    expect(type).toBe("text/plain; charset=utf-8");
    expect(headers.get("X-Log-Complete")).toBe("whole");
    expect(headers.get("X-Log-Lines")).toBe("28");
    expect(headers.get("Content-Length")).toBe(String(Buffer.byteLength(body)));
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Content-Security-Policy")).toBeNull();
  });

  test.each([
    ["&lines=3-4", 2, "remote: Counting objects: 9%"],
    ["&lines=28", 1, "remote: Counting objects: 84%"],
    ["&lines=27-9999", 2, "remote: Counting objects: 81%"],
    ["&tail=1", 1, "remote: Counting objects: 84%"],
    ["&tail=9999", 28, "remote: Counting objects: 3%"],
    ["&lines=3-4&timestamps=false", 2, "remote: Counting objects: 9%"],
  ])("%s is %i lines", async (query, count, first) => {
    const { body } = await get(app, `${LINT}${query}`);
    const lines = body.trimEnd().split("\n");
    expect(lines).toHaveLength(count);
    const start = query.includes("timestamps=false") ? "" : String.raw`2026-07-30T\S+ `;
    expect(lines[0]).toMatch(new RegExp(`^${start}${RegExp.escape(first)}`));
  });

  test("beyond its end there is nothing, and that is said", async () => {
    expect(await get(app, `${LINT}&lines=29-30`)).toMatchObject({
      status: 404,
      type: expect.stringMatching(/^text\/plain/),
      body: expect.stringContaining("The log has only 28 lines."),
    });
    expect(await get(app, `${LINT}&tail=0`)).toMatchObject({ status: 200, body: "" });
  });

  test.each([
    ["&lines=x", "lines is a line or a range"],
    ["&lines=4-3", "write the smaller line first, lines=3-4"],
    ["&lines=0", "lines is a line or a range"],
    ["&lines=1-99999999999999", "lines is a line or a range"],
    ["&tail=x", "tail is a number"],
    ["&tail=-1", "tail is a number"],
    ["&after=x", "after is a number"],
    ["&lines=1-2&tail=3", "exclude each other"],
    ["&timestamps=maybe", "timestamps is true or false"],
    ["&line=99:99", "line is no time of day"],
  ])("%s is 400: %s", async (query, words) => {
    const answer = await get(app, `${LINT}${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain(words);
  });

  test("says in a header, never in its body, that it is not whole", async () => {
    const answer = await get(app, `${RUN}.txt?pipelineTask=unit&step=test`);
    expect(answer.headers.get("X-Log-Complete")).toBe("incomplete");
    expect(answer.body).not.toContain("afterlog");
    const none = await get(app, `${RUN}.txt?pipelineTask=unit&step=upload`);
    expect(none.status).toBe(404);
    expect(none.body).toBe("404 There is no such log\nThe step did not run: test failed before it.\n");
  });

  test("is plain for a run that has but one", async () => {
    const { body } = await get(app, "/namespaces/tekton-nightly/pipelineruns/pipeline-nightly-20260730", CURL);
    expect(body).toMatch(/^2026-07-30T02:00:12\.000000000Z /);
  });

  test("is not sent again to a client that has it", async () => {
    const first = await get(app, LINT);
    const etag = first.headers.get("ETag") ?? "";
    expect(etag).toMatch(/^"[\w-]+"$/);
    expect(first.headers.get("Cache-Control")).toBe("no-cache");
    expect(await get(app, LINT, { "If-None-Match": `"other", W/${etag}` })).toMatchObject({ status: 304, body: "" });
    expect((await get(app, `${LINT}&tail=5`, { "If-None-Match": etag })).status).toBe(200);
    const { run } = JSON.parse((await get(app, `${RUN}.json`)).body) as { run: { uid: string } };
    expect((await get(app, `${LINT}&uid=${run.uid}`)).headers.get("Cache-Control")).toContain("immutable");
    const live = await get(
      app,
      "/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw.txt?pipelineTask=build&step=compile",
    );
    expect(live.headers.get("ETag")).toBeNull();
    expect(live.headers.get("Cache-Control")).toBe("no-store");
    expect(live.headers.get("X-Log-Complete")).toBe("open");
  });
});

describe("the text of a run", () => {
  test("is what tkn prints, and says what is missing", async () => {
    const small = new ArchiveFixture();
    await small.run({
      name: "r",
      status: "failed",
      took: 100,
      tasks: [
        { name: "last", finally: true, containers: [{ title: "report", lines: ["bye"] }] },
        {
          name: "build",
          status: "failed",
          earlier: [{ status: "failed", containers: [{ title: "compile", lines: ["first try"] }] }],
          containers: [
            { title: "prepare", kind: "init", lines: ["init"] },
            {
              title: "compile",
              lines: ["one", "two"],
              state: "cut",
              words: "Still running when\nthe run ended.",
              gaps: [
                { afterLine: 0, cause: "rotated", words: "The start is missing." },
                {
                  afterLine: 1,
                  from: "2026-07-30T09:46:12Z",
                  to: "2026-07-30T09:46:13Z",
                  cause: "rotated",
                  words: "Rotated.",
                },
              ],
            },
            { title: "push", state: "none", words: "The step did not run." },
            { title: "redis", kind: "sidecar", lines: ["sidecar"] },
          ],
        },
      ],
    });
    const { body } = await get(appOver(small.store), "/namespaces/tekton-ci/pipelineruns/r", CURL);
    expect(body).toMatchInlineSnapshot(`
      "[build : compile] first try

      [build : compile] (afterlog: gap: The start is missing.)
      [build : compile] one
      [build : compile] (afterlog: gap from 2026-07-30T09:46:12Z to 2026-07-30T09:46:13Z: Rotated.)
      [build : compile] two
      [build : compile] (afterlog: cut here: Still running when the run ended.)

      [build : push] (afterlog: no log: The step did not run.)

      [last : report] bye

      "
    `);
    const all = await get(
      appOver(small.store),
      "/namespaces/tekton-ci/pipelineruns/r.txt?all=true&timestamps=true&pipelineTask=build",
    );
    expect(all.body).toContain("[build : prepare] 2026-07-30T09:46:12.000000000Z init\n\n");
    expect(all.body).toContain("[build : redis] 2026-07-30T09:46:12.000000000Z sidecar\n\n");
    expect(all.body).not.toContain("last");
  });

  test("of a TaskRun has the step alone in front", async () => {
    const own = new ArchiveFixture();
    await own.run({
      kind: "TaskRun",
      name: "t",
      took: 1,
      tasks: [
        {
          name: "t",
          containers: [
            { title: "a", lines: ["1"] },
            { title: "b", lines: ["2"] },
          ],
        },
      ],
    });
    expect((await get(appOver(own.store), "/namespaces/tekton-ci/taskruns/t", CURL)).body).toBe("[a] 1\n\n[b] 2\n\n");
  });

  test("keeps long lines, odd bytes and lines without a time", async () => {
    const own = new ArchiveFixture();
    const long = Buffer.alloc(3 * 1024 * 1024, "x");
    await own.run({
      name: "r",
      took: 1,
      tasks: [
        {
          name: "t",
          containers: [
            { title: "a", lines: [long, Uint8Array.of(0xff, 0), ""] },
            { title: "b", lines: [] },
          ],
        },
      ],
    });
    const response = await appOver(own.store).request("/namespaces/tekton-ci/pipelineruns/r.txt");
    const expected = [
      Buffer.from("[t : a] "),
      long,
      Buffer.from("\n[t : a] "),
      Buffer.of(0xff, 0),
      Buffer.from("\n[t : a] \n\n\n"),
    ];
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat(expected))).toBe(true);
  });

  test("asks for one log where a part of it is wanted", async () => {
    expect(await get(app, `${RUN}.txt?tail=5`)).toMatchObject({
      status: 400,
      body: expect.stringContaining("pipelineTask="),
    });
  });

  test("of a run that is going on has what there is", async () => {
    const { body } = await get(app, "/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw.txt");
    expect(body).toContain("[build : compile] [640/3333]");
    expect(body).toContain("[build : compile] (afterlog: still running, the log goes on)");
  });
});

test("a step and an init container of one name are told apart", async () => {
  const own = new ArchiveFixture();
  await own.run({
    name: "r",
    took: 1,
    tasks: [
      {
        name: "t",
        containers: [
          { title: "prepare", kind: "init", lines: ["init"] },
          { title: "prepare", lines: ["step"] },
        ],
      },
    ],
  });
  const text = async (query: string) =>
    (await get(appOver(own.store), `/namespaces/tekton-ci/pipelineruns/r.txt?timestamps=false&${query}`)).body;
  expect(await text("pipelineTask=t&step=prepare")).toBe("step\n");
  expect(await text("pipelineTask=t&step=prepare&kind=init")).toBe("init\n");
});

test("a log's last line without a newline stays without one, and the next log begins on its own line", async () => {
  const own = new ArchiveFixture();
  const record = await own.run({
    name: "r",
    tasks: [
      {
        name: "t",
        containers: [
          { title: "a", lines: [], state: "open" },
          { title: "b", lines: ["b"] },
        ],
      },
    ],
  });
  const writer = own.growing.get("r/t/a");
  const line = stored("no newline", Date.parse("2026-07-30T09:46:12Z"));
  writer?.append(line.subarray(0, -1));
  const log = await writer?.finish({ state: "whole" });
  const container = record.tasks[0]?.attempts[0]?.containers[0];
  if (!container || !log) throw new Error("the fixture has changed");
  container.log = log;
  await own.finalize(record);
  const base = "/namespaces/tekton-ci/pipelineruns/r.txt";
  expect((await get(appOver(own.store), `${base}?step=a`)).body).toBe("2026-07-30T09:46:12.000000000Z no newline");
  expect((await get(appOver(own.store), base)).body).toBe("[t : a] no newline\n\n[t : b] b\n\n");
});
