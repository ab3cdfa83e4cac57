import { describe, expect, test } from "vitest";
import type { ContainerView } from "../../collector/follow/container-view.ts";
import { Lateness } from "../../collector/follow/lateness.ts";

const START = Date.parse("2026-07-30T10:00:00Z");
const at = (ms: number) => new Date(START + ms).toISOString();
const running: ContainerView = { phase: "running", startedAt: at(0) };
const ended = (ms: number): ContainerView => ({
  phase: "terminated",
  previous: false,
  terminated: { exitCode: 0, startedAt: at(0), finishedAt: at(ms) },
});
const ns = (ms: number) => BigInt(START + ms) * 1_000_000n;

describe("the first line is expected", () => {
  test.each([
    ["whenever it comes, if reading began in time", running, undefined, 4_000, undefined],
    ["soon after the container's start, if reading began late", running, undefined, 9_000, ns(1_500)],
    ["soon after the step before has ended", running, at(8_000), 30_000, ns(9_500)],
    ["whenever it comes, if the step has only just begun", running, at(28_000), 30_000, undefined],
    ["soon after the start of a container that has ended", ended(60_000), undefined, 90_000, ns(1_500)],
    ["whenever it comes, if nobody says when it started", { phase: "running" } as const, undefined, 9_000, undefined],
  ])("%s", (_, view, begun, now, expected) => {
    expect(new Lateness(5_000, 1_500).expectedBy(view, begun, START + now)).toBe(expected);
  });

  test("soon after the last stream was cut, which had been there in time", () => {
    const lateness = new Lateness(5_000, 1_500);
    lateness.read(START + 60_000);
    expect(lateness.expectedBy(running, undefined, START + 62_000)).toBeUndefined();
    expect(lateness.expectedBy(running, undefined, START + 70_000)).toBe(ns(61_500));
  });
});

test("an empty log is doubted if its container ran on unread for long enough to be rotated", () => {
  for (const [expectedBy, finished, doubts] of [
    [undefined, 60_000, false],
    [ns(5_000), 4_000, false],
    [ns(5_000), 60_000, true],
  ] as const) {
    const lateness = new Lateness(5_000, 1_500);
    lateness.answered(expectedBy);
    lateness.answered(ns(1));
    expect(lateness.doubtsEmpty(ended(finished))).toBe(doubts);
  }
});
