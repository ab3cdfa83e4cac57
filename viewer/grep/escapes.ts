const ESC = 0x1b;
const LF = Buffer.from("\n");

/** Sequences as the terminal drops or obeys them: of a string that never ends, only the beginning is one. */
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_](?:[^\x07\x1b\n]*(?:\x07|\x1b\\))?|[ -/]*[0-~]?)/g;

/**
 * The text without escape sequences, its lines where they were; a last line of nothing else keeps a carriage return,
 * which is no part of what is matched. Text without any is given as it is.
 */
export function withoutEscapes(text: Buffer): Buffer {
  if (text.indexOf(ESC) === -1) return text;
  const shown = text.toString("latin1").replace(SEQUENCE, "");
  const isLastLost = !text.subarray(-1).equals(LF) && (shown === "" || shown.endsWith("\n"));
  return Buffer.from(isLastLost ? `${shown}\r` : shown, "latin1");
}
