import { expect, test } from "vitest";
import { RUN, STEP, searchedRun, storedLine } from "./fixture.ts";

const { get } = searchedRun();
const needles = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000];
const bare = (line: string) => line.slice(31);

test("the lines with hits, as they are stored", async () => {
  const { status, type, body } = await get(`${STEP}&grep=needle&format=text`);
  expect(status).toBe(200);
  expect(type).toBe("text/plain; charset=utf-8");
  expect(body).toBe(needles.map(storedLine).join(""));
});

test.each([
  ["without times", "grep=needle&timestamps=false", needles.map((n) => bare(storedLine(n))).join("")],
  ["with numbers", "grep=Needle&numbers=true", needles.map((n) => `${n}:${storedLine(n)}`).join("")],
  ["an expression", "grep=line+[12]0000$&regex=true", [10_000, 20_000].map(storedLine).join("")],
  ["no hits", "grep=nothing", ""],
  ["smart case", "grep=NEEDLE", ""],
  ["case=false", "grep=NEEDLE&case=false", needles.map(storedLine).join("")],
  [
    "context, also over frames",
    "grep=needle&context=1&numbers=true&timestamps=false",
    needles
      .map((n) =>
        [n - 1, n, n + 1]
          .filter((line) => line <= 60_000)
          .map((line) => `${line}${line === n ? ":" : "-"}${bare(storedLine(line))}`)
          .join(""),
      )
      .join("--\n"),
  ],
])("%s", async (_, query, expected) => {
  expect((await get(`${STEP}&format=text&${query}`)).body).toBe(expected);
});

test("groups that touch are one", async () => {
  const { body } = await get(
    `${STEP}&format=text&grep=line+(10|12)+&regex=true&context=1&numbers=true&timestamps=false`,
  );
  expect(body.split("\n").map((line) => /^\d+[:-]/.exec(line)?.[0])).toEqual([
    "9-",
    "10:",
    "11-",
    "12:",
    "13-",
    undefined,
  ]);
});

test("all steps of a run, with their names; sidecars too if all is asked for", async () => {
  const { body } = await get(`${RUN}?grep=needle&format=text`);
  const lines = body.trimEnd().split("\n");
  expect(lines).toHaveLength(7);
  expect(lines[0]).toBe(`[build : make] ${bare(storedLine(10_000)).trimEnd()}`);
  expect(lines[6]).toBe("[test : unit] not ok: a needle <b>");
  expect((await get(`${RUN}.txt?grep=needle&all=true`)).body).toContain("[test : proxy] needle of a sidecar\n");
});

test("curl gets text without asking", async () => {
  const { body } = await get(`${STEP}&grep=needle`, { "User-Agent": "curl/8", Accept: "*/*" });
  expect(body).toBe(needles.map(storedLine).join(""));
});

test.each([
  ["grep=a&lines=1-2", "leave out lines and tail"],
  ["grep=(&regex=true", "missing closing )"],
  ["grep=ab[z-a]&regex=true", "at character 4, “z-a”"],
  ["grep=(?=a)&regex=true", "without look-around"],
  ["grep=a{1000}{1000}&regex=true", "cannot be understood"],
  ["grep=(a{500}b{500}){1}&regex=true", "too large"],
  ["grep=a%0Ab", "no line break"],
  ["grep=a&context=1001", "at most 1000"],
  ["grep=a&hit=0", "from 1"],
  ["grep=a&regex=maybe", "true or false"],
  [`grep=${"x".repeat(10_000)}`, "The value of grep is longer than the 512 characters"],
  ["format=pdf", "html, text, json"],
])("%s is 400 with the reason, as text where text was asked for", async (query, reason) => {
  const { status, type, body } = await get(`${STEP}&${query}${query.startsWith("format") ? "" : "&format=text"}`);
  expect(status).toBe(400);
  expect(type).toMatch(query.startsWith("format") ? /html/ : /^text\/plain/);
  expect(body).toContain(reason);
});
