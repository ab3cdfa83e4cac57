import { beforeAll, expect, test } from "vitest";
import { appOver, counting, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const LINES = 300_000;
const archive = new ArchiveFixture();
const RUN = "/namespaces/tekton-ci/pipelineruns/big";

beforeAll(async () => {
  const lines = Array.from({ length: LINES }, (_, i) => `line ${i + 1} of a build that says much`);
  const long = ["x".repeat(20_000), `\x1b[1m${"y".repeat(20_000)}`, "short"];
  await archive.run({
    name: "big",
    took: 400_000,
    tasks: [
      { name: "t", containers: [{ title: "a", lines }] },
      { name: "long", containers: [{ title: "a", lines: long }] },
      { name: "wide", containers: [{ title: "a", lines: Array.from({ length: 500 }, () => "<&".repeat(10_000)) }] },
    ],
  });
}, 60_000);

test.each([
  ["its beginning", "", "L1"],
  ["its end", "&tail=500", "L300000"],
  ["a line in the middle", "&line=123456", "L123456"],
  ["a range", "&line=200000-200100", "L200100"],
  ["a window", "&lines=99501-100000", "L99501"],
])("%s opens with two ranged reads of the log", async (_, query, row) => {
  const store = counting(archive.store);
  const { status, body } = await get(appOver(store), `${RUN}?pipelineTask=t&step=a${query}`);
  expect(status).toBe(200);
  expect(body).toContain(`id="${row}"`);
  expect(body.match(/class="r[ "]/g)?.length).toBeLessThanOrEqual(500);
  const ofLog = store.reads.filter(({ key }) => key.endsWith(".log.zst"));
  expect(ofLog.length).toBeLessThanOrEqual(2);
  expect(ofLog.every(({ length }) => length !== undefined && length < 1024 * 1024)).toBe(true);
});

test("a time opens with two reads more: it must be found first", async () => {
  const store = counting(archive.store);
  const { body } = await get(appOver(store), `${RUN}?pipelineTask=t&step=a&t=2026-07-31T20:00:00Z`);
  expect(body.match(/class="r s" id="L\d+"/g)).toEqual(['class="r s" id="L123229"']);
  expect(store.reads.filter(({ key }) => key.endsWith(".log.zst")).length).toBeLessThanOrEqual(4);
});

test("lines that are too long are cut, with a link to the whole", async () => {
  const { body } = await get(appOver(archive.store), `${RUN}?pipelineTask=long&step=a`);
  const cuts = [...body.matchAll(/<a class="cut" href="([^"]+)">… ([\d,]+) more bytes<\/a>/g)];
  expect(cuts.map(([, , bytes]) => bytes)).toEqual(["11,808", "11,812"]);
  const { body: text } = await get(appOver(archive.store), (cuts[0]?.[1] ?? "").replaceAll("&amp;", "&"));
  expect(text).toMatch(/^2026-\S+ x{20000}\n$/);
});

test("a page of long lines stays a page", async () => {
  const { body } = await get(appOver(archive.store), `${RUN}?pipelineTask=wide&step=a`);
  expect(body.match(/class="r[ "]/g)).toHaveLength(500);
  expect(body.length).toBeLessThan(8 * 1024 * 1024);
});
