const NONE = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const TWO =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])$/u;

const UNKNOWN = 3;
/** Those of the first plane, once they were asked for: the expressions are slow. */
const known = new Uint8Array(0x10000).fill(UNKNOWN);

/** The columns that a character takes in a terminal: 0, 1 or 2 (UAX #11, ambiguous ones as narrow). */
export function widthOf(character: string): number {
  if (character.length > 1) return measured(character);
  const code = character.charCodeAt(0);
  if (code < 0x7f) return 1;
  if (known[code] === UNKNOWN) known[code] = measured(character);
  return known[code] as number;
}

const measured = (character: string): number => (NONE.test(character) ? 0 : TWO.test(character) ? 2 : 1);

/** The column after a tab: the next multiple of eight. */
export const tabStop = (column: number): number => (column | 7) + 1;
