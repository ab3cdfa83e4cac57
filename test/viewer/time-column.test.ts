import { expect, test } from "vitest";
import { isTimeMode, timeCell } from "../../viewer/time-column.ts";

const FIRST = "2026-07-30T10:00:00.000000000Z";

test.each([
  ["clock", "2026-07-30T10:03:31.936986000Z", undefined, "10:03:31.936", false],
  ["clock", "2026-07-30T12:03:31+02:00", undefined, "10:03:31.000", false],
  ["clock", "nonsense", undefined, "nonsense", false],
  ["off", "2026-07-30T10:03:31.936Z", undefined, "10:03:31.936", false],
  ["elapsed", "2026-07-30T10:00:00.042Z", undefined, "+0.042", false],
  ["elapsed", "2026-07-30T10:01:02.500Z", undefined, "+1:02.500", false],
  ["elapsed", "2026-07-30T13:00:00Z", undefined, "+3:00:00.000", false],
  // A clock that stepped back.
  ["elapsed", "2026-07-30T09:59:59Z", undefined, "−1.000", false],
  ["delta", "2026-07-30T10:00:01Z", "2026-07-30T10:00:00.100Z", "+0.900", false],
  ["delta", "2026-07-30T10:00:01Z", "2026-07-30T10:00:00Z", "+1.000", true],
  ["delta", "2026-07-30T10:00:01Z", undefined, "", false],
] as const)("%s of %s after %s is %s", (mode, time, before, text, isLag) =>
  expect(timeCell(mode, time, FIRST, before)).toEqual({ text, isLag }),
);

test("only its modes are modes", () => {
  expect(["off", "clock", "elapsed", "delta"].every(isTimeMode)).toBe(true);
  expect([null, undefined, "", "toString"].some(isTimeMode)).toBe(false);
});
