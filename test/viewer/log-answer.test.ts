import { createCipheriv } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { ArchiveReader } from "../../archive/reader.ts";
import type { Log, RunRecord } from "../../archive/record.ts";
import { readIndex } from "../../archive/segment.ts";
import { decompress } from "../../archive/zstd.ts";
import { appOver, counting } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const archive = new ArchiveFixture();
const app = appOver(archive.store);
const PATH = "/namespaces/tekton-ci/pipelineruns/big.txt?pipelineTask=t&step=a";
let text: Buffer;
let record: RunRecord;
let log: Log;

const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
  const response = await app.request(path, { headers, method });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
};

/** Two segments: what hardly compresses fills one. */
beforeAll(async () => {
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(12_000_000));
  const letters = noise.toString("base64");
  const lines = Array.from({ length: 26_000 }, (_, i) => letters.slice(i * 600, (i + 1) * 600));
  record = await archive.run({
    name: "big",
    took: 40_000,
    tasks: [
      {
        name: "t",
        containers: [
          { title: "a", lines },
          {
            title: "cut",
            lines: ["x".repeat(2_000)],
            state: "cut",
            words: "Still running — when\nthe run ended.",
            gaps: [{ afterLine: 0, cause: "rotated", words: "The start is missing." }],
          },
        ],
      },
    ],
  });
  log = record.tasks[0]?.attempts[0]?.containers[0]?.log as Log;
  text = (await ask(PATH)).body;
}, 60_000);

test("the log has several segments and frames", () => {
  expect(log.segments.length).toBeGreaterThan(1);
  expect(text.byteLength).toBe(log.bytes);
});

describe("a range of a finished log's bytes", () => {
  const boundary = () => log.segments[0]?.bytes ?? 0;
  test.each([
    ["the beginning", () => [0, 99]],
    ["one byte", () => [1_234_567, 1_234_567]],
    ["over the edge of two segments", () => [boundary() - 10, boundary() + 9]],
    ["several frames", () => [900_000, 3_500_000]],
    ["the last byte", () => [text.byteLength - 1, text.byteLength - 1]],
  ])("%s", async (_, bounds) => {
    const [first = 0, last = 0] = bounds();
    const { status, headers, body } = await ask(PATH, {
      Range: `bytes=${first}-${last}`,
      "Accept-Encoding": "gzip, zstd",
    });
    expect(status).toBe(206);
    expect(headers.get("Content-Range")).toBe(`bytes ${first}-${last}/${text.byteLength}`);
    expect(headers.get("Content-Length")).toBe(String(last - first + 1));
    expect(headers.get("Content-Encoding")).toBeNull();
    expect(body.equals(text.subarray(first, last + 1))).toBe(true);
  });

  test("reads the frames that it needs and no others", async () => {
    const store = counting(archive.store);
    const response = await appOver(store).request(PATH, { headers: { Range: "bytes=5000000-5000009" } });
    expect(await response.text()).toBe(text.toString("latin1", 5_000_000, 5_000_010));
    const ofLog = store.reads.filter(({ key }) => key.endsWith(".zst"));
    expect(ofLog).toHaveLength(2);
    expect(ofLog.every(({ length = Number.POSITIVE_INFINITY }) => length < 1_100_000)).toBe(true);
  });

  test("a suffix, and what is open at its end", async () => {
    expect((await ask(PATH, { Range: "bytes=-500" })).body.equals(text.subarray(-500))).toBe(true);
    const open = await ask(PATH, { Range: `bytes=${text.byteLength - 7}-` });
    expect([open.status, open.body.equals(text.subarray(-7))]).toEqual([206, true]);
  });

  test("what the log does not have is 416, with its length", async () => {
    for (const range of [`bytes=${text.byteLength}-`, "bytes=9-5", "bytes=-0", "bytes=99999999999999999999-"]) {
      const { status, headers, body } = await ask(PATH, { Range: range });
      expect([range, status, headers.get("Content-Range")]).toEqual([range, 416, `bytes */${text.byteLength}`]);
      expect(body.toString()).toContain(`It has ${text.byteLength} bytes`);
    }
  });

  test.each([
    ["several ranges", { Range: "bytes=0-1,5-6" }],
    ["another unit", { Range: "lines=1-2" }],
    ["no range", { Range: "bytes=x" }],
    ["a copy that is another one", { Range: "bytes=0-9", "If-Range": '"other"' }],
    ["a date", { Range: "bytes=0-9", "If-Range": "Thu, 30 Jul 2026 10:00:00 GMT" }],
  ])("%s: the whole", async (_, headers) => {
    const { status, body } = await ask(PATH, headers as never);
    expect([status, body.byteLength]).toEqual([200, text.byteLength]);
  });

  test("goes on with the copy that the client has begun", async () => {
    const tag = (await ask(PATH, {}, "HEAD")).headers.get("ETag") ?? "";
    const { status, headers } = await ask(PATH, { Range: "bytes=100-", "If-Range": tag });
    expect([status, headers.get("ETag")]).toEqual([206, tag]);
  });

  test("is of the stored text alone: parts by line have none", async () => {
    for (const query of ["&lines=1-5", "&timestamps=false", "&tail=3"]) {
      const { status, headers } = await ask(PATH + query, { Range: "bytes=0-9" });
      expect([query, status, headers.get("Accept-Ranges")]).toEqual([query, 200, null]);
    }
  });
});

