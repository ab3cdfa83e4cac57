import { beforeAll, describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";

const ESC = "\x1b";
const START = Date.parse("2026-07-30T13:21:40Z");
const archive = new ArchiveFixture();
const app = appOver(archive.store);
const RUN = "/namespaces/tekton-ci/pipelineruns/drawn?pipelineTask=t&step=";

/** Three lines for two jobs, drawn again and again. */
const progress = [
  "pull",
  ...["10%", "50%", "99%"].flatMap((now, i) => [`${i ? `${ESC}[2A` : ""}a ${now}`, `b ${now}`]),
  "end",
];

beforeAll(async () => {
  const filler = Array.from({ length: 600 }, (_, i) => `line ${i + 1}`);
  await archive.run({
    name: "drawn",
    took: 30,
    place: { repository: { url: "https://github.com/o/r", path: "o/r" }, commit: "abc" },
    tasks: [
      {
        name: "t",
        status: "failed",
        containers: [
          { title: "progress", lines: progress },
          { title: "coloured", lines: [...filler, `${ESC}[31mred`, ...filler.slice(0, 50), "still red"] },
          { title: "links", status: "failed", lines: ["see http://a.example/?b=<c>", "pkg/a.go:12: undefined: x"] },
        ],
      },
    ],
  });
});

/** The rows of a page: number, whether it is written over, text without marks. */
const rowsOf = (body: string) =>
  [...body.matchAll(/<div class="r( o)?(?: s)?" id="L(\d+)">.*?<\/time><span>(.*?)<\/span><\/div>/g)].map(
    ([, over, number, text]) => `${number}${over ? " over" : ""} ${text}`,
  );

describe("lines that were written over", () => {
  test("have rows, so that links lead to them, and are told", async () => {
    const { body } = await get(app, `${RUN}progress`);
    expect(rowsOf(body)).toEqual([
      "1 pull",
      "2 over a 10%",
      "3 over b 10%",
      "4 over a 50%",
      "5 over b 50%",
      "6 a 99%",
      "7 b 99%",
      "8 end",
    ]);
    const [note = ""] = body.match(/<div class="slow day" role="note">.*<\/div>/) ?? [];
    expect(note).toContain(">lines 2–5 were written over</a>");
    const path = /href="([^"]*)"/.exec(note)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect((await get(app, `${path}&timestamps=false`)).body).toBe(`a 10%\nb 10%\n${ESC}[2Aa 50%\nb 50%\n`);
  });

  test("rows are the same wherever a window ends", async () => {
    expect(rowsOf((await get(app, `${RUN}progress&lines=3-5`)).body)).toEqual([
      "3 over b 10%",
      "4 over a 50%",
      "5 over b 50%",
    ]);
  });
});

test("colours begin before the window, as far as the cursor reaches", async () => {
  expect(rowsOf((await get(app, `${RUN}coloured&lines=620-621`)).body)[0]).toBe('620 <span class="a1">line 19</span>');
});

test("text has links, but what a strip shows as one has none inside", async () => {
  const { body } = await get(app, `${RUN}links`);
  expect(rowsOf(body)).toEqual([
    '1 see <a href="http://a.example/?b=" rel="noopener nofollow">http://a.example/?b=</a>&lt;c&gt;',
    '2 <a href="https://github.com/o/r/blob/abc/pkg/a.go#L12" rel="noopener nofollow">pkg/a.go:12</a>: undefined: x',
  ]);
  expect(body).toContain('<a class="fx" href="#L2"><code>pkg/a.go:12: undefined: x</code></a>');
});

test("new rows come with the earlier ones that they changed", async () => {
  const growing = new ArchiveFixture();
  const containers = [
    { title: "s", status: "running" as const, state: "open" as const, lines: ["top", "a 1%", "b 1%"] },
  ];
  await growing.run({ name: "r", tasks: [{ name: "t", status: "running", at: [0], containers }] });
  const writer = growing.growing.get("r/t/s");
  for (const text of [`${ESC}[2A${ESC}[32ma 2%${ESC}[m`, "b 2%"]) writer?.append(stored(text, START));
  await writer?.flush();
  const { body } = await get(
    appOver(growing.store),
    "/namespaces/tekton-ci/pipelineruns/r?step=s&fragment=rows&after=3",
  );
  expect(rowsOf(body)).toEqual(["2 over a 1%", "3 over b 1%", '4 <span class="a2">a 2%</span>', "5 b 2%"]);
});
