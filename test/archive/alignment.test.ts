import { describe, expect, test } from "vitest";
import { Alignment, replayFrom } from "../../archive/alignment.ts";
import { Window } from "../../archive/window.ts";
import fc from "../property.ts";

const at = (ms: number) =>
  `2026-07-30T10:00:${String(Math.floor(ms / 1000)).padStart(2, "0")}.${String(ms % 1000).padStart(3, "0")}000000Z`;
const line = (ms: number, text: string) => `${at(ms)} ${text}\n`;

function windowOf(text: string, size = Number.POSITIVE_INFINITY) {
  const window = new Window();
  for (let start = 0; start < text.length; start += size) window.push(Buffer.from(text.slice(start, start + size)));
  return window;
}
const marksOf = (text: string) => windowOf(text).marks();

/** What an alignment of `replay`, in pieces of `size`, gives behind `committed`. */
function align(committed: string, replay: string, size = 7) {
  const alignment = new Alignment(marksOf(committed));
  // A parser never cuts inside a time: the first piece holds one.
  const cuts = [0, 40, ...Array.from({ length: replay.length }, (_, i) => 40 + (i + 1) * size)];
  let type = "none";
  let text = "";
  for (let i = 0; i + 1 < cuts.length && (cuts[i] as number) < replay.length; i++) {
    const piece = lineSafe(replay, cuts[i] as number, cuts[i + 1] as number);
    if (type !== "none") text += piece;
    else {
      const aligned = alignment.push(Buffer.from(piece));
      if (aligned) [type, text] = [aligned.type, aligned.text.toString()];
    }
  }
  if (type === "none") {
    const aligned = alignment.settle(true);
    if (aligned) [type, text] = [aligned.type, aligned.text.toString()];
  }
  return { type, text };
}

/** Moves both cuts behind the time that they would fall into. */
function lineSafe(text: string, from: number, to: number): string {
  const safe = (cut: number) => {
    const start = text.lastIndexOf("\n", cut - 1) + 1;
    return cut - start < 31 && cut !== start ? Math.min(start + 31, text.length) : cut;
  };
  return text.slice(safe(Math.min(from, text.length)), safe(Math.min(to, text.length)));
}

const a = line(1000, "a");
const b = line(1500, "b");
const c = line(2100, "c");
const same = line(1500, "same");

describe("inside a line that goes on for longer than a file", () => {
  const words = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `${String(from + i).padStart(8, "0")} `).join("");
  const long = `${at(1500)} ${words(0, 100_000)}`;
  /** As the parser gives it: in pieces where a line is long. */
  const aligned = (committed: string, replay: string) => {
    const window = windowOf(committed, 65_536);
    const alignment = new Alignment(window.marks(), undefined, { tail: window.tail });
    for (let start = 0; start < replay.length; start += 65_537) {
      const found = alignment.push(Buffer.from(replay.slice(start, start + 65_537)));
      if (found) return { type: found.type, text: found.text.toString() + replay.slice(start + 65_537) };
    }
    const found = alignment.settle(true);
    return found && { type: found.type, text: found.text.toString() };
  };

  test("the place is found where the line has not ended", () => {
    const file = `${at(9000)} ${words(60_000, 130_000)}`;
    expect(aligned(a + long, file)).toEqual({ type: "continuous", text: words(100_000, 130_000) });
    expect(aligned(a + long, `${file}\n${line(9100, "c")}`)).toEqual({
      type: "continuous",
      text: `${words(100_000, 130_000)}\n${line(9100, "c")}`,
    });
  });

  test("and where it has ended", () => {
    const end = `${at(9000)} ${words(90_000, 100_000)}\n`;
    expect(aligned(`${a}${long}\n`, end)).toEqual({ type: "continuous", text: "" });
    expect(aligned(`${a}${long}\n`, end + line(9100, "c"))).toEqual({ type: "continuous", text: line(9100, "c") });
  });

  test("a line that is like it, and as long, is another one", () => {
    const again = `${at(9000)} ${words(0, 100_000)}\n`;
    expect(aligned(`${a}${long}\n`, again)).toEqual({ type: "broken", text: again });
  });

  test("what ends alike in little only is another one", () => {
    const other = `${at(9000)} ${words(0, 10)}${words(99_000, 100_000)}\n`;
    expect(aligned(`${a}${long}\n`, other)).toEqual({ type: "broken", text: other });
  });

  test("a file that begins behind it shows that something is missing", () => {
    const file = `${at(9000)} ${words(100_001, 130_000)}\n`;
    expect(aligned(a + long, file)).toEqual({ type: "broken", text: file });
    expect(aligned(`${a}${long}\n`, file)).toEqual({ type: "broken", text: file });
  });

  describe("in a file that is too long to be kept", () => {
    const far = words(2_000_000, 4_000_000);
    const file = `${at(9000)} ${far}`;
    const missed = words(0, 1_000);

    test("the place is found all the same", () => {
      const rest = far.slice(-90);
      expect(aligned(`${a}${at(1500)} ${missed}${far.slice(0, -90)}`, `${file}\n`)).toEqual({
        type: "continuous",
        text: `${rest}\n`,
      });
      expect(aligned(`${a}${at(1500)} ${missed}${far}\n`, `${file}\n${c}`)).toEqual({ type: "continuous", text: c });
    });

    test("what does not have it is left out, and what comes then begins as a line does", () => {
      expect(aligned(a + long, `${file}\n${line(9100, "d")}`)).toEqual({ type: "broken", text: line(9100, "d") });
      expect(aligned(a + long, file)).toEqual({ type: "broken", text: `${at(9000)} ` });
    });
  });

  test("a replay from the line's beginning is compared as a whole", () => {
    expect(aligned(a + long, `${a + long}x\n`)).toEqual({ type: "continuous", text: "x\n" });
  });
});

