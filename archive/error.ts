/** damaged: the object is not what it should be · future: a later version wrote it. */
export type ArchiveErrorKind = "damaged" | "future";

/** An object of the archive cannot be understood. The message names its key. Nothing may overwrite such an object. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  readonly kind: ArchiveErrorKind;

  constructor(kind: ArchiveErrorKind, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
  }
}
