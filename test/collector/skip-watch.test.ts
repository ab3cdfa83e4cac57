import { expect, test } from "vitest";
import { SkipWatch } from "../../collector/follow/skip-watch.ts";

const START = Date.parse("2026-07-30T10:00:00Z");
const lines = (...seconds: number[]) =>
  seconds.map((s) => `${new Date(START + s * 1000).toISOString().replace("Z", "000000Z")} line\n`);

const LINE_BYTES = lines(0).join("").length;

/** Pieces of text with the second at which each arrives; what is given back is where a leap ends: [piece, line]. */
function leaps(...pieces: [arrives: number, ...printed: number[]][]): [number, number][] {
  const watch = new SkipWatch(5_000);
  const found: [number, number][] = [];
  for (const [piece, [arrives, ...printed]] of pieces.entries()) {
    const at = watch.look(Buffer.from(lines(...printed).join("")), START + arrives * 1000, false);
    if (at !== undefined) found.push([piece, at / LINE_BYTES]);
  }
  return found;
}

test.each([
  [
    "lines that come late and leap",
    [
      [0, 0],
      [12, 1],
      [12, 14],
    ],
    [[2, 0]],
  ],
  [
    "the same within one piece",
    [
      [0, 0],
      [12, 1, 2, 14, 15],
    ],
    [[1, 2]],
  ],
  [
    "a pause of the program, read at once",
    [
      [0, 0],
      [1, 1],
      [14, 14],
    ],
    [],
  ],
  [
    "lines that come late without a leap",
    [
      [0, 0],
      [12, 1, 2, 3, 4],
      [13, 5, 6, 7, 8],
    ],
    [],
  ],
  [
    "an old log with pauses, read from its beginning",
    [
      [1000, 0, 10, 20, 40],
      [1001, 60, 90],
    ],
    [],
  ],
  [
    "a clock that is an hour behind",
    [
      [3600, 0],
      [3601, 1],
      [3614, 14],
    ],
    [],
  ],
] as [string, [number, ...number[]][], [number, number][]][])("%s", (_, pieces, expected) => {
  expect(leaps(...pieces)).toEqual(expected);
});
