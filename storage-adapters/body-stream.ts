import { Readable } from "node:stream";

export type BodyOptions = {
  /** How many bytes must arrive, where that is known: the stream fails on fewer or more. */
  expected?: number;
  /** Aborting destroys the stream with the signal's own reason. */
  signal?: AbortSignal;
  /** The longest wait for the next bytes. It runs only while the reader wants some: a slow reader is no failure. */
  idleMs?: number;
  /** Translates what the source fails with. */
  failure: (cause: unknown) => Error;
};

/** A store's bytes as the port promises them: all of them, or an error. Destroying it destroys the source. */
export function bodyStream(source: Readable, { expected, signal, idleMs, failure }: BodyOptions): Readable {
  let received = 0;
  let ended = false;
  let idle: NodeJS.Timeout | undefined;

  const fail = (cause: unknown) => body.destroy(failure(cause));
  const onAbort = () => body.destroy(signal?.reason);
  const awaitBytes = () => {
    clearTimeout(idle);
    if (idleMs) idle = setTimeout(() => fail(new Error(`no bytes arrived for ${idleMs} ms`)), idleMs);
  };

  const body = new Readable({
    read() {
      if (!ended) awaitBytes();
      source.resume();
    },
    destroy(error, done) {
      clearTimeout(idle);
      signal?.removeEventListener("abort", onAbort);
      source.destroy();
      done(error);
    },
  });
  // An abort may come before a reader has attached itself. The reader still gets the error, the process survives.
  body.on("error", () => undefined);

  // Paused first: adding a data listener would start the flow.
  source.pause();
  source.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (expected !== undefined && received > expected) fail(new Error(`more than ${expected} bytes arrived`));
    else if (body.push(chunk)) awaitBytes();
    else {
      clearTimeout(idle);
      source.pause();
    }
  });
  source.on("end", () => {
    ended = true;
    clearTimeout(idle);
    if (expected !== undefined && received < expected) fail(cutShort(received, expected));
    else body.push(null);
  });
  source.on("error", fail);
  source.on("close", () => {
    if (!ended) fail(cutShort(received, expected));
  });

  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return body;
}

/** For ranges that cover nothing. */
export const emptyBody = (): Readable => Readable.from([], { objectMode: false });

const cutShort = (received: number, expected?: number) =>
  new Error(`the body ended after ${received} of ${expected ?? "unknown"} bytes`);
