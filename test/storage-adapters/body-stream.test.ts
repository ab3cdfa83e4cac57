import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bodyStream } from "../../storage-adapters/body-stream.ts";

const failure = (cause: unknown) => new Error("translated", { cause });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("gives the source's bytes, however slowly they are read", async () => {
  const chunks = Array.from({ length: 50 }, (_, index) => Buffer.alloc(10_000, index));
  const source = Readable.from(chunks);
  const body = bodyStream(source, { expected: 500_000, idleMs: 1000, failure });
  const received: Buffer[] = [];
  for await (const chunk of body) {
    received.push(chunk);
    while (!source.isPaused() && !source.readableEnded) await setImmediate();
    vi.advanceTimersByTime(5000);
  }
  expect(Buffer.concat(received).equals(Buffer.concat(chunks))).toBe(true);
});

test.each([
  ["too few", 6, "ended after 5 of 6 bytes"],
  ["too many", 4, "more than 4 bytes"],
])("fails on %s bytes", async (_, expected, cause) => {
  const body = bodyStream(Readable.from([Buffer.from("12345")]), { expected, failure });
  await expect(buffer(body)).rejects.toMatchObject({
    message: "translated",
    cause: { message: expect.stringContaining(cause) },
  });
});

test("fails when nothing arrives for the idle time, and destroys the source", async () => {
  const source = new PassThrough();
  const body = bodyStream(source, { idleMs: 1000, failure });
  const reading = buffer(body);
  source.write("some");
  await vi.waitFor(() => expect(source.readableFlowing).toBe(true));
  vi.advanceTimersByTime(1001);
  await expect(reading).rejects.toMatchObject({ cause: { message: "no bytes arrived for 1000 ms" } });
  expect(source.destroyed).toBe(true);
});

test("translates the source's error", async () => {
  const source = new PassThrough();
  const reading = buffer(bodyStream(source, { failure }));
  source.destroy(new Error("connection lost"));
  await expect(reading).rejects.toMatchObject({ message: "translated", cause: { message: "connection lost" } });
});

test("a source that closes without an end is a failure", async () => {
  const source = new PassThrough();
  const reading = buffer(bodyStream(source, { failure }));
  source.destroy();
  await expect(reading).rejects.toThrow("translated");
});

test("destroying it destroys the source and leaves no listener on the signal", async () => {
  const source = new PassThrough();
  const { signal } = new AbortController();
  const remove = vi.spyOn(signal, "removeEventListener");
  const body = bodyStream(source, { signal, failure });
  body.destroy();
  await vi.waitFor(() => expect(source.destroyed).toBe(true));
  expect(remove).toHaveBeenCalledOnce();
});