describe("packed", () => {
  test("zstd is the stored frames as they are", async () => {
    const { headers, body } = await ask(PATH, { "Accept-Encoding": "gzip, zstd" });
    expect(headers.get("Content-Encoding")).toBe("zstd");
    expect(headers.get("Content-Length")).toBe(String(body.byteLength));
    const parts: Buffer[] = [];
    let at = 0;
    for (const segment of log.segments) {
      for (const { size, bytes } of (await readIndex(archive.store, segment)).frames) {
        parts.push(await decompress(body.subarray(at, at + size), bytes, "the answer"));
        at += size;
      }
    }
    expect([at, Buffer.concat(parts).equals(text)]).toEqual([body.byteLength, true]);
  });

  test("gzip, of the whole and of a part", async () => {
    const { headers, body } = await ask(PATH, { "Accept-Encoding": "gzip" });
    expect([headers.get("Content-Encoding"), headers.get("Content-Length")]).toEqual(["gzip", null]);
    expect(gunzipSync(body).equals(text)).toBe(true);
    const part = await ask(`${PATH}&lines=5-6`, { "Accept-Encoding": "gzip" });
    expect(gunzipSync(part.body).toString().split("\n")).toHaveLength(3);
  });

  test("each has a tag of its own, by which it is not sent again", async () => {
    const tags = new Set<string>();
    for (const encoding of ["identity", "gzip", "zstd"]) {
      const headers = { "Accept-Encoding": encoding };
      const answer = await ask(PATH, headers, "HEAD");
      const tag = answer.headers.get("ETag") ?? "";
      expect(answer.headers.get("Vary")).toMatch(/Accept-Encoding/);
      tags.add(tag);
      const again = await ask(PATH, { ...headers, "If-None-Match": tag });
      expect([again.status, again.headers.get("ETag"), again.headers.get("Vary")]).toEqual([
        304,
        tag,
        answer.headers.get("Vary"),
      ]);
    }
    expect(tags.size).toBe(3);
    expect((await ask(PATH, { "If-None-Match": "*" })).status).toBe(304);
  });

  test("the text of a run is packed on its way", async () => {
    const { headers, body } = await ask("/namespaces/tekton-ci/pipelineruns/big.txt", { "Accept-Encoding": "gzip" });
    expect(headers.get("Content-Encoding")).toBe("gzip");
    expect(gunzipSync(body).toString("latin1", 0, 8)).toBe("[t : a] ");
  });
});

