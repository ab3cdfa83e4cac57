import type { Screen } from "./screen.ts";

/** More are as good as this many. */
const MAX_COUNT = 0xffff;
/** Room for the two parameters that matter. */
const MAX_LENGTH = 32;

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

/** Obeys `ESC [ <parameters> <final>`; what is not known is dropped. */
export function obeyCsi(screen: Screen, final: string, parameters: string): void {
  const act = Object.hasOwn(ACTS, final) ? ACTS[final] : undefined;
  if (!act) return;
  const [first = 0, second = 0] = parameters
    .slice(0, MAX_LENGTH)
    .split(";", 2)
    .map((text) => Math.min(Number(text) || 0, MAX_COUNT));
  act(screen, first, second);
}
