import { expect, test } from "vitest";
import { withoutEscapes } from "../../../viewer/grep/escapes.ts";
import fc from "../../property.ts";
import { expectLinear } from "../terminal/growth.ts";

/** The same in one expression. */
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_](?:[^\x07\x1b\n]*(?:\x07|\x1b\\))?|[ -/]*[0-~]?)/g;

const part = fc.oneof(
  fc.constantFrom(
    "\x1b",
    "\x1b[",
    "\x1b]",
    "\x1b\\",
    "\x07",
    "\n",
    "\x1b[31m",
    "\x1b[0K",
    "\x1b]8;;https://a.example\x07",
  ),
  fc.constantFrom("P", "X", "0;1", " ", "(B", "m", "word ".repeat(20), "\x00", "\xff"),
  fc.string({ maxLength: 4 }),
);

test("all sequences go, and nothing else, and no line", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const text = Buffer.from(parts.join(""), "latin1").toString("latin1");
      const bytes = Buffer.from(text, "latin1");
      const bare = text.replace(SEQUENCE, "");
      const isLost =
        text !== "" && text.includes("\x1b") && !text.endsWith("\n") && (bare === "" || bare.endsWith("\n"));
      const expected = isLost ? `${bare}\n` : bare;
      expect(withoutEscapes(bytes).toString("latin1")).toBe(expected);
      expect(bytes.toString("latin1")).toBe(text);
      expect(withoutEscapes(bytes, true).toString("latin1")).toBe(expected);
    }),
    { numRuns: 3_000 },
  );
});

test.each(["\x1b", "\x1b]", "\x1b[", "\x1b]8;;x", "\x1b[31mx"])("many of %j cost no more than their bytes", (bait) => {
  expectLinear((length) => void withoutEscapes(Buffer.from(bait.repeat(length / bait.length))), 100_000);
});
