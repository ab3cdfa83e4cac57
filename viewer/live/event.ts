/** An event of a stream of server-sent events (HTML Living Standard §9.2). */
export type LiveEvent = { event: string; data: string; id?: number };

/** Pure; a line break of any kind in the data begins another `data` field. */
export function encodeEvent({ event, data, id }: LiveEvent): Buffer {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return Buffer.from(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}${lines.join("")}\n`);
}

/** How long a client waits before it comes back after a break. */
export const encodeRetry = (ms: number): Buffer => Buffer.from(`retry: ${ms}\n\n`);

/** Keeps proxies from taking the connection for dead. */
export const HEARTBEAT = Buffer.from(": \n\n");
