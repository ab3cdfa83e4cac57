import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { offsetOf, type RecordedLog } from "./recorded-log.ts";

const WRITE_BYTES = 256 * 1024;

/** A container whose log is a recorded one. */
export type Replay = {
  log: RecordedLog;
  /** When its log was asked for first, and when that answer was sent, in ms since the epoch. */
  askedAt?: number;
  sentAt?: number;
  /** Called when the log has been sent for the first time, before the answer ends: the container ends too. */
  onSent: () => void;
};

/**
 * Stands before the simulator and answers for some containers' logs itself, from a file and without looking at the
 * lines, so that what reads it is the slowest part. Resolves with its URL.
 */
export async function startLogSource(simulator: string, replays: ReadonlyMap<string, Replay>): Promise<string> {
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "/", simulator);
    const [, pod] = /^\/api\/v1\/namespaces\/[^/]+\/pods\/([^/]+)\/log$/.exec(url.pathname) ?? [];
    const replay = replays.get(`${pod}/${url.searchParams.get("container")}`);
    const answered = replay
      ? serveReplay(replay, url.searchParams.get("sinceTime"), response)
      : forward(url, incoming, response);
    // The reader has gone, or the simulator has: either way this connection ends.
    answered.catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the log source does not listen");
  return `http://127.0.0.1:${address.port}`;
}

async function serveReplay(replay: Replay, sinceTime: string | null, response: ServerResponse): Promise<void> {
  replay.askedAt ??= Date.now();
  response.writeHead(200, { "content-type": "text/plain" });
  const start = offsetOf(replay.log, sinceTime);
  if (start < replay.log.bytes) {
    const file = createReadStream(replay.log.path, { start, highWaterMark: WRITE_BYTES });
    await pipeline(file, response, { end: false });
  }
  if (replay.sentAt === undefined) {
    replay.sentAt = Date.now();
    replay.onSent();
  }
  response.end();
}

async function forward(url: URL, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const onward = request(url, { method: incoming.method, headers: incoming.headers }, resolve).on("error", reject);
  response.on("close", () => onward.destroy());
  await pipeline(incoming, onward);
  const answer = await promise;
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  response.flushHeaders();
  await pipeline(answer, response);
}
