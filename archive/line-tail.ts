import type { Mark } from "./chunk.ts";

/** So much of a line's end tells the place: two lines of one program may be alike in less. */
const TAIL_BYTES = 16 * 1024;
/** Shorter lines are hardly ever cut by the node, and more than one of them may end alike. */
const LONG_BYTES = 512 * 1024;

/** The last bytes of a line that comes in pieces. */
export const tailOf = (before: Buffer, piece: Buffer): Buffer =>
  Buffer.from(
    piece.byteLength >= TAIL_BYTES ? piece.subarray(-TAIL_BYTES) : Buffer.concat([before, piece]).subarray(-TAIL_BYTES),
  );

/** After a restart only what has come since then is known of a line: less than this tells no place. */
export const isWhole = (tail: Buffer): boolean => tail.byteLength === TAIL_BYTES;

/** Whether a file may begin, and end, inside this line. */
export const isLong = ({ bytes }: Mark): boolean => bytes > LONG_BYTES;

/** Looks in a replay that begins inside the log's last line for the place that the log has come to. */
export class TailSearch {
  readonly #tail: Buffer;
  readonly #isEnd: boolean;
  #before: Buffer = Buffer.alloc(0);

  /**
   * @param tail the last bytes of the log's last line
   * @param isEnd the line has ended with them
   */
  constructor(tail: Buffer, isEnd: boolean) {
    this.#tail = tail;
    this.#isEnd = isEnd;
  }

  /**
   * How much of the line's next piece the log has; undefined while that is not known.
   * @param ends the line ends with this piece
   */
  push(piece: Buffer, ends: boolean): number | undefined {
    const all = this.#before.byteLength > 0 ? Buffer.concat([this.#before, piece]) : piece;
    const at = this.#isEnd ? this.#placeAtEnd(all, ends) : all.indexOf(this.#tail);
    if (at !== -1) return at + this.#tail.byteLength - this.#before.byteLength;
    this.#before = Buffer.from(all.subarray(Math.max(0, all.byteLength - this.#tail.byteLength + 1)));
    return undefined;
  }

  #placeAtEnd(text: Buffer, ends: boolean): number {
    const at = text.byteLength - this.#tail.byteLength;
    return ends && at >= 0 && text.subarray(at).equals(this.#tail) ? at : -1;
  }
}
