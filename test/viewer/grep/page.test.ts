import { describe, expect, test } from "vitest";
import { RUN, STEP, searchedRun, words } from "./fixture.ts";

const { get } = searchedRun();
const rowsOf = (html: string) => html.match(/(?<=id="L)\d+/g)?.map(Number) ?? [];
const row = (html: string, line: number) => new RegExp(`<div class="[^"]*" id="L${line}">.*`).exec(html)?.[0] ?? "";

describe("a page with grep", () => {
  test("opens at the first hit, marks it and says which of how many it is", async () => {
    const { status, body } = await get(`${STEP}&grep=needle`);
    expect(status).toBe(200);
    expect(rowsOf(body)).toContain(10_000);
    expect(row(body, 10_000)).toContain(
      '<span class="a1"><mark class="now">Nee</mark></span><mark class="now">dle</mark> in line',
    );
    expect(body).toMatch(/<output for="grep"><a href="#L\d+">1 of 6<\/a><\/output>/);
    expect(body).toContain('<button class="icb" name="hit" value="6" aria-label="Previous hit">');
    expect(body).toContain('<button class="icb" name="hit" value="2" aria-label="Next hit">');
    expect(body).toContain('name="grep" value="needle"');
  });

  test.each([
    [3, 30_000, "3 of 6"],
    [6, 60_000, "6 of 6"],
    [99, 60_000, "6 of 6"],
  ])("hit=%i", async (hit, line, shown) => {
    const { body } = await get(`${STEP}&grep=needle&hit=${hit}`);
    expect(row(body, line)).toContain('<mark class="now">');
    expect(body.replace(/<a href="#L\d+">([^<]*)<\/a>/g, "$1")).toContain(`<output for="grep">${shown}</output>`);
  });

  test("the last hit leads to the first", async () => {
    expect((await get(`${STEP}&grep=needle&hit=6`)).body).toContain('name="hit" value="1" aria-label="Next hit"');
  });

  test("keeps a window that was asked for, with the next hit from there", async () => {
    const { body } = await get(`${STEP}&grep=needle&lines=1-500`);
    expect(rowsOf(body)).toContain(1);
    expect(body).toContain("1 of 6");
    expect((await get(`${STEP}&grep=needle&line=20000`)).body).toContain("2 of 6");
    expect((await get(`${STEP}&grep=needle&line=20001`)).body).toContain("3 of 6");
  });

  test("its links and forms stay with the search", async () => {
    const { body } = await get(`${STEP}&grep=NEE&regex=true&case=false&hit=3`);
    expect(body).toMatch(/href="\?[^"]*grep=NEE&amp;regex=true&amp;case=false&amp;lines=[^"]*">↓/);
    expect(body).toContain('<input type="hidden" name="grep" value="NEE">');
    expect(body).toContain('name="regex" value="true" checked');
    expect(body).not.toContain('name="case" value="true" checked');
  });

  test("says that there is nothing", async () => {
    const { body } = await get(`${STEP}&grep=nowhere`);
    expect(body).toContain('<output for="grep">no hits</output>');
    expect(body).not.toContain('name="hit"');
  });

  test("empty matches are counted and mark nothing", async () => {
    const { body } = await get(`${STEP}&grep=x*&regex=true`);
    expect(body).toContain("1 of 60,000");
    expect(body).not.toContain("<mark");
  });

  test("an expression that cannot be understood is 400, with its place", async () => {
    const { status, body } = await get(`${STEP}&grep=a(b&regex=true`);
    expect(status).toBe(400);
    expect(words(body)).toContain("at its end: missing closing )");
  });

  test("rows for the script are marked, too", async () => {
    expect((await get(`${STEP}&grep=needle&fragment=rows&after=9998`)).body).toContain("<mark>Nee</mark>");
  });

  test("without grep there is a field and nothing else of a search", async () => {
    const { body } = await get(STEP);
    expect(body).toContain('name="grep"');
    expect(body).not.toContain("<output");
  });
});

describe("all steps", () => {
  test("counts, first hits with lines around them, links that keep the search", async () => {
    const { status, body } = await get(`${RUN}?grep=needle&view=steps`);
    expect(status).toBe(200);
    expect(body).toContain('<output for="grep">8</output>');
    const text = words(body);
    expect(text).toMatch(/build \/ make.*test \/ unit.*no hits/);
    expect(text).toContain("All 6");
    expect(body).toContain('<span class="a1"><mark>Nee</mark></span><mark>dle</mark> in line 10000');
    expect(body).toContain("not ok: a <mark>needle</mark> &lt;b&gt;");
    expect(text).toMatch(/2 .*before 3 .*not ok.* 4 .*after/);
    expect(body).toMatch(/href="[^"]*pipelineTask=test[^"]*step=unit[^"]*grep=needle[^"]*line=3#L3"/);
  });

  test("are a link away from a log's search", async () => {
    expect((await get(`${STEP}&grep=needle`)).body).toMatch(/href="\?[^"]*grep=needle&amp;view=steps">All steps/);
  });
});

describe("fragment=hits", () => {
  const messages = (body: string) =>
    body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  test("tells what was searched and found, and at last that it is done", async () => {
    const { type, body, headers } = await get(`${STEP}&fragment=hits&grep=needle`);
    expect(type).toBe("application/x-ndjson");
    expect(headers.get("Content-Encoding")).toBeNull();
    const told = messages(body);
    expect(told.at(-1)).toMatchObject({ searched: 60_000, total: 60_000, count: 6, done: true });
    expect(told.flatMap(({ lines }) => lines)).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
    expect(told.length).toBeGreaterThan(1);
  });

  test("counts all and names the first 10,000", async () => {
    const told = messages((await get(`${STEP}&fragment=hits&grep=said`)).body);
    expect(told.at(-1)).toMatchObject({ count: 59_994, done: true });
    expect(told.flatMap(({ lines }) => lines)).toHaveLength(10_000);
  });

  test("without grep is 400", async () => {
    expect((await get(`${STEP}&fragment=hits`)).status).toBe(400);
  });
});
