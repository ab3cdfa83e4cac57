import { describe, expect, test } from "vitest";
import { checkOrder, parseMoment, timeOf } from "../../viewer/moment.ts";

const END = "2026-07-30T10:00:00.500Z";

describe("a moment", () => {
  test.each([
    ["2026-07-30T09:59:59Z", "2026-07-30T09:59:59Z"],
    ["2026-07-30T09:59Z", "2026-07-30T09:59:00Z"],
    ["2026-07-30T11:59:59.123456789+02:00", "2026-07-30T11:59:59.123456789+02:00"],
    ["10m", "2026-07-30T09:50:00.500Z"],
    ["1h30m", "2026-07-30T08:30:00.500Z"],
    ["48h", "2026-07-28T10:00:00.500Z"],
    ["2d", "2026-07-28T10:00:00.500Z"],
    ["1.5s", "2026-07-30T09:59:59.000Z"],
    ["250ms", "2026-07-30T10:00:00.250Z"],
    ["0s", END],
    ["999999999d", "1970-01-01T00:00:00.000Z"],
  ])("%s", (text, time) => {
    expect(timeOf(parseMoment("since", text), END)).toBe(time);
  });

  test.each([
    "10",
    "-10m",
    "10 m",
    "m",
    "10y",
    "1e9s",
    "yesterday",
    "2026-13-30T09:59:59Z",
    "2026-07-30",
    "9999999999s",
  ])("%s is none", (text) => {
    expect(() => parseMoment("since", text)).toThrow(/since is an RFC 3339 time/);
  });

  test.each([
    ["2026-07-30T10:00:00Z", "2026-07-30T09:00:00Z", true],
    ["2026-07-30T10:00:00Z", "2026-07-30T10:00:00Z", false],
    ["5m", "10m", true],
    ["10m", "5m", false],
    ["10m", "2026-07-30T09:00:00Z", false],
  ])("since=%s until=%s: reversed %s", (since, until, isReversed) => {
    const check = () => checkOrder(parseMoment("since", since), parseMoment("until", until));
    if (isReversed) expect(check).toThrow("since is later than until");
    else check();
  });
});