test("a replay may begin with the end of a line, where the node began a file inside it", () => {
  const whole = line(1500, "a line that was cut");
  const end = line(1501, "was cut");
  expect(align(a + whole + c, end + c + line(2200, "d"))).toEqual({ type: "continuous", text: line(2200, "d") });
  // Elsewhere, or where it is not shorter and later, it is another line.
  expect(align(a + whole + b + c, a + end + b + c + line(2200, "d")).type).toBe("broken");
  expect(align(a + whole + c, line(1501, "something that is longer") + c + line(2200, "d")).type).toBe("broken");
});

describe("the replayed text behind what is committed", () => {
  test.each([
    ["follows the last line", a + b, a + b + c, "continuous", c],
    ["is nothing when nothing is new", a + b, a + b, "continuous", ""],
    ["is told by count among identical lines", a + same + same, a + same + same + same + c, "continuous", same + c],
    [
      "may be older than what is committed",
      a + c + b,
      a + c + b + line(1200, "late"),
      "continuous",
      line(1200, "late"),
    ],
    ["follows when the replay begins later", a + b, b + c, "continuous", c],
    ["is broken off when the last line does not come back", a + b, c + line(9000, "d"), "broken", c + line(9000, "d")],
    ["is broken off for the same time with other text", a + line(1500, "x"), a + b + c, "broken", c],
  ])("%s", (_, committed, replay, type, text) => {
    for (const size of [1, 7, 1000]) expect(align(committed, replay, size)).toEqual({ type, text });
  });

  test("goes on inside a line", () => {
    const whole = line(1500, "0123456789");
    expect(align(a + whole.slice(0, 35), a + whole + c)).toEqual({ type: "continuous", text: whole.slice(35) + c });
    expect(align(a + whole.slice(0, 35), a + line(1500, "9876543210") + c).type).toBe("broken");
  });

  test("is undecided while the replay holds nothing new", () => {
    const alignment = new Alignment(marksOf(a + b));
    expect(alignment.push(Buffer.from(a))).toBeUndefined();
    expect(alignment.settle(true)).toBeUndefined();
  });

  test("is exact for any log, cut anywhere, replayed from any second", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.constantFrom("x", "y", "")), {
          minLength: 2,
          maxLength: 40,
        }),
        fc.nat(),
        (entries, cut) => {
          const lines = entries.map(([ms, text]) => line(ms, text));
          const n = 1 + (cut % (lines.length - 1));
          const committed = lines.slice(0, n).join("");
          const since = (replayFrom(marksOf(committed)) as string).slice(0, 19);
          // Kubernetes leaves out what is older than the second, wherever it stands.
          const replayed = lines.filter((text) => text.slice(0, 19) >= since);
          const newer = lines.slice(n).filter((text) => text.slice(0, 19) >= since);
          expect(align(committed, replayed.join(""), 1000)).toEqual({ type: "continuous", text: newer.join("") });
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
