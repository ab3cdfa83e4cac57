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

/** Around the wheel, in steps of 60 degrees from red on. */
const HUES = [1, 3, 2, 6, 4, 5] as const;
/** From dark to light, each up to a share of white. */
const GREYS: readonly [upTo: number, colour: number][] = [
  [0.25, 0],
  [0.65, 8],
  [0.95, 7],
  [1, 15],
];
/** Of a colour's strongest part: what is paler is grey. */
const LEAST_SATURATION = 0.25;
/** Of 255: xterm's plain colours are up to 238 strong, its bright ones 255. */
const BRIGHT = 240;

/** Of the 256: 0-15 are the sixteen, then a cube of 6×6×6 and 24 greys. */
export function fromPalette(n: number): number | undefined {
  if (!(n >= 0 && n <= 255)) return undefined;
  if (n < 16) return n;
  const hex = /#(..)(..)(..)/.exec(exact.toHtml(`\x1b[38;5;${n}mx`));
  return hex ? ofSixteen([hexNumber(hex[1]), hexNumber(hex[2]), hexNumber(hex[3])]) : undefined;
}

const hexNumber = (text = "0"): number => Number.parseInt(text, 16);

/**
 * The number of the one of the sixteen that stands for a colour: the only ones that are readable in both themes. The hue
 * decides, since that is what a tool means by a colour: the nearest one in numbers is grey for most of them.
 */
export function ofSixteen([r, g, b]: Rgb): number {
  const strongest = Math.max(r, g, b);
  const spread = strongest - Math.min(r, g, b);
  if (!(spread > LEAST_SATURATION * strongest)) {
    return GREYS.find(([upTo]) => strongest <= upTo * 255)?.[1] ?? 15;
  }
  const turn = strongest === r ? (g - b) / spread : strongest === g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
  const hue = HUES[(Math.round(turn) + HUES.length) % HUES.length] as number;
  return strongest >= BRIGHT ? hue + 8 : hue;
}
