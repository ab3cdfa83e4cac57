/**
 * The hook through which every byte of a log passes between its pod and the rest of Afterlog: what it takes out is in
 * no spool, no store, no finding, no message and no comparison.
 *
 * It is given lines with their times, a line of more than 64 KiB in pieces, and must keep every newline and every time.
 * The same text must come out the same: two streams of one log are compared by what comes out. What it throws ends the
 * stream, and nothing of that text goes any further: the log waits, as one at risk, and is read again.
 */
export type Redact = (text: Buffer) => Buffer;

/** The redactor could not run. */
export class RedactionError extends Error {
  override readonly name = "RedactionError";
}

/** @throws RedactionError */
export function redacted(text: Buffer, redact: Redact | undefined): Buffer {
  if (!redact) return text;
  try {
    return redact(text);
  } catch (error) {
    throw new RedactionError("the log could not be redacted; nothing of it is stored until it can be", {
      cause: error,
    });
  }
}
