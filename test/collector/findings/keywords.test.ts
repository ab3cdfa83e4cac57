import { expect, test } from "vitest";
import { Keywords } from "../../../collector/findings/keywords.ts";
import fc from "../../property.ts";

/** Few letters, so that words overlap, repeat and nearly match. */
const word = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom("a", "b", " ", "é"), minLength, maxLength });

test("finds what stands between two places, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(word(4, 7), { minLength: 1, maxLength: 12 }),
      word(0, 60),
      fc.nat(70),
      fc.nat(70),
      (words, text, from, length) => {
        const keywords = new Keywords(new Map(words.map((own, at) => [own, [at]])));
        const bytes = Buffer.from(text);
        const to = Math.min(bytes.byteLength, from + length);
        const found = new Set<number>();
        keywords.find(bytes, from, to, found);
        const part = bytes.subarray(from, to);
        const wanted = words.map((own, at) => (part.includes(Buffer.from(own)) ? at : -1)).filter((at) => at !== -1);
        expect([...found].sort((a, b) => a - b)).toEqual(wanted);
      },
    ),
    { numRuns: 500 },
  );
});

test("a word may stand for several things", () => {
  const found = new Set<number>();
  new Keywords(new Map([["error", [1, 7]]])).find(Buffer.from("an error"), 0, 8, found);
  expect([...found]).toEqual([1, 7]);
});

test("a word of three bytes is refused", () => {
  expect(() => new Keywords(new Map([["err", [1]]]))).toThrow(RangeError);
});