test.each(["", "&lines=3-4", "&tail=2", "&since=5m", "&timestamps=false"])(
  "HEAD has GET's headers: %s",
  async (query) => {
    for (const encoding of ["identity", "gzip", "zstd"]) {
      const headers = { "Accept-Encoding": encoding };
      const [head, get] = [await ask(PATH + query, headers, "HEAD"), await ask(PATH + query, headers)];
      expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
      expect([head.status, head.body.byteLength]).toEqual([get.status, 0]);
    }
  },
);

test("headers say what a text cannot: that it is not whole, and which part it is", async () => {
  const cut = await ask(`${PATH.replace("step=a", "step=cut")}`);
  expect(Object.fromEntries(cut.headers)).toMatchObject({
    "x-log-complete": "cut",
    "x-log-ended": "true",
    "x-log-lines": "1",
    "x-log-gaps": "1",
    "x-log-note": "Still running ? when the run ended.",
  });
  expect((await ask(`${PATH}&lines=5-7`)).headers.get("X-Log-Range")).toBe("5-7");
  expect((await ask(PATH)).headers.get("X-Log-Range")).toBeNull();
});

test("format= wins over the suffix and what is accepted", async () => {
  const base = "/namespaces/tekton-ci/pipelineruns/big";
  const type = async (path: string, headers: Record<string, string> = {}) =>
    (await ask(path, headers, "HEAD")).headers.get("Content-Type");
  expect(await type(`${base}?format=text`, { Accept: "text/html" })).toMatch(/^text\/plain/);
  expect(await type(`${base}?format=json`, { Accept: "text/html" })).toMatch(/^application\/json/);
  expect(await type(`${base}.txt?format=html&step=a&lines=1-2`)).toMatch(/^text\/html/);
  const wrong = await ask(`${base}?format=yaml`);
  expect([wrong.status, wrong.body.toString().includes("format is one of html, text, json")]).toEqual([400, true]);
  const missing = await ask(`${base}-other?format=json`);
  expect([missing.status, missing.headers.get("Content-Type")]).toEqual([404, "application/json"]);
});

describe("when the storage fails", () => {
  /** The viewer over a store that gives other bytes of segments, or none. */
  const damaged = (damage: (bytes: Buffer) => Buffer | undefined) =>
    appOver({
      async get(key, options) {
        const stream = await archive.store.get(key, options);
        if (!key.endsWith(".zst") || (options?.length ?? 0) < 100_000) return stream;
        const bytes = damage(Buffer.concat(await stream.toArray()));
        return bytes ? Readable.from([bytes]) : archive.store.get(`${key}.gone`);
      },
      stat: archive.store.stat,
      list: archive.store.list,
    });

  test("before the first byte it is a 502", async () => {
    const gone = damaged(() => undefined);
    for (const headers of [{}, { Range: "bytes=0-9" }, { "Accept-Encoding": "zstd" }])
      expect((await gone.request(PATH, { headers: headers as never })).status).toBe(502);
  });

  test.each([
    ["the whole", {}],
    ["a range", { Range: "bytes=0-9000000" }],
    ["zstd", { "Accept-Encoding": "zstd" }],
    ["gzip", { "Accept-Encoding": "gzip" }],
  ])("later the answer breaks off: %s", async (_, headers) => {
    const short = damaged((bytes) => bytes.subarray(0, bytes.length / 2));
    const response = await short.request(PATH, { headers: headers as never });
    expect(response.status).toBeLessThan(300);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });
});

test("an archive's reader gives the text from any place on", async () => {
  const [task] = record.tasks;
  const attempt = task?.attempts[0];
  const container = attempt?.containers[0];
  if (!task || !attempt || !container) throw new Error("the fixture has changed");
  const reader = await new ArchiveReader(archive.store).logOf(record, { task, attempt, container });
  const lineLength = text.indexOf("\n") + 1;
  for (const [line, offset] of [
    [1, 0],
    [1, 5],
    [9_999, 40],
    [20_000, 600],
    [20_001, 0],
  ] as const) {
    const rest = Buffer.concat(await Array.fromAsync(reader.textFrom({ line, offset })));
    expect(rest.equals(text.subarray((line - 1) * lineLength + offset))).toBe(true);
  }
});
