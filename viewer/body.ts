import type { Context } from "hono";
import type { Site } from "./site.ts";

/** Bytes from the archive, read no faster than the client takes them. */
type Pieces = AsyncGenerator<Uint8Array>;

/**
 * What is handed to the server at once. It takes three or four before it asks whether the client keeps up, and keeps
 * them for a client that does not.
 */
const PIECE_BYTES = 256 * 1024;

/** How long the first bytes of a page may take. */
const PATIENCE_MS = 15_000;

/** Ends what a page reads when the client goes away or the storage is too slow. */
export const pageSignal = (c: Context): AbortSignal =>
  AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(PATIENCE_MS)]);

/**
 * Answers with a stream. What fails before the first byte is thrown, so that it becomes a status; what fails later
 * breaks the stream off, so that no client takes a part for the whole. `pieces` is made with a signal that ends the
 * reading when the client goes away.
 */
export async function streamed(
  c: Context,
  site: Site,
  headers: Record<string, string>,
  pieces: (signal: AbortSignal) => Pieces,
): Promise<Response> {
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const gone = new AbortController();
  const source = pieces(AbortSignal.any([c.req.raw.signal, gone.signal]));
  // Only the first piece has a time limit: a long text may take as long as its reader does.
  const impatient = setTimeout(
    () => gone.abort(new DOMException("the storage is too slow", "TimeoutError")),
    PATIENCE_MS,
  );
  let next: IteratorResult<Uint8Array> | undefined = await source.next().finally(() => clearTimeout(impatient));
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const piece = next ?? (await source.next());
          next = undefined;
          if (piece.done) return controller.close();
          controller.enqueue(piece.value.subarray(0, PIECE_BYTES));
          if (piece.value.byteLength > PIECE_BYTES) next = { value: piece.value.subarray(PIECE_BYTES) };
        } catch (error) {
          if (!gone.signal.aborted) site.logger.warn({ err: error, path: c.req.path }, "a text was broken off");
          // The server may still put this one's message into an answer: it must tell nothing of the storage.
          controller.error(new Error("the text breaks off here"));
        }
      },
      async cancel(reason) {
        gone.abort(reason);
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, 200, headers);
}
