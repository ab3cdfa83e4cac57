import { beforeAll, describe, expect, test } from "vitest";
import { appOver, BROWSER, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const archive = new ArchiveFixture();
const app = appOver(archive.store);
const RUN = "/namespaces/tekton-ci/pipelineruns/ranged";
const gap = {
  afterLine: 200,
  from: "2026-07-30T09:49:32Z",
  to: "2026-07-30T09:49:35Z",
  cause: "rotation",
  words: "Lines are missing.",
};

beforeAll(async () => {
  const lines = Array.from({ length: 12_000 }, (_, i) => `line ${i + 1}`);
  await archive.run({
    name: "ranged",
    took: 60,
    tasks: [{ name: "t", containers: [{ title: "s", lines, everyMs: 11_000, state: "incomplete", gaps: [gap] }] }],
  });
});

const rowsOf = (body: string) => [...body.matchAll(/<div class="r[^"]*" id="L(\d+)"/g)].map(([, line]) => Number(line));

describe("rows by range", () => {
  test("are exactly those lines, with what stands before each of them, so that pieces join", async () => {
    const { body, headers } = await get(app, `${RUN}?fragment=rows&lines=101-200`);
    expect(rowsOf(body)).toEqual(Array.from({ length: 100 }, (_, i) => i + 101));
    expect(headers.get("X-Log-Lines")).toBe("12000");
    expect(headers.get("X-Log-Ended")).toBe("true");
    expect(body.startsWith('<div class="slow" role="note">+11 s without output')).toBe(true);
    // The gap stands behind the line that it follows, and nowhere else.
    expect(body).toContain("Lines are missing.");
    expect((await get(app, `${RUN}?fragment=rows&lines=201-300`)).body).not.toContain("Lines are missing.");
    expect(body).not.toContain('id="end"');
  });

  test("end with the log", async () => {
    expect(rowsOf((await get(app, `${RUN}?fragment=rows&lines=11999-12100`)).body)).toEqual([11_999, 12_000]);
    expect((await get(app, `${RUN}?fragment=rows&lines=12001-12100`)).body).toBe("");
  });

  test("are at most 1,000 at a time", async () => {
    expect(rowsOf((await get(app, `${RUN}?fragment=rows&lines=1-1000`)).body)).toHaveLength(1_000);
    const { status, body } = await get(app, `${RUN}?fragment=rows&lines=1-1001`);
    expect([status, body.includes("at most 1000 lines")]).toEqual([400, true]);
  });
});

describe("the time column without a script", () => {
  test.each([
    ["clock", "09:46:34.000"],
    ["elapsed", "+22.000"],
    ["delta", "+11.000"],
  ])("%s", async (mode, text) => {
    const { body } = await get(app, `${RUN}?lines=1-10&time=${mode}&wrap=on`);
    expect(/id="L3".*?<time[^>]*>([^<]*)<\/time>/.exec(body)?.[1]).toBe(text);
    expect(body).toContain(`<option value="${mode}" selected>`);
    const first = (await get(app, `${RUN}?fragment=rows&lines=3-10&time=${mode}`)).body;
    expect(/id="L3".*?<time[^>]*>([^<]*)<\/time>/.exec(first)?.[1]).toBe(text);
  });

  test("a form that was sent without wrapping stays so", async () => {
    // A checkbox that is not ticked sends nothing: a field before it says so, where no script does.
    expect((await get(app, `${RUN}?wrapping=chosen&time=clock`)).body).toContain('name="wrap">');
    for (const query of ["", "?time=delta", "?wrapping=chosen&wrap=on&time=clock"]) {
      expect((await get(app, `${RUN}${query}`)).body).toContain('name="wrap" checked>');
    }
    expect((await get(app, `${RUN}?time=never`)).status).toBe(400);
  });
});

test("previews show what the marked lines say", async () => {
  const { body } = await get(app, `${RUN}?line=7-9`);
  expect(body).toContain('<meta property="og:description" content="line 7\nline 8\nline 9">');
  const long = /og:description" content="([^"]*)"/.exec((await get(app, `${RUN}?line=1-400`)).body)?.[1];
  expect(long?.length).toBeLessThanOrEqual(301);
});

test("the plain view is one page up to 10,000 lines, else the text", async () => {
  const answer = await app.request(`${RUN}?view=plain`, { headers: BROWSER });
  expect(answer.status).toBe(303);
  expect(answer.headers.get("Location")).toMatch(/ranged\.txt\?/);
});

test("the script's modules are small, and bring no types along", async () => {
  const { body } = await get(app, "/");
  const paths = [...body.matchAll(/(?:src|href)="(\/assets\/[0-9a-f]{12}\/[^"]+)"/g)].map(([, path]) => path ?? "");
  expect(paths.length).toBeGreaterThan(5);
  let size = 0;
  for (const path of paths) {
    const answer = await app.request(path, { headers: { "Accept-Encoding": "gzip" } });
    expect(answer.headers.get("Content-Type")).toContain("text/javascript");
    expect(answer.headers.get("Content-Encoding")).toBe("gzip");
    size += (await answer.arrayBuffer()).byteLength;
  }
  expect(size).toBeLessThan(25 * 1024);
});
