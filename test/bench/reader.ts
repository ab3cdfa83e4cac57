import { Agent, get, type IncomingMessage } from "node:http";
import type { Readable } from "node:stream";

/** What a browser sends; `identity` where the text itself is wanted. */
const browser = (encoding: string) => ({
  Accept: "text/html,application/xhtml+xml,*/*;q=0.8",
  "User-Agent": "Mozilla/5.0",
  "Accept-Encoding": encoding,
});

export type Loaded = {
  /** ms from the request to the first byte of the body. */
  firstByte: number;
  /** Of the body as it was sent. */
  bytes: number;
  body: Buffer;
};

/** Somebody who asks over one connection, one request after another. */
export class Reader {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** An answer as it begins. @throws Error for any status but 200 */
  async open(url: string, encoding = "gzip"): Promise<IncomingMessage> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent: this.#agent, headers: browser(encoding) }, resolve).on("error", reject);
    });
    if (answer.statusCode !== 200) throw new Error(`${url} is answered with ${answer.statusCode}`);
    return answer;
  }

  /** All of an answer. */
  async load(url: string, encoding = "gzip"): Promise<Loaded> {
    const begun = performance.now();
    const parts: Buffer[] = [];
    let firstByte: number | undefined;
    for await (const part of (await this.open(url, encoding)) as Readable as AsyncIterable<Buffer>) {
      firstByte ??= performance.now() - begun;
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    return { firstByte: firstByte ?? performance.now() - begun, bytes: body.byteLength, body };
  }

  close(): void {
    this.#agent.destroy();
  }
}
