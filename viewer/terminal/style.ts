import { classesOf, fromPalette, ofSixteen } from "./colours.ts";

/** How text looks, and where it leads. Of one look there is one object, unless it leads somewhere. */
export type Style = {
  readonly fg: number | undefined;
  readonly bg: number | undefined;
  /** Bits of FLAGS. */
  readonly flags: number;
  /** The classes of style.css. */
  readonly classes: string;
  readonly href?: string;
};

export const DEFAULT_STYLE: Style = { fg: undefined, bg: undefined, flags: 0, classes: "" };

const [BOLD, DIM, ITALIC, UNDERLINED, STRUCK, INVERSE] = [1, 2, 4, 8, 16, 32];
const SET: Record<number, number> = {
  1: BOLD,
  2: DIM,
  3: ITALIC,
  4: UNDERLINED,
  7: INVERSE,
  9: STRUCK,
  21: UNDERLINED,
};
const UNSET: Record<number, number> = { 22: BOLD | DIM, 23: ITALIC, 24: UNDERLINED, 27: INVERSE, 29: STRUCK };

/** Bounds the work for one sequence. */
const MAX_CODES = 64;
/** As many characters of a sequence are looked at: room for that many codes. */
const MAX_PARAMETERS = 512;

/** The style after an SGR sequence (`ESC [ … m`). Blinking and hiding are not obeyed: a log hides nothing. */
export function restyle(style: Style, parameters: string): Style {
  const codes = parameters
    .slice(0, MAX_PARAMETERS)
    .split(";", MAX_CODES)
    .map((code) => code.split(":").map(Number));
  let { fg, bg, flags } = style;
  for (let i = 0; i < codes.length; i++) {
    const [code = 0, ...sub] = codes[i] as number[];
    const flag = SET[code];
    if (code === 0) [fg, bg, flags] = [undefined, undefined, 0];
    else if (code === 38 || code === 48) {
      const { colour, used } = sub.length > 0 ? { ...extended(sub), used: 0 } : extended(following(codes, i));
      if (code === 38) fg = colour;
      else bg = colour;
      i += used;
    } else if (flag) flags = code === 4 && sub[0] === 0 ? flags & ~UNDERLINED : flags | flag;
    else if (UNSET[code]) flags &= ~UNSET[code];
    else if (code === 39) fg = undefined;
    else if (code === 49) bg = undefined;
    else if (code >= 30 && code <= 37) fg = code - 30;
    else if (code >= 40 && code <= 47) bg = code - 40;
    else if (code >= 90 && code <= 97) fg = code - 82;
    else if (code >= 100 && code <= 107) bg = code - 92;
  }
  // Grounds are tints: bright ones have the tint of their plain colour.
  return leading(lookOf(fg, bg === undefined ? undefined : bg % 8, flags), style.href);
}

/** The same look, leading to `href` or nowhere. */
export function leading(style: Style, href: string | undefined): Style {
  if (style.href === href) return style;
  return href === undefined ? lookOf(style.fg, style.bg, style.flags) : { ...style, href };
}

/** No more than there are combinations of 17 colours, 9 grounds and 6 flags. */
const looks = new Map<number, Style>([[0, DEFAULT_STYLE]]);

function lookOf(fg: number | undefined, bg: number | undefined, flags: number): Style {
  const key = (((fg ?? -1) + 1) * 9 + (bg ?? -1) + 1) * 64 + flags;
  const known = looks.get(key);
  if (known) return known;
  const codes = [
    ...(fg === undefined ? [] : [fg < 8 ? 30 + fg : 82 + fg]),
    ...(bg === undefined ? [] : [40 + bg]),
    ...[1, 3, 4, 9].filter((code) => flags & (SET[code] ?? 0)),
  ];
  // Those two ansi-to-html does not know.
  const more = [...(flags & DIM ? ["ad"] : []), ...(flags & INVERSE ? ["av"] : [])];
  const style = { fg, bg, flags, classes: [...classesOf(codes), ...more].join(" ") };
  looks.set(key, style);
  return style;
}

const following = (codes: number[][], i: number): number[] => codes.slice(i + 1, i + 5).map(([code]) => code ?? 0);

/** What follows 38 or 48: `5;n` or `2;r;g;b`, with colons also `2:<space>:r:g:b`. `used` counts the codes. */
function extended([kind, ...rest]: number[]): { colour: number | undefined; used: number } {
  if (kind === 5) return { colour: fromPalette(rest[0] ?? 0), used: 2 };
  if (kind !== 2) return { colour: undefined, used: 0 };
  const [r = 0, g = 0, b = 0] = rest.length > 3 ? rest.slice(1) : rest;
  return { colour: ofSixteen([r, g, b]), used: 4 };
}
