import type { Screen } from "./screen.ts";

/** Larger ones are as good as this. */
const MAX_NUMBER = 0xffff;
const SEMICOLON = 0x3b;

type Act = (screen: Screen, first: number, second: number) => void;

const STRETCHES = ["end", "start", "all"] as const;
const erase: Act = (screen, what) => {
  const stretch = STRETCHES[what];
  if (stretch) screen.erase(stretch);
};

/** A count of 0 means 1. */
const counted =
  (act: (screen: Screen, count: number) => void): Act =>
  (screen, first) =>
    act(screen, first || 1);

const up = counted((screen, count) => screen.move(-count, 0));
const down = counted((screen, count) => screen.move(count, 0));
const forward = counted((screen, count) => screen.move(0, count));
const toColumn = counted((screen, column) => screen.toColumn(column - 1));
const returning =
  (move: Act): Act =>
  (screen, first, second) => {
    move(screen, first, second);
    screen.toColumn(0);
  };
/** The row is dropped: which it means depends on a height that a log never had. */
const position: Act = (screen, _, column) => screen.toColumn((column || 1) - 1);

/** The control sequences that are obeyed, SGR aside, by their last letter (ECMA-48, xterm's ctlseqs). */
const ACTS: Record<string, Act> = {
  A: up,
  B: down,
  e: down,
  C: forward,
  a: forward,
  D: counted((screen, count) => screen.move(0, -count)),
  E: returning(down),
  F: returning(up),
  G: toColumn,
  "`": toColumn,
  H: position,
  f: position,
  I: counted((screen, count) => screen.tab(count)),
  // What is above its row, a terminal would move into its history when it clears the screen.
  J: (screen, what) => (what === 0 ? screen.eraseBelow() : erase(screen, what, 0)),
  K: erase,
  X: counted((screen, count) => screen.eraseCharacters(count)),
  s: (screen) => screen.save(),
  u: (screen) => screen.restore(),
};

/** By code, for the reader of sequences. */
const ACT_OF = Array.from({ length: 128 }, (_, code): Act | undefined => {
  const letter = String.fromCharCode(code);
  return Object.hasOwn(ACTS, letter) ? ACTS[letter] : undefined;
});

/** Obeys `ESC [ <parameters> <final>`, with the parameters in `text` from `start` to `end`; what is not known is dropped. */
export function obeyCsi(screen: Screen, final: number, text: string, start: number, end: number): void {
  const act = ACT_OF[final];
  if (!act) return;
  let split = start;
  while (split < end && text.charCodeAt(split) !== SEMICOLON) split++;
  act(screen, numberAt(text, start, split) ?? 0, numberAt(text, split + 1, end) ?? 0);
}

/** The number that begins there, at most MAX_NUMBER; `undefined` if something else than its digits follows. */
export function numberAt(text: string, start: number, end: number): number | undefined {
  let number = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === SEMICOLON) return number;
    if (code < 0x30 || code > 0x39) return undefined;
    number = Math.min(number * 10 + code - 0x30, MAX_NUMBER);
  }
  return number;
}
