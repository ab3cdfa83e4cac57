import { expect, test } from "vitest";
import { dayNs, timeLength } from "../../archive/line.ts";
import fc from "../property.ts";

const LINE = "2026-07-30T10:03:31.936986000Z a line";
const TIME = /^\d{4}-\d\d-\d\dT(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d) /;

/** In one expression, by the words of RFC 3339. */
function expected(line: string): number {
  const [, hours, minutes, seconds, fraction = ""] = TIME.exec(line) ?? [];
  if (hours === undefined) return -1;
  return (
    (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1e9 + Number(fraction.slice(0, 9).padEnd(9, "0"))
  );
}

test.each([
  LINE,
  "2026-07-30T10:03:31Z a line",
  "2026-07-30T10:03:31.9Z a line",
  "2026-07-30T10:03:31.936986123+02:00 a line",
  "2026-07-30T23:59:59.999999999Z ",
])("the nanoseconds of the day of %j", (line) => {
  expect(expected(line)).toBeGreaterThan(0);
  expect(dayNs(Buffer.from(line), 0)).toBe(expected(line));
  expect(dayNs(Buffer.from(`x\n${line}`), 2)).toBe(expected(line));
});

test("any byte in the place of any other: a time is a time, and nothing else is", () => {
  for (let at = 0; at < 31; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.from(LINE);
      bytes[at] = byte;
      expect(dayNs(bytes, 0), `${byte} at ${at}`).toBe(expected(bytes.toString("latin1")));
    }
  }
});

test("text that ends anywhere, or has anything in it, has the time that it begins with", () => {
  const part = fc.oneof(
    fc.constantFrom(LINE, "2026-07-30T10:03:31", ".936986000Z ", "Z ", " ", "9", "+02:00 "),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), fc.nat(40), (parts, length) => {
      const bytes = Buffer.from(parts.join(""), "latin1").subarray(0, length);
      const line = bytes.toString("latin1");
      expect(dayNs(bytes, 0)).toBe(timeLength(bytes, 0) === 0 ? -1 : expected(line));
    }),
    { numRuns: 3_000 },
  );
});
