/** bold, dim, italic, underlined, struck, inverse: the classes of style.css. */
type Flag = "ab" | "ad" | "ai" | "au" | "ax" | "av";

/** How text looks. `classes` says it all; the rest is what the next sequence builds upon. */
export type Style = { fg?: number; bg?: number; flags: readonly Flag[]; classes: readonly string[] };

export const DEFAULT_STYLE: Style = { flags: [], classes: [] };

const SET: Record<number, Flag> = { 1: "ab", 2: "ad", 3: "ai", 4: "au", 7: "av", 9: "ax", 21: "au" };
const UNSET: Record<number, readonly Flag[]> = { 22: ["ab", "ad"], 23: ["ai"], 24: ["au"], 27: ["av"], 29: ["ax"] };

/** Bounds the work for one sequence. */
const MAX_CODES = 64;

/** The style after an SGR sequence (`ESC [ … m`). Blinking and hiding are not obeyed: a log hides nothing. */
export function restyle(style: Style, parameters: string): Style {
  const codes = parameters.split(";", MAX_CODES).map((code) => code.split(":").map(Number));
  let { fg, bg, flags } = style;
  for (let i = 0; i < codes.length; i++) {
    const [code = 0, ...sub] = codes[i] as number[];
    const flag = SET[code];
    if (code === 0) [fg, bg, flags] = [undefined, undefined, []];
    else if (code === 38 || code === 48) {
      const { colour, used } = sub.length > 0 ? { ...extended(sub), used: 0 } : extended(following(codes, i));
      if (code === 38) fg = colour;
      else bg = colour;
      i += used;
    } else if (flag) flags = code === 4 && sub[0] === 0 ? without(flags, ["au"]) : [...without(flags, [flag]), flag];
    else if (UNSET[code]) flags = without(flags, UNSET[code]);
    else if (code === 39) fg = undefined;
    else if (code === 49) bg = undefined;
    else if (code >= 30 && code <= 37) fg = code - 30;
    else if (code >= 40 && code <= 47) bg = code - 40;
    else if (code >= 90 && code <= 97) fg = code - 82;
    else if (code >= 100 && code <= 107) bg = code - 92;
  }
  return styleOf(fg, bg, flags);
}

const without = (flags: readonly Flag[], gone: readonly Flag[]): Flag[] => flags.filter((flag) => !gone.includes(flag));
const following = (codes: number[][], i: number): number[] => codes.slice(i + 1, i + 5).map(([code]) => code ?? 0);

function styleOf(fg: number | undefined, bg: number | undefined, flags: readonly Flag[]): Style {
  // Grounds are tints: bright ones have the tint of their plain colour.
  const classes = [...(fg === undefined ? [] : [`a${fg}`]), ...(bg === undefined ? [] : [`b${bg % 8}`]), ...flags];
  if (classes.length === 0) return DEFAULT_STYLE;
  return { ...(fg !== undefined && { fg }), ...(bg !== undefined && { bg }), flags, classes };
}

/** What follows 38 or 48: `5;n` or `2;r;g;b`, with colons also `2:<space>:r:g:b`. `used` counts the codes. */
function extended([kind, ...rest]: number[]): { colour: number | undefined; used: number } {
  if (kind === 5) return { colour: fromPalette(rest[0] ?? 0), used: 2 };
  if (kind !== 2) return { colour: undefined, used: 0 };
  const [r = 0, g = 0, b = 0] = rest.length > 3 ? rest.slice(1) : rest;
  return { colour: nearest([r, g, b]), used: 4 };
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

/** 0-15 are the sixteen, then a cube of 6×6×6 and 24 greys. */
function fromPalette(n: number): number | undefined {
  if (!(n >= 0 && n <= 255)) return undefined;
  if (n < 16) return n;
  if (n >= 232) return nearest([8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)]);
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const cube = n - 16;
  return nearest([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function nearest(colour: Rgb): number {
  const distance = (other: Rgb) => other.reduce((sum, part, i) => sum + (part - (colour[i] ?? 0)) ** 2, 0);
  const distances = PALETTE.map(distance);
  return distances.indexOf(Math.min(...distances));
}
