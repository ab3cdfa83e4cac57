import Convert from "ansi-to-html";

/**
 * ansi-to-html is given nothing but one letter after colours of the sixteen, whose names in its palette are numbers:
 * its own reading of sequences backtracks without bound, and it writes style attributes, which the policy forbids.
 */
const named = new Convert({ colors: { ...Array.from({ length: 16 }, (_, i) => String(i)) } });
const exact = new Convert();

const TAGS: Record<string, string> = { b: "ab", i: "ai", u: "au", strike: "ax" };

/** The classes of style.css for SGR codes out of 1, 3, 4, 9, 30-37, 40-47, 90-97. */
export function classesOf(codes: readonly number[]): string[] {
  const markup = named.toHtml(`${codes.map((code) => `\x1b[${code}m`).join("")}x`);
  return [...markup.matchAll(/<(\w+)(?: style="(color|background-color):(\d+)")?>/g)].map(
    ([, tag = "", what, number]) => (what ? `${what === "color" ? "a" : "b"}${number}` : (TAGS[tag] ?? "")),
  );
}

type Rgb = readonly [r: number, g: number, b: number];

/** xterm's. */
const PALETTE: readonly Rgb[] = [
  [0, 0, 0],
  [205, 0, 0],
  [0, 205, 0],
  [205, 205, 0],
  [0, 0, 238],
  [205, 0, 205],
  [0, 205, 205],
  [229, 229, 229],
  [127, 127, 127],
  [255, 0, 0],
  [0, 255, 0],
  [255, 255, 0],
  [92, 92, 255],
  [255, 0, 255],
  [0, 255, 255],
  [255, 255, 255],
];

/** Of the 256: 0-15 are the sixteen, then a cube of 6×6×6 and 24 greys. */
export function fromPalette(n: number): number | undefined {
  if (!(n >= 0 && n <= 255)) return undefined;
  if (n < 16) return n;
  const hex = /#(..)(..)(..)/.exec(exact.toHtml(`\x1b[38;5;${n}mx`));
  return hex ? nearest([hexNumber(hex[1]), hexNumber(hex[2]), hexNumber(hex[3])]) : undefined;
}

const hexNumber = (text = "0"): number => Number.parseInt(text, 16);

/** The number of the most alike of the sixteen: the only ones that are readable in both themes. */
export function nearest(colour: Rgb): number {
  const distance = (other: Rgb) => other.reduce((sum, part, i) => sum + (part - (colour[i] ?? 0)) ** 2, 0);
  const distances = PALETTE.map(distance);
  return distances.indexOf(Math.min(...distances));
}
