import { beforeAll, describe, expect, test } from "vitest";
import type { Finding } from "../../archive/findings.ts";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const RUN = "/namespaces/tekton-ci/pipelineruns/red";
const archive = new ArchiveFixture();
const app = appOver(archive.store);

const finding = (line: number, excerpt: string): Finding => ({ line, rule: "go-test", severity: "error", excerpt });
const FINDINGS = [
  finding(40, "--- FAIL: TestFirst"),
  finding(812, `--- FAIL: TestAdd <script>alert("x")</script>`),
  finding(1_900, "FAIL"),
];

beforeAll(async () => {
  const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i + 1}`);
  const failed = (name: string, findings = FINDINGS, total = 3) => ({
    name,
    status: "failed" as const,
    containers: [
      { title: "prepare", exitCode: 0, lines: ["ready"], findings: { findings: [], total: 0, severities: {} } },
      {
        title: "unit",
        status: "failed" as const,
        exitCode: 1,
        lines,
        findings: { ...(findings[1] && { leading: findings[1] }), findings, total, severities: { error: 3 } },
      },
    ],
  });
  await archive.run({
    name: "red",
    status: "failed",
    took: 60,
    tasks: [failed("test"), failed("many", FINDINGS, 3_000), failed("none", [], 0)],
  });
});

const numbers = (html: string) =>
  [...html.matchAll(/<div class="r[^"]*" id="L(\d+)"/g)].map((match) => Number(match[1]));
const found = (html: string) => [...html.matchAll(/<div class="r([^"]*) f" id="L(\d+)".*?<i title="finding">✗<\/i>/g)];
const strip = (html: string) => /<nav class="finds" aria-label="Findings">(.*?)<\/nav>/.exec(html)?.[1] ?? "";
const links = (html: string) =>
  [...strip(html).matchAll(/<a [^>]*href="([^"]*)"/g)].map((match) => match[1]?.replaceAll("&amp;", "&"));
const words = (html: string) =>
  html
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

describe("a page of a failed step", () => {
  test("opens around the leading finding of the failed step", async () => {
    const { status, body } = await get(app, RUN);
    expect(status).toBe(200);
    expect([numbers(body)[0], numbers(body).at(-1)]).toEqual([563, 1_062]);
    expect(found(body).map(([, classes, line]) => [classes, line])).toEqual([["", "812"]]);
    expect(words(strip(body))).toBe(
      "Finding 2 of 3 --- FAIL: TestAdd &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; line 812 ‹ ›",
    );
    const choice = "?pipelineTask=test&step=unit";
    expect(links(body)).toEqual([`${choice}&line=812#L812`, `${choice}&line=40#L40`, `${choice}&line=1900#L1900`]);
    const ways = [...strip(body).matchAll(/<a [^>]*rel="(\w+)" href="[^"]*line=(\d+)#/g)];
    expect(ways.map(([, rel, line]) => `${rel} ${line}`)).toEqual(["prev 40", "next 1900"]);
  });

  test.each([
    ["the first", "line=40", "Finding 1 of 3", [40, 812], "40"],
    ["the last", "line=1895-1905", "Finding 3 of 3", [1_900, 812], "1900"],
    ["the leading one from another line", "line=900", "Finding 2 of 3", [812, 40, 1_900], "812"],
    ["the leading one from a window without it", "lines=1-100", "Finding 2 of 3", [812, 40, 1_900], undefined],
  ])("leads on from %s", async (_, query, where, lines, marked) => {
    const { body } = await get(app, `${RUN}?${query}`);
    expect(words(strip(body))).toContain(where);
    expect(links(body)).toEqual(lines.map((line) => `?pipelineTask=test&step=unit&line=${line}#L${line}`));
    expect(found(body)[0]?.[2]).toBe(marked);
  });

  test.each([
    ["the leading finding", "", ["812"]],
    ["the marked lines", "?line=40-50", ["40"]],
    ["a hit", "?grep=line%2041", ["41"]],
    ["no line, where a window is asked for", "?lines=600-900", []],
    ["no line, where the script asks for a part", "?fragment=pane", []],
  ])("has the focus, to which browsers scroll without a script, on %s", async (_, query, lines) => {
    const { body } = await get(app, `${RUN}${query}`);
    expect([...body.matchAll(/id="L(\d+)"><a href="#L\d+" autofocus>/g)].map((match) => match[1])).toEqual(lines);
  });

  test("says how many there were, where only the best are kept", async () => {
    const { body } = await get(app, `${RUN}?pipelineTask=many`);
    expect(words(strip(body))).toContain("Finding 2 of 3 --- FAIL");
    expect(words(strip(body))).toContain("line 812, best of 3,000");
  });

  test("without findings ends with its last words", async () => {
    const { body } = await get(app, `${RUN}?pipelineTask=none`);
    expect(strip(body)).toBe("");
    expect(body).toContain(`aria-label="Last line"`);
    expect(numbers(body).at(-1)).toBe(2_000);
  });

  test("that has succeeded points to nothing", async () => {
    const { body } = await get(app, `${RUN}?pipelineTask=test&step=prepare`);
    expect([strip(body), found(body)]).toEqual(["", []]);
  });
});

test("the findings are in the JSON", async () => {
  const { body } = await get(app, `${RUN}.json`);
  const { findings } = JSON.parse(body).tasks[0].attempts[0].containers[1].log;
  expect(findings).toEqual({ leading: FINDINGS[1], findings: FINDINGS, total: 3, severities: { error: 3 } });
});
