const NONE = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const TWO =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])$/u;

/** The columns that a character takes in a terminal: 0, 1 or 2 (UAX #11, ambiguous ones as narrow). */
export function widthOf(character: string): number {
  if (character <= "~") return 1;
  if (NONE.test(character)) return 0;
  return TWO.test(character) ? 2 : 1;
}

/** The column after a tab: the next multiple of eight. */
export const tabStop = (column: number): number => (column | 7) + 1;
