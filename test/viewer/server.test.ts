import { request } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type ObjectReader, StorageError } from "../../storage-adapters/store.ts";
import { startViewer } from "../../viewer/viewer.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const archive = new ArchiveFixture();
const LOG = "/logs/tekton-ci/big-pod/step-a";
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // Does not compress well: many reads of the segment are needed.
  const noise = Array.from({ length: 40_000 }, (_, i) =>
    Array.from({ length: 6 }, (_, j) => ((i * 2_654_435_761 + j * 40_503 * (i % 7_919)) >>> 0).toString(36)).join(""),
  );
  await archive.run({
    name: "big",
    took: 1,
    tasks: [{ name: "t", taskRun: "big", containers: [{ title: "a", lines: noise }] }],
  });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const SILENT = { error() {}, warn() {} };
async function start(store: ObjectReader, signal?: AbortSignal): Promise<string> {
  const config = { namespaces: "*", host: "127.0.0.1", port: 0 } as const;
  const viewer = await startViewer({ config, store, logger: SILENT, ...(signal && { signal }) });
  stops.push(viewer.close);
  return viewer.url;
}

/** A segment whose bytes come piece by piece, as the test decides. */
function slowly(pieces: (bytes: Buffer, signal: AbortSignal | undefined) => AsyncIterable<Buffer>): ObjectReader {
  return {
    async get(key, options = {}) {
      const stream = await archive.store.get(key, options);
      if (!key.endsWith(".zst") || (options.length ?? 0) < 100_000) return stream;
      const bytes = Buffer.concat(await stream.toArray());
      return Readable.from(pieces(bytes, options.signal));
    },
    stat: (key, options) => archive.store.stat(key, options),
    list: (prefix, options) => archive.store.list(prefix, options),
  };
}

test("serves, and closes when its signal says so", async () => {
  const stop = new AbortController();
  const url = await start(archive.store, stop.signal);
  expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  stop.abort();
  await vi.waitFor(() => expect(fetch(`${url}/healthz`)).rejects.toThrow());
});

test("a whole log with its length, and compressed for whoever asks", async () => {
  const url = await start(archive.store);
  const plain = await fetch(url + LOG, { headers: { "Accept-Encoding": "identity" } });
  const text = await plain.text();
  expect(Number(plain.headers.get("Content-Length"))).toBe(text.length);
  const packed = await fetch(url + LOG, { headers: { "Accept-Encoding": "gzip" } });
  expect(packed.headers.get("Content-Encoding")).toBe("gzip");
  expect(await packed.text()).toBe(text);
  const head = await fetch(url + LOG, { method: "HEAD", headers: { "Accept-Encoding": "identity" } });
  expect([head.status, head.headers.get("Content-Length")]).toEqual([200, String(text.length)]);
});

describe("when the storage fails after the first byte", () => {
  test.each(["identity", "gzip"])("the answer breaks off and does not end (%s)", async (encoding) => {
    const broken = slowly(async function* (bytes) {
      yield bytes.subarray(0, bytes.length * 0.9);
      await sleep(20);
      throw new StorageError("unavailable", "the connection was reset");
    });
    const url = await start(broken);
    // What has been sent by then depends on buffers; that it is not taken for the whole does not.
    const outcome = await fetch(url + LOG, { headers: { "Accept-Encoding": encoding } }).then(
      async (answer) =>
        answer.status === 200
          ? answer.text().then(
              () => "ended",
              () => "broken off",
            )
          : `${answer.status}`,
      () => "broken off",
    );
    expect(["broken off", "503"]).toContain(outcome);
  });
});

test("a client that goes away stops the reading of the storage", async () => {
  const signals: AbortSignal[] = [];
  const endless = slowly(async function* (bytes, signal) {
    if (signal) signals.push(signal);
    for (let at = 0; at < bytes.length; at += 4_096) {
      yield bytes.subarray(at, at + 4_096);
      if (at > bytes.length * 0.8) await sleep(1_000_000, undefined, { signal: signal as AbortSignal });
    }
  });
  const url = await start(endless);
  const client = request(url + LOG, { headers: { "Accept-Encoding": "identity" } });
  client.on("error", () => {});
  client.end();
  await vi.waitFor(() => expect(signals.length).toBeGreaterThan(0));
  client.destroy();
  await vi.waitFor(() => expect(signals.some((signal) => signal.aborted)).toBe(true), { timeout: 5_000 });
});

/** What a client gets that writes its request by hand, as no library would. */
async function raw(url: string, line: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.end(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("latin1");
}

test.each([
  ["GET /namespaces/../../etc/passwd"],
  ["GET /namespaces/%2e%2e/pipelineruns/x"],
  ["GET /logs/../../../etc/passwd/x"],
  ["GET /logs/tekton-ci/..%2f..%2fbig-pod/step-a"],
  ["GET //evil.example/x"],
  ["GET /namespaces/tekton-ci/pipelineruns/%"],
  ["GET /o/r/pull/1%00"],
  ["GET /o\\r/../x"],
  ["GET nothing"],
])("%s is refused or not found, and the server goes on", async (line) => {
  const url = await start(archive.store);
  expect(await raw(url, line)).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("what is broken off ends without its end, and with no word of the storage", async () => {
  const url = await start(
    slowly(async function* (bytes) {
      yield bytes.subarray(0, bytes.length * 0.9);
      throw new StorageError("unavailable", "AKIA-secret was reset");
    }),
  );
  for (const query of ["", "?timestamps=false"]) {
    const answer = await raw(url, `GET ${LOG}${query}`);
    const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
    expect(answer).not.toContain("AKIA");
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
    const promised = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.POSITIVE_INFINITY);
    expect(body.length).toBeLessThan(promised);
    expect(body).not.toContain("breaks off");
  }
});
