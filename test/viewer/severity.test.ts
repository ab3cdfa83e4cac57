import { beforeAll, describe, expect, test } from "vitest";
import { appOver, counting, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const archive = new ArchiveFixture();
const store = counting(archive.store);
const app = appOver(store);
const RUN = "/namespaces/tekton-ci/pipelineruns/levels";
const CHOICE = "?pipelineTask=t&step=";

/** Some twelve frames; levels in few of them. */
const long = Array.from({ length: 100_000 }, (_, i) => `line ${i + 1} ${"of plain words ".repeat(6)}`);
for (const line of [3, 40_000, 40_001, 99_990]) long[line - 1] = `ERROR number ${line} <script>`;
long[40_001] = "  at its place";
long[69_999] = "WARN old";
long[70_000] = "level=debug msg=x";

/** Commands are stopped over the edges of frames. */
const stopped = ["::error::one", "::stop-commands::t", "::error::text", ...long.slice(10, 30_000)];
stopped.push("::error::text", "ERROR: said by itself", "::t::", "::error::two");

beforeAll(async () => {
  const many = Array.from({ length: 2_000 }, (_, i) => (i % 2 ? "plain" : `ERROR ${i + 1}`));
  await archive.run({
    name: "levels",
    took: 600,
    tasks: [
      {
        name: "t",
        containers: [
          { title: "long", lines: long, everyMs: 1 },
          { title: "many", lines: many },
          { title: "plain", lines: ["a", "b"] },
          { title: "stopped", lines: stopped, everyMs: 1 },
        ],
      },
    ],
  });
  const lines = ["a", "ERROR b", "WARN c", "d"];
  await archive.run({
    name: "growing",
    tasks: [{ name: "t", status: "running", containers: [{ title: "s", lines, state: "open" }] }],
  });
});

const numbers = (html: string) =>
  [...html.matchAll(/<div class="r[^"]*" id="L(\d+)"/g)].map((match) => Number(match[1]));
const page = async (step: string, query: string) => (await get(app, `${RUN}${CHOICE}${step}${query}`)).body;
const text = (step: string, query: string) => get(app, `${RUN}.txt${CHOICE}${step}&timestamps=false${query}`);
const links = (html: string) =>
  [...html.matchAll(/href="([^"]*severity=[^"]*)"/g)].map(([, href]) => href?.replaceAll("&amp;", "&"));

describe("the lines of a severity", () => {
  test("stand on a page with those around them, signs and true counts", async () => {
    const html = await page("long", "&severity=error");
    expect(html).toContain("<b>5 errors</b>");
    expect(numbers(html)).toEqual([
      1,
      2,
      3,
      4,
      5,
      ...[-2, -1, 0, 1, 2, 3, 4].map((i) => 40_000 + i),
      ...[-2, -1, 0, 1, 2].map((i) => 99_990 + i),
    ]);
    expect(html).toMatch(/<div class="r e" id="L40000">.*<i title="error">✗<\/i>.*ERROR number 40000 &lt;script&gt;/);
    expect(html).toMatch(/line=39998#L39998">Line 39,998 in the whole log/);
    expect(html).toContain('severity=warning">1 warning</a>');
  });

  test("are not those of commands that are stopped", async () => {
    const { body } = await text("stopped", "&severity=error");
    expect(body).toBe("::error::one\nERROR: said by itself\n::error::two\n");
    const html = await page("stopped", "&tail=10");
    expect(html).toContain('severity=error">3 errors</a>');
    const signs = [...html.matchAll(/id="L(\d+)">[^/]*<\/a><i(?: title="error")/g)].map((match) => Number(match[1]));
    expect(signs).toEqual([stopped.length - 2, stopped.length]);
  });

  test("are read from the frames that have any", async () => {
    await page("long", "&severity=warning");
    store.reads.length = 0;
    const html = await page("long", "&severity=warning&context=1");
    expect(numbers(html)).toEqual([69_999, 70_000, 70_001]);
    // The index, and one frame.
    expect(store.reads.filter(({ key }) => key.endsWith(".log.zst"))).toHaveLength(2);
  });

  test("come with what is worse when asked for", async () => {
    const html = await page("long", "&severity=warning&worse=true&context=0");
    expect(numbers(html)).toEqual([3, 40_000, 40_001, 40_002, 70_000, 99_990]);
    expect(html).toContain("<b>6 lines: warnings and worse</b>");
  });

  test("come page by page", async () => {
    const seen: number[] = [];
    let query = "&severity=error&context=0";
    for (let pages = 0; pages < 5 && query; pages++) {
      const html = await page("many", query);
      seen.push(...numbers(html));
      query =
        /rel="next" href="\?([^"]*)"/
          .exec(html)?.[1]
          ?.replaceAll("&amp;", "&")
          .replace(/.*(&severity)/, "$1") ?? "";
    }
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => 2 * i + 1));
  });

  test("are text for programs", async () => {
    expect((await text("long", "&severity=error")).body).toBe(
      [3, 40_000, 40_001].map((line) => `ERROR number ${line} <script>\n`).join("") +
        "  at its place\nERROR number 99990 <script>\n",
    );
    expect((await text("long", "&severity=debug")).body).toBe("level=debug msg=x\n");
    expect((await text("plain", "&severity=error")).body).toBe("");
    expect((await get(app, `${RUN}.txt${CHOICE}long&severity=warning`)).body).toMatch(/^2026-07-30T\S+ WARN old\n$/);
  });

  test("of a log that grows are counted, too", async () => {
    const { body } = await get(app, "/namespaces/tekton-ci/pipelineruns/growing?severity=error&context=0");
    expect(numbers(body)).toEqual([2]);
    expect(body).toContain("<b>1 error</b>");
    expect(body).not.toContain("data-live");
  });

  test("a page offers those there are", async () => {
    expect(links(await page("long", ""))).toEqual(["error", "warning"].map((name) => `${CHOICE}long&severity=${name}`));
    expect(links(await page("plain", ""))).toEqual([]);
  });

  test.each([
    ["&severity=bad", "severity is one of error, warning, notice, debug, unknown."],
    ["&severity=error&worse=x", "worse is true or false."],
    ["&severity=error&context=x", "context is a number of lines"],
  ])("%s is refused with the remedy", async (query, words) => {
    const { status, body } = await get(app, `${RUN}${CHOICE}long${query}`);
    expect([status, body.includes(words)]).toEqual([400, true]);
  });

  test("of a whole run are no text", async () => {
    const { status, body } = await get(app, `${RUN}.txt?severity=error`);
    expect([status, body]).toEqual([400, expect.stringContaining("choose it with pipelineTask= and step=")]);
  });
});
