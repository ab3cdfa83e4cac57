import { expect, test } from "vitest";
import { Junction } from "../../collector/follow/junction.ts";

const at = (ms: number) =>
  `2026-07-30T10:00:${String(Math.floor(ms / 1000)).padStart(2, "0")}.${String(ms % 1000).padStart(3, "0")}000000Z`;
const line = (ms: number, text: string) => `${at(ms)} ${text}\n`;
const [a, b, first, later] = [line(1_000, "a"), line(1_500, "b"), line(2_000, "first"), line(2_100, "later")];

/** What is taken of the first stream, given in these pieces, and how it came to an end. */
function join(pieces: string[]): { taken: string; end: string; leaveOut: number } {
  const junction = new Junction(Buffer.from(first + later));
  let taken = "";
  for (const piece of pieces) {
    const joined = junction.push(Buffer.from(piece));
    taken += joined.text.toString();
    if (joined.type === "passed") taken += junction.parts().before.toString();
    const leaveOut = joined.type === "met" ? joined.leaveOut : 0;
    if (joined.type !== "before") return { taken, end: joined.type, leaveOut };
  }
  return { taken: taken + junction.parts().before.toString(), end: "before", leaveOut: 0 };
}

test.each([
  ["stops before the other stream's first line", [a + b + first + later], a + b, "met"],
  ["finds it in a later piece", [a, b, first], a + b, "met"],
  ["is at it from the beginning", [first], "", "met"],
  ["goes on while there are only older lines", [a, b], a + b, "before"],
  [
    "passes over newer lines that stand before it",
    [a + line(2_050, "stderr"), first],
    a + line(2_050, "stderr"),
    "met",
  ],
  [
    "knows the line by its text, not by its time alone",
    [a + line(2_000, "other") + first],
    a + line(2_000, "other"),
    "met",
  ],
  ["takes no line that comes certainly later", [a + line(3_100, "later"), line(8_000, "far")], a, "passed"],
])("the first of two streams %s", (_, pieces, taken, end) => {
  expect(join(pieces)).toEqual({ taken, end, leaveOut: 0 });
});

const whole = line(1_900, "the whole line is first");
test.each([
  ["ends where it has that line", [a + whole + later], a + whole, "met", first.length],
  ["ends there also when the next line comes in a later piece", [a + whole, later], a + whole, "met", first.length],
  [
    "ends there also when the line came in pieces",
    [a + whole.slice(0, -4), "rst\n", later],
    a + whole,
    "met",
    first.length,
  ],
  ["prefers the line with its own time", [whole + first + later], whole, "met", 0],
  ["does not take another line for it", [a + later, line(8_000, "far")], a + later, "passed", 0],
])("where the other stream begins with a line's end, the first one %s", (_, pieces, taken, end, leaveOut) => {
  expect(join(pieces)).toEqual({ taken, end, leaveOut });
});
