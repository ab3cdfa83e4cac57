import { beforeAll, describe, expect, test } from "vitest";
import { appOver, counting, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";

const ESC = "\x1b";
const archive = new ArchiveFixture();
const store = counting(archive.store);
const app = appOver(store);
const RUN = "/namespaces/tekton-ci/pipelineruns/folded?pipelineTask=t&step=";

const section = (kind: string, unix: number, name: string) => `${ESC}[0Ksection_${kind}:${unix}:${name}\r${ESC}[0K`;
const nested = [
  "before",
  `::group::${ESC}[1mBuild <b>${ESC}[0m`,
  "compile",
  "##[group]Link",
  "ld https://a.example/x",
  "##[endgroup]",
  "::endgroup::",
  "::error file=a.c,line=1::broken",
  "::warning::old",
  `${section("start", 100, "test")}Test it`,
  "ok",
  section("end", 163, "test"),
  "::stop-commands::tok",
  "::group::no group",
  "::tok::",
  "after",
];
const filler = (count: number) => Array.from({ length: count }, (_, i) => `line ${i} ${"x".repeat(60 + (i % 40))}`);
/** Folds that are longer than a frame, with one inside that crosses a frame's edge. */
const long = [
  "start",
  "::group::Everything",
  ...filler(9_000),
  "::group::Inner",
  ...filler(12_000),
  "::endgroup::",
  ...filler(9_000),
  "::endgroup::",
  "end",
];

beforeAll(async () => {
  const failed = { status: "failed" as const, exitCode: 1 };
  await archive.run({
    name: "folded",
    took: 60,
    tasks: [
      {
        name: "t",
        containers: [
          { title: "nested", lines: nested },
          { title: "plain", lines: ["a", "--- a/x", "+++ b/x", "b"] },
          { title: "long", lines: long, everyMs: 1 },
          { title: "never", lines: ["a", "::group::b", "c", "d"], ...failed },
          { title: "opens", lines: Array.from({ length: 2_000 }, (_, i) => `::group::${i}`) },
          { title: "deep", lines: Array.from({ length: 2_000 }, (_, i) => section("start", i, `s${i}`)) },
        ],
      },
    ],
  });
  await archive.run({
    name: "growing",
    tasks: [{ name: "t", status: "running", containers: [{ title: "s", lines: ["::group::g", "x"], state: "open" }] }],
  });
});

const rowsIn = (body: string) => /<div class="rows">\n([\s\S]*)<\/div><\/div>/.exec(body)?.[1] ?? "";
const page = async (step: string, query = "") => rowsIn((await get(app, `${RUN}${step}${query}`)).body);
/** Folds and lines as they lie inside one another: `[` and `]` around a fold, `(` and `)` around an open one. */
const outline = (html: string) =>
  [
    ...html.matchAll(
      /<div class="g"(?: id="L(\d+)")?>|<details data-fold="(\d+)"( open)?>|(<\/details><\/div>)|<div class="r[^"]*" id="L(\d+)"/g,
    ),
  ]
    .map(([, id, fold, isOpen, ends, line]) =>
      line ? line : fold ? `${isOpen ? "(" : "["}${fold}` : ends ? "]" : id ? "" : "part",
    )
    .filter(Boolean)
    .join(" ");
const isBalanced = (html: string) =>
  ["div", "details", "summary", "a", "span"].every((tag) => {
    const count = (pattern: string) => [...html.matchAll(new RegExp(pattern, "g"))].length;
    return count(`<${tag}[ >]`) === count(`</${tag}>`);
  });

