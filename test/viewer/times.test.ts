import { beforeAll, describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";
import { GrowingRun } from "./live/growing-run.ts";

const archive = new ArchiveFixture();
const PATH = "/namespaces/tekton-ci/pipelineruns/r.txt?timestamps=false&pipelineTask=t";
const app = appOver(archive.store);

/** `a` has a line each second from 09:46:12 on; in `back` the clock is set back by an hour after the third line. */
beforeAll(async () => {
  const lines = Array.from({ length: 100 }, (_, i) => `${i + 1}`);
  const containers = [
    { title: "a", lines },
    { title: "back", lines: [], state: "open" as const },
  ];
  const record = await archive.run({ name: "r", tasks: [{ name: "t", containers }] });
  const writer = archive.growing.get("r/t/back");
  if (!writer) throw new Error("the fixture has changed");
  const start = Date.parse("2026-07-30T10:00:00Z");
  for (let i = 0; i < 6; i++) {
    writer.append(stored(`${i + 1}`, start + i * 1_000 - (i < 3 ? 0 : 3_600_000)));
    await writer.flush();
  }
  const container = record.tasks[0]?.attempts[0]?.containers[1];
  if (container) container.log = await writer.finish({ state: "whole" });
  await archive.finalize(record);
});

const lines = async (query: string): Promise<string> =>
  (await get(app, PATH + query)).body.trimEnd().replaceAll("\n", " ");

describe("since and until", () => {
  test.each([
    ["&since=2026-07-30T09:46:14Z&until=2026-07-30T09:46:16Z", "3 4 5"],
    ["&since=2026-07-30T09:46:13.500Z&until=2026-07-30T09:46:15.999Z", "3 4"],
    ["&since=2026-07-30T11:46:14%2B02:00&until=2026-07-30T09:46:14Z", "3"],
    ["&until=2026-07-30T09:46:14Z", "1 2 3"],
    ["&since=3s", "97 98 99 100"],
    ["&since=3s&until=2s", "97 98"],
    ["&until=97s", "1 2 3"],
    ["&since=2026-07-30T09:46:12Z&until=98s", "1 2"],
    ["&since=10s&tail=2", "99 100"],
    ["&until=97s&tail=2", "2 3"],
    ["&since=5d", Array.from({ length: 100 }, (_, i) => i + 1).join(" ")],
    ["&since=2026-07-30T12:00:00Z", ""],
    ["&until=2026-07-30T08:00:00Z", ""],
    ["&until=5d", ""],
  ])("%s is %s", async (query, expected) => {
    expect(await lines(`&step=a${query}`)).toBe(expected);
  });

  test("tell which lines they are", async () => {
    const { headers } = await get(app, `${PATH}&step=a&since=2026-07-30T09:46:14Z&until=2026-07-30T09:46:16Z`);
    expect([headers.get("X-Log-Range"), headers.get("X-Log-Times")]).toEqual(["3-5", null]);
    expect((await get(app, `${PATH}&step=a&since=2026-07-30T12:00:00Z`)).headers.get("X-Log-Range")).toBe("none");
  });

  test.each([
    ["&since=2026-07-30T10:00:01Z", "2 3 4 5 6"],
    ["&until=2026-07-30T09:00:04Z", ""],
    ["&since=2026-07-30T09:00:04Z&until=2026-07-30T10:00:01Z", "1 2"],
  ])("where a clock was set back, %s is what lies between: %s", async (query, expected) => {
    expect(await lines(`&step=back${query}`)).toBe(expected);
    expect((await get(app, `${PATH}&step=back${query}`)).headers.get("X-Log-Times")).toMatch(/^not in order/);
  });

  test("count back from now while a log grows", async () => {
    const run = await GrowingRun.open(5, { now: () => new Date("2026-07-30T09:46:26Z") });
    const { body } = await get(run.app, "/namespaces/tekton-ci/pipelineruns/r.txt?step=s&since=11s&timestamps=false");
    expect(body).toBe("line 4\nline 5\n");
  });

  test.each([
    ["&since=yesterday", "since is an RFC 3339 time or how long ago"],
    ["&until=-5m", "until is an RFC 3339 time or how long ago"],
    ["&since=1m&until=2m", "since is later than until"],
    ["&since=2026-07-30T09:46:20Z&until=2026-07-30T09:46:10Z", "since is later than until"],
    ["&since=2026-07-30T09:47:40Z&until=1m", "since is later than until"],
    ["&since=1m&lines=1-2", "lines and times exclude each other"],
    ["&follow=true&until=1m", "leave out until"],
    ["&follow=perhaps", "follow is true or false"],
  ])("%s is 400: %s", async (query, words) => {
    const { status, body } = await get(app, `${PATH}&step=a${query}`);
    expect([status, body]).toEqual([400, expect.stringContaining(words)]);
  });

  test("are for one log", async () => {
    const { status, body } = await get(app, "/namespaces/tekton-ci/pipelineruns/r.txt?since=1m");
    expect([status, body]).toEqual([400, expect.stringContaining("?pipelineTask=build&step=test")]);
  });
});
