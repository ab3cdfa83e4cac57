import { expect, test } from "vitest";
import { ago, between, count, dateTime, duration, preciseDuration, shortDuration, size } from "../../viewer/time.ts";

test.each([
  [0, "under 1 s", "0s"],
  [999, "under 1 s", "0s"],
  [11_400, "11 s", "11s"],
  [1_426_000, "23 m 46 s", "23m 46s"],
  [62_000, "1 m 02 s", "1m 02s"],
  [7_500_000, "2 h 05 m", "2h 05m"],
  [90_000_000, "1 d 01 h", "1d 01h"],
])("%i ms", (ms, long, short) => {
  expect(duration(ms)).toBe(long);
  expect(shortDuration(ms)).toBe(short);
});

test("short stretches are told precisely", () => {
  expect(preciseDuration(3_020)).toBe("3.02 s");
  expect(preciseDuration(47_100)).toBe("47 s");
});

test("what lies between two times", () => {
  expect(between("2026-07-30T10:00:00Z", "2026-07-30T12:00:01+02:00")).toBe(1_000);
  expect(between("2026-07-30T10:00:01Z", "2026-07-30T10:00:00Z")).toBe(0);
  expect(between(undefined, "2026-07-30T10:00:00Z")).toBeUndefined();
  expect(between("nonsense", "2026-07-30T10:00:00Z")).toBeUndefined();
});

test("times are shown in UTC", () => {
  expect(dateTime("2026-07-30T12:03:31+02:00")).toBe("30 Jul 2026, 10:03 UTC");
  expect(dateTime("nonsense")).toBe("nonsense");
});

test.each([
  ["2026-07-30T13:21:30Z", "just now"],
  ["2026-07-30T13:17:00Z", "4 min ago"],
  ["2026-07-30T02:00:00Z", "11 h ago"],
  ["2026-07-04T02:00:00Z", "4 Jul"],
  ["2025-07-04T02:00:00Z", "4 Jul 2025"],
])("%s was %s", (time, words) => {
  expect(ago(time, new Date("2026-07-30T13:21:48Z"))).toBe(words);
});

test("numbers", () => {
  expect(count(1_204_551)).toBe("1,204,551");
  expect(count(999)).toBe("999");
  expect([size(0), size(999), size(1_000), size(612_300), size(148_000_000), size(2.5e12)]).toEqual([
    "0 B",
    "999 B",
    "1.0 KB",
    "612 KB",
    "148 MB",
    "2.5 TB",
  ]);
});