describe("folds", () => {
  test("lie inside one another, closed, with their lengths and times", async () => {
    const html = await page("nested");
    expect(outline(html)).toBe("1 [2 3 [4 5 6 ] 7 ] 8 9 (10 11 12 ] 13 14 15 16");
    expect(isBalanced(html)).toBe(true);
    expect(html).toContain(
      `<div class="g" id="L2"><a href="#L2">2</a><details data-fold="2"><summary class="r"><time datetime="2026-07-30T09:46:13.000000000Z">09:46:13.000</time><span><span class="ab">Build &lt;b&gt;</span><small>5 lines · 5 s</small></span></summary>`,
    );
    expect(html).toContain("Test it<small>2 lines · 1 m 03 s</small>");
  });

  test("show no markers; the text keeps them", async () => {
    const html = await page("nested");
    expect(html.replace("::group::no group", "")).not.toMatch(/::|##\[|section_/);
    expect(html).toContain("::group::no group");
    const text = await get(app, `${RUN.replace("?", ".txt?")}nested&timestamps=false`);
    expect(text.body).toBe(`${nested.join("\n")}\n`);
  });

  test("levels are told by class and sign", async () => {
    const html = await page("nested");
    expect(html).toMatch(/<div class="r e" id="L8">.*<i title="error">✗<\/i>.*<span>broken<\/span>/);
    expect(html).toMatch(/<div class="r w" id="L9">.*<i title="warning">!<\/i>.*<span>old<\/span>/);
  });

  test("a log without markers has none", async () => {
    const html = await page("plain");
    expect(outline(html)).toBe("1 2 3 4");
    expect(html).not.toContain("details");
  });

  test("headers fold when they are asked for", async () => {
    expect(outline(await page("plain", "&folds=buildkite"))).toBe("1 2 (3 4 ]");
  });

  test("open around a marked line", async () => {
    expect(outline(await page("nested", "&line=5"))).toContain("1 (2 3 (4 5 6 ] 7 ] 8");
    expect(outline(await page("nested", "&line=3"))).toContain("1 (2 3 [4 5 6 ] 7 ] 8");
  });

  test("one that nobody closed is open", async () => {
    expect(outline(await page("never"))).toBe("1 (2 3 4 ]");
    const { body } = await get(app, "/namespaces/tekton-ci/pipelineruns/growing");
    expect(outline(rowsIn(body))).toBe("(1 2 ]");
  });

  test.each(["opens", "deep"])("a bomb of %s is bounded", async (step) => {
    const html = await page(step, "&lines=1001-1500");
    expect(isBalanced(html)).toBe(true);
    expect(html.length).toBeLessThan(200_000);
    expect(html.match(/<details/g)?.length ?? 0).toBeLessThanOrEqual(16);
  });
});

describe("a window in the middle of a long log", () => {
  test.each([
    ["at the start", 1, "1 [2 3 4"],
    ["inside one", 5_000, "part [2 5000 5001"],
    ["inside two", 12_000, "part [2 part [9003 12000 12001"],
    ["behind the inner one", 21_200, "part [2 21200 21201"],
    ["at the end", 30_005, "part [2 30005 ] 30006"],
  ])("knows the folds it begins in: %s", async (_, from, expected) => {
    store.reads.length = 0;
    const html = await page("long", `&lines=${from}-${from + 499}`);
    expect(outline(html).startsWith(expected), outline(html).slice(0, 80)).toBe(true);
    expect(isBalanced(html)).toBe(true);
    expect(store.reads.filter(({ key }) => key.endsWith(".log.zst")).length).toBeLessThanOrEqual(3);
    if (from > 2 && from < 30_000) expect(html).toContain("30,003 lines");
  });

  test("pieces put together hold every line once, each piece whole in itself", async () => {
    const lines: number[] = [];
    for (let from = 8_900; from < 9_400; from += 100) {
      const html = (await page("long", `&lines=${from}-${from + 99}`)).replaceAll(/<div class="more">.*<\/div>\n/g, "");
      expect(isBalanced(html)).toBe(true);
      lines.push(...[...html.matchAll(/ id="L(\d+)"/g)].map(([, line]) => Number(line)));
    }
    expect(lines).toEqual(Array.from({ length: 500 }, (_, i) => 8_900 + i));
  });
});

test("a log that grows past its segments keeps its folds", async () => {
  const writer = archive.growing.get("growing/t/s");
  const start = Date.parse("2026-07-30T09:46:20Z");
  writer?.append(Buffer.concat(["y", "::endgroup::", "z"].map((line, i) => stored(line, start + i * 1_000))));
  await writer?.flush();
  const { body } = await get(app, "/namespaces/tekton-ci/pipelineruns/growing");
  expect(outline(rowsIn(body))).toBe("[1 2 3 4 ] 5");
});
