const ESC = 0x1b;

/** Sequences as the terminal drops or obeys them: of a string that never ends, only the beginning is one. */
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_](?:[^\x07\x1b\n]*(?:\x07|\x1b\\))?|[ -/]*[0-~]?)/g;

/** The text without escape sequences, its lines where they were. Text without any is given as it is. */
export const withoutEscapes = (text: Buffer): Buffer =>
  text.indexOf(ESC) === -1 ? text : Buffer.from(text.toString("latin1").replace(SEQUENCE, ""), "latin1");
