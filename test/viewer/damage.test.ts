import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { indexPrefix } from "../../archive/keys.ts";
import type { RunRecord } from "../../archive/record.ts";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";

const sha = "a".repeat(40);
const place = {
  repository: { url: "https://github.com/o/r", path: "o/r" },
  pull: 7,
  commit: sha,
  check: "lint",
  build: "77",
};
const words = (html: string) => html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");

async function spoil(archive: ArchiveFixture, uid: string, bytes = "{"): Promise<void> {
  for await (const { key } of archive.store.list("v1/index/")) {
    if (key.endsWith(`-${uid}.json`)) await archive.store.put(key, Buffer.from(bytes));
  }
}

describe("entries of which one is damaged", () => {
  const archive = new ArchiveFixture();
  const app = appOver(archive.store);
  let damaged: RunRecord;
  beforeAll(async () => {
    await archive.run({ name: "good", pipeline: "p", took: 1, place });
    const tasks = [{ name: "t", taskRun: "tr", containers: [{ title: "s", lines: ["x"] }] }];
    damaged = await archive.run({ name: "bad", pipeline: "p", took: 1, place, tasks });
    await spoil(archive, damaged.run.uid);
  });

  test.each([
    ["/"],
    ["/namespaces/tekton-ci"],
    ["/namespaces/tekton-ci/pipelines/p"],
    ["/o/r"],
    [`/o/r/commit/${sha}`],
    ["/o/r/pull/7"],
  ])("%s shows the others and says that one cannot be read, in all faces", async (path) => {
    for (const face of ["", ".txt"]) {
      const { status, body } = await get(app, `${path}${face}`);
      expect(status).toBe(200);
      expect(words(body)).toContain("1 entry of this list cannot be read and is left out.");
      expect(body).toMatch(/good|lint/);
    }
    const json = JSON.parse((await get(app, `${path}.json`)).body);
    expect(json.damaged).toBe(1);
    expect(json.runs.map((entry: { run: { name: string } }) => entry.run.name)).toEqual(["good"]);
  });

  test("the run itself is still there: its entry's key tells where", async () => {
    expect((await get(app, "/namespaces/tekton-ci/pipelineruns/bad.json")).status).toBe(200);
  });

  test("its pod's log cannot be told from others of that name: 502 in plain text, which names the key", async () => {
    const answer = await get(app, "/logs/tekton-ci/tr-pod/step-s");
    expect(answer).toMatchObject({ status: 502, type: expect.stringMatching(/^text\/plain/) });
    expect(answer.body).toContain(`${indexPrefix({ by: "pod", values: ["tekton-ci", "tr-pod"] })}`);
  });
});

test.each(["/o/r", "/o/r/pull/7", `/o/r/commit/${sha}`, "/namespaces/tekton-ci", "/?buildid=77&namespace=tekton-ci"])(
  "%s of which no entry can be read is 502, not an empty list",
  async (path) => {
    const archive = new ArchiveFixture();
    await spoil(archive, (await archive.run({ name: "bad", took: 1, place })).run.uid, '{"version":99}');
    const { status, body } = await get(appOver(archive.store), path);
    expect(status).toBe(502);
    expect(words(body)).toMatch(/v1\/index\/\S+ has version 99, this Afterlog knows up to 1: upgrade/);
  },
);

test("a running run whose record cannot be read does not take its list away", async () => {
  const archive = new ArchiveFixture();
  await archive.run({ name: "good", took: 1 });
  const { run } = await archive.run({ name: "bad" });
  const key = `v1/runs/tekton-ci/${run.uid}/running.json`;
  await archive.store.put(key, Buffer.from("{"));
  const app = appOver(archive.store);
  const { status, body } = await get(app, "/");
  expect(status).toBe(200);
  expect(words(body)).toContain(`Its record cannot be read: ${key} is not JSON`);
  expect(body).toContain("good");
  expect((await get(app, "/namespaces/tekton-ci/pipelineruns/bad")).status).toBe(502);
});

test("a log of which a frame is damaged: 502 before the first byte, broken off after it", async () => {
  const archive = new ArchiveFixture();
  const noise = Array.from({ length: 60_000 }, (_, i) => `${(i * 2_654_435_761) >>> 0} ${i}`);
  const tasks = [{ name: "t", taskRun: "tr", containers: [{ title: "s", lines: noise }] }];
  const record = await archive.run({ name: "r", took: 1, tasks });
  const segment = record.tasks[0]?.attempts[0]?.containers[0]?.log.segments[0];
  if (!segment) throw new Error("the fixture has changed");
  const object = Buffer.concat(await (await archive.store.get(segment.key)).toArray());
  const spoiled = Buffer.from(object).fill(0xff, segment.index.offset - 300, segment.index.offset - 100);
  await archive.store.put(segment.key, spoiled);
  const told: object[] = [];
  const logger = {
    error: (details: object) => void told.push(details),
    warn: (details: object) => void told.push(details),
  };
  const app = appOver(archive.store, { logger });

  const response = await app.request("/logs/tekton-ci/tr-pod/step-s");
  expect(response.status).toBe(200);
  const received: Buffer[] = [];
  const reading = (async () => {
    for await (const piece of response.body ?? []) received.push(Buffer.from(piece));
  })();
  await expect(reading).rejects.toThrow("the text breaks off here");
  const start = Date.parse("2026-07-30T09:46:12Z");
  const whole = Buffer.concat(noise.map((line, i) => stored(line, start + i * 1_000)));
  const part = Buffer.concat(received);
  expect(part.byteLength).toBeGreaterThan(0);
  expect(part.byteLength).toBeLessThan(whole.byteLength);
  expect(part.equals(whole.subarray(0, part.byteLength))).toBe(true);
  expect(told).toMatchObject([{ err: { kind: "damaged" }, path: "/logs/tekton-ci/tr-pod/step-s" }]);

  const last = await get(app, "/namespaces/tekton-ci/pipelineruns/r.txt?step=s&tail=1");
  expect(last.status).toBe(502);
  expect(last.body).toContain(segment.key);
});

describe("a storage that never answers", () => {
  afterEach(() => vi.useRealTimers());

  test("is 503 before the first byte, and what was asked of it is called off", async () => {
    const archive = new ArchiveFixture();
    const tasks = [{ name: "t", taskRun: "tr", containers: [{ title: "s", lines: ["x"] }] }];
    await archive.run({ name: "r", took: 1, tasks });
    let asked: AbortSignal | undefined;
    const silent = {
      ...archive.store,
      get: (key: string, options: { signal?: AbortSignal } = {}) => {
        const { signal } = options;
        if (!key.endsWith(".zst") || !signal) return archive.store.get(key, options);
        asked = signal;
        return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answer = get(appOver(silent), "/logs/tekton-ci/tr-pod/step-s");
    await vi.waitFor(() => expect(asked).toBeDefined());
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await answer).toMatchObject({ status: 503, type: expect.stringMatching(/^text\/plain/) });
    expect(asked?.aborted).toBe(true);
  });
});
