const ESC = 0x1b;
const LF = 0x0a;

/** Sequences as the terminal drops or obeys them: of a string that never ends, only the beginning is one. */
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_](?:[^\x07\x1b\n]*(?:\x07|\x1b\\))?|[ -/]*[0-~]?)/g;

/** The text without escape sequences, as many lines as it has. Text without any is given as it is. */
export function withoutEscapes(text: Buffer): Buffer {
  if (text.indexOf(ESC) === -1) return text;
  const bare = text.toString("latin1").replace(SEQUENCE, "");
  // A last line without its end is still one when nothing is left of it.
  const isLost = text.at(-1) !== LF && (bare === "" || bare.endsWith("\n"));
  return Buffer.from(isLost ? `${bare}\n` : bare, "latin1");
}
