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
export const PATIENCE_MS = 15_000;

/** Ends what a page reads when the client goes away or the storage is too slow. */
export const pageSignal = (c: Context): AbortSignal =>
  AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(PATIENCE_MS)]);

export type StreamOptions = {
  status?: 200 | 206;
  /** A client that takes nothing for so long, while there is something for it, is dropped. */
  stallMs?: number;
  /** Drops a client that takes nothing; `pieces` ends by itself otherwise. */
  stop?: AbortSignal;
};

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
  { status = 200, stallMs, stop }: StreamOptions = {},
): Promise<Response> {
  if (c.req.method === "HEAD") return c.body(null, status, headers);
  const gone = new AbortController();
  const signals = [c.req.raw.signal, gone.signal, ...(stop ? [stop] : [])];
  const source = pieces(AbortSignal.any(signals));
  // Only the first piece has a time limit: a long text may take as long as its reader does.
  const impatient = setTimeout(
    () => gone.abort(new DOMException("the storage is too slow", "TimeoutError")),
    PATIENCE_MS,
  );
  let next: IteratorResult<Uint8Array> | undefined = await source.next().finally(() => clearTimeout(impatient));
  let isDropped = false;
  const stall = stallWatch(stallMs, stop, () => {
    isDropped = true;
    gone.abort(new DOMException("the client takes nothing", "TimeoutError"));
    letGo(source);
    socketOf(c)?.destroy();
  });
  // Nothing is pulled by a client that has gone: the source must be told.
  c.req.raw.signal.addEventListener("abort", () => {
    stall.end();
    letGo(source);
  });
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        stall.end();
        try {
          const piece = next ?? (await source.next());
          next = undefined;
          if (piece.done && isDropped) throw gone.signal.reason;
          if (piece.done) return controller.close();
          controller.enqueue(piece.value.subarray(0, PIECE_BYTES));
          if (piece.value.byteLength > PIECE_BYTES) next = { value: piece.value.subarray(PIECE_BYTES) };
          stall.begin();
        } catch (error) {
          if (!gone.signal.aborted) site.logger.warn({ err: error, path: c.req.path }, "a text was broken off");
          // The server may still put this one's message into an answer: it must tell nothing of the storage.
          controller.error(new Error("the text breaks off here"));
        }
      },
      async cancel(reason) {
        stall.end();
        gone.abort(reason);
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(body, status, headers);
}

/** Calls back at the end, however it comes. */
export async function* ending<T>(source: AsyncGenerator<T>, endings: readonly (() => void)[]): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    for (const end of endings) end();
  }
}

/** Ends a reading that nobody waits for: what goes wrong with it then is nobody's loss. */
const letGo = (source: Pieces): void => void source.return(undefined).catch(() => {});

/** The connection, where there is one: in tests there may be none. */
const socketOf = (c: Context): { destroy(): void } | undefined => c.env?.outgoing;

/** Calls `drop` when what was offered is not taken in time, or not by the time everything is to stop. */
function stallWatch(
  ms: number | undefined,
  stop: AbortSignal | undefined,
  drop: () => void,
): { begin(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    clearTimeout(timer);
    stop?.removeEventListener("abort", fire);
  };
  const fire = () => {
    end();
    drop();
  };
  const begin = () => {
    // An event that has been is not told again.
    if (stop?.aborted) return fire();
    if (ms !== undefined) timer = setTimeout(fire, ms);
    stop?.addEventListener("abort", fire);
  };
  return { begin, end };
}
