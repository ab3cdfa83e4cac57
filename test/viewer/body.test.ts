import { Hono } from "hono";
import { expect, test } from "vitest";
import { streamed } from "../../viewer/body.ts";
import type { Site } from "../../viewer/site.ts";

const site = { logger: { error() {}, warn() {} } } as unknown as Site;

test.each([1, 3 * 256 * 1024])(
  "who is offered %i bytes while everything stops is let go, and not waited for",
  async (bytes) => {
    const stop = new AbortController();
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    async function* pieces() {
      yield Buffer.from("first");
      asked.resolve();
      await held.promise;
      yield Buffer.alloc(bytes);
    }
    const app = new Hono().get("/", (c) => streamed(c, site, {}, pieces, { stop: stop.signal }));
    const dropped = Promise.withResolvers<void>();
    const response = await app.request("/", {}, { outgoing: { destroy: () => dropped.resolve() } });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("first");
    const second = reader.read();
    await asked.promise;
    stop.abort(new Error("the viewer stops"));
    held.resolve();
    await second;
    await dropped.promise;
  },
);
