import { describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const ESC = "\x1b";
const RUN = "/namespaces/tekton-ci/pipelineruns/hostile";
const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(1)><a href=javascript:alert(1)>`;

/** What a hostile container may print; each alone, as the title of a fold, and as a line of a severity. */
const lines: (string | Uint8Array)[] = [
  EVIL,
  "<svg/onload=alert(1)> <style>*{display:none}</style> <!-- <![CDATA[ ]]> </details></div></section>",
  "javascript:alert(1) data:text/html,<script>alert(1)</script> vbscript:x",
  `${ESC}]8;;javascript:alert(1)\x07click${ESC}]8;;\x07 ${ESC}]8;;data:text/html,x\x07click${ESC}]8;;\x07`,
  `${ESC}]8;;https://a.example/"onmouseover="alert(1)\x07click${ESC}]8;;\x07`,
  `${ESC}]0;title\x07${ESC}]52;c;ZXZpbA==\x07${ESC}]1337;File=:AAAA\x07${ESC}Pq#0${ESC}\\`,
  `${ESC}[31;<b>m ${ESC}[ ${ESC} ${ESC}]8;;http://a.example/`,
  Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 0xe2, 0x82, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80),
  "a\0b\x08\x7f\x01c",
  "user\u202e\u2066// admin\u2069\u2066 only\u2069\ufeff\u200f",
  `::error file=${EVIL},title=${EVIL}::${EVIL}`,
  `##[group]${EVIL}`,
  `${ESC}[0Ksection_start:1:a.b[collapsed=true]\r${ESC}[0K${EVIL}`,
  "::endgroup::",
];
const hostile = lines.flatMap((line) => [
  line,
  Buffer.concat([Buffer.from("::group::"), Buffer.from(line)]),
  Buffer.concat([Buffer.from("ERROR: "), Buffer.from(line)]),
  "::endgroup::",
]);

async function pageOf(log: readonly (string | Uint8Array)[], query = "", state: "whole" | "open" = "whole") {
  const archive = new ArchiveFixture();
  const containers = [{ title: "s", lines: log, state, everyMs: 0 }];
  await archive.run({ name: "hostile", ...(state === "whole" && { took: 60 }), tasks: [{ name: "t", containers }] });
  const app = appOver(archive.store);
  return { app, ...(await get(app, `${RUN}${query}`)) };
}
const rowsIn = (body: string) => /<div class="log[\s\S]*<\/div><\/div>\n<\/section>/.exec(body)?.[0] ?? "";

/** All that the rows of a log are made of. */
const KNOWN =
  /<\/?(?:div|details|summary|section|form|button|i|b|p|small|time|span|label|mark)>|<(?:div|span|p|summary) class="[\w -]+"(?: id="L?\w+")?(?: role="\w+")?>|<div class="log(?: d4)?" tabindex="0" role="region" aria-label="Lines 1 to \d+">|<div class="g" id="L\d+">|<details data-fold="\d+"(?: open)?>|<\/a>|<a href="#L\d+"(?: autofocus)?>|<a class="\w+" href="\/namespaces\/[\w/.?=&;-]*">|<a(?: rel="next")? href="\?[\w=&;#-]*">|<a href="(?:https?:\/\/|mailto:)[^"<>]+" rel="noopener nofollow">|<i title="\w+">|<time datetime="[\w:.-]+">|<form method="get">|<label for="goto">|<input [\w ="-]+>|<span id="\w+">/g;

describe.each(["whole", "open"] as const)("a hostile log that is %s", (state) => {
  test.each(["", "?severity=error", "?folds=buildkite", "?line=3", "?fragment=rows"])(
    "is text and nothing else: %s",
    async (query) => {
      const { status, body } = await pageOf(hostile, query, state);
      expect(status).toBe(200);
      const html = query === "?fragment=rows" ? body : rowsIn(body);
      expect(html.length).toBeGreaterThan(1_000);
      const rest = (
        query === "?fragment=rows" ? html.replaceAll(/<div class="finds live[\s\S]*$/g, "") : html
      ).replaceAll(KNOWN, "");
      expect([...rest.matchAll(/.{0,60}[<>].{0,60}/g)].map(([tag]) => tag)).toEqual([]);
      // None of what hides or turns text, and no control but the newline.
      expect(/[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.exec(html)?.[0]).toBe(
        undefined,
      );
    },
  );

  test("keeps its folds and rows closed off from the page", async () => {
    const { body } = await pageOf(hostile, "", state);
    for (const tag of ["div", "details", "summary", "span", "a", "section"])
      expect(body.split(`</${tag}>`).length, tag).toBe([...body.matchAll(new RegExp(`<${tag}[ >]`, "g"))].length + 1);
  });
});

test("what would turn text is shown by its number, the text beside it stays", async () => {
  const { body } = await pageOf(["user\u202e\u2066// admin"]);
  expect(body).toContain("user⟨U+202E⟩⟨U+2066⟩// admin");
});

test("the text of a log keeps every byte", async () => {
  const { app } = await pageOf(hostile);
  const response = await app.request(`${RUN}.txt?timestamps=false`);
  expect(response.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
  const expected = Buffer.concat(hostile.map((line) => Buffer.concat([Buffer.from(line), Buffer.from("\n")])));
  expect(Buffer.from(await response.arrayBuffer()).equals(expected)).toBe(true);
});

describe("bombs", () => {
  const bombs: [string, (size: number) => string[]][] = [
    ["changes of colour on one line", (size) => [`${ESC}[31mx${ESC}[0my`.repeat(size)]],
    ["a long line", (size) => ["x".repeat(10 * size)]],
    ["a long title", (size) => [`::group::${"x".repeat(10 * size)}`, "y"]],
    ["nested groups", (size) => Array.from({ length: size }, () => "::group::g")],
    ["nested sections", (size) => Array.from({ length: size }, (_, i) => `section_start:1:s${i}\r`)],
    ["sections on one line", (size) => [Array.from({ length: size }, (_, i) => `section_start:1:s${i}\r`).join("")]],
    ["ends", (size) => Array.from({ length: size }, () => "::endgroup::")],
    ["errors", (size) => Array.from({ length: size }, () => "ERROR x")],
  ];
  /** Milliseconds of the processor; the log is written beforehand. */
  async function spent(log: readonly string[], query: string): Promise<number> {
    const { app } = await pageOf(log);
    let least = Number.POSITIVE_INFINITY;
    for (let trial = 0; trial < 2; trial++) {
      const before = process.cpuUsage();
      const { status, body } = await get(app, `${RUN}${query}`);
      const { user, system } = process.cpuUsage(before);
      expect(status).toBe(200);
      expect(body.length).toBeLessThan(3_000_000);
      least = Math.min(least, (user + system) / 1_000);
    }
    return least;
  }

  test.each(bombs)("twice as many take no more than about twice the time: %s", { timeout: 60_000 }, async (_, bomb) => {
    for (const query of ["?tail=500", "?severity=error"]) {
      const once = await spent(bomb(8_000), query);
      expect(await spent(bomb(16_000), query), `${query}: ${once} ms for the half`).toBeLessThan(3 * once + 50);
    }
  });

  test.each(bombs)("a hundred thousand, a million make a page: %s", { timeout: 60_000 }, async (name, bomb) => {
    const size = name === "changes of colour on one line" || name === "a long line" ? 1_000_000 : 100_000;
    expect(await spent(bomb(size), "?tail=500")).toBeLessThan(3_000);
  });
});
