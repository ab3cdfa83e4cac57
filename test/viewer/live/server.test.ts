import { connect, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import type { AppOptions } from "../../../viewer/app.ts";
import { startViewer } from "../../../viewer/viewer.ts";
import { GrowingRun, LOG, QUICK } from "./growing-run.ts";

const SILENT = { error() {}, warn() {} };
const closing: (() => Promise<void>)[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const close of closing.splice(0)) await close();
});

async function serve(run: GrowingRun, following: AppOptions["following"] = {}) {
  const config = { namespaces: "*", host: "127.0.0.1", port: 0 } as const;
  const viewer = await startViewer({
    config,
    following: { pauses: QUICK, ...following },
    store: run.store,
    logger: SILENT,
  });
  closing.push(viewer.close);
  return viewer;
}

/** Asks, and takes nothing of the answer. */
async function ask(url: string, path: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
  sockets.push(socket);
  socket.on("error", () => {});
  socket.pause();
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream, text/plain\r\n\r\n`);
  return socket;
}

/** More than the buffers between two sockets take. */
const long = (n: number) => `${n} ${"x".repeat(1_500)}`;

test("a reader that takes nothing holds nothing up and is let go; its place is free then", async () => {
  const run = await GrowingRun.open(1);
  const { url } = await serve(run, { stallMs: 300, maxReaders: 2 });
  const stalled = await ask(url, `${LOG}&after=0`);
  for (let i = 0; i < 20; i++) await run.grow(500, long);
  const answer = await fetch(`${url}${LOG}&after=10000`, { headers: { Accept: "text/event-stream" } });
  expect(answer.status).toBe(200);
  // While both are there, there is no room for a third; once the one has been dropped there is.
  await vi.waitFor(
    async () => {
      const third = await fetch(`${url}${LOG}`, { headers: { Accept: "text/event-stream" } });
      await third.body?.cancel();
      expect(third.status).toBe(200);
    },
    { timeout: 10_000, interval: 50 },
  );
  const closed = new Promise((resolve) => stalled.once("close", resolve));
  stalled.resume();
  await closed;
  await answer.body?.cancel();
}, 30_000);

test("the server stops at once, whatever its readers do", async () => {
  const run = await GrowingRun.open(1);
  const viewer = await serve(run);
  await ask(viewer.url, `${LOG}&after=0`);
  await ask(viewer.url, `${LOG}&follow=true&format=text`);
  for (let i = 0; i < 20; i++) await run.grow(500, long);
  const reading = await fetch(`${viewer.url}${LOG}&after=10000`, { headers: { Accept: "text/event-stream" } });
  const text = reading.text();
  // Those who take nothing are stuck when nothing more is read for them.
  let reads = -1;
  await vi.waitFor(
    () => {
      const before = reads;
      reads = run.store.reads.filter(({ key }) => key.startsWith("v1/live/")).length;
      expect(reads).toBe(before);
    },
    { timeout: 10_000, interval: 200 },
  );
  const began = performance.now();
  await viewer.close();
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await text).not.toContain("event: end");
});
