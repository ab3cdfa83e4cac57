import { beforeAll, describe, expect, test } from "vitest";
import { type ObjectReader, StorageError } from "../../storage-adapters/store.ts";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

/** Tekton Dashboard's `--external-logs`, sentence by sentence (tekton-contracts §1). */

const archive = new ArchiveFixture();
const app = appOver(archive.store, { namespaces: ["tekton-ci"] });
/** What the Dashboard's proxy sends. */
const PROXY = { "User-Agent": "Go-http-client/1.1" };
const POD = "/logs/tekton-ci/build-pod";
const ask = (path: string) => get(app, path, PROXY);

beforeAll(async () => {
  const run = (createdAt: string, said: string) => ({
    name: "run",
    createdAt,
    took: 60,
    tasks: [
      {
        name: "build",
        taskRun: "build",
        at: [2, 55] as [number, number],
        earlier: [
          {
            status: "failed" as const,
            at: [0, 1] as [number, number],
            containers: [{ title: "x", lines: [`${said} first try`] }],
          },
        ],
        containers: [{ title: "x", lines: [`${said} second try`] }],
      },
    ],
  });
  await archive.run(run("2026-07-28T10:00:00Z", "tuesday"));
  await archive.run(run("2026-07-30T10:00:00Z", "thursday"));
  await archive.run({
    name: "odd",
    took: 60,
    tasks: [
      {
        name: "odd",
        taskRun: "odd",
        containers: [
          { title: "prepare", kind: "init", lines: ["init"] },
          { title: "empty", lines: [] },
          { title: "never", state: "none", words: "It never started." },
          { title: "redis", kind: "sidecar", lines: ["real work"] },
          { title: "redis", kind: "sidecar", restart: 1, lines: ["nop"] },
          { title: "late", kind: "sidecar", lines: [] },
          { title: "late", kind: "sidecar", restart: 1, lines: ["second run"] },
        ],
      },
    ],
  });
  await archive.run({
    name: "live",
    tasks: [
      {
        name: "l",
        taskRun: "live",
        status: "running",
        at: [0],
        containers: [
          { title: "x", status: "running", lines: ["so far"], state: "open" },
          { title: "y", status: "waiting", state: "waiting" },
        ],
      },
    ],
  });
  await archive.run({
    namespace: "secret",
    name: "s",
    took: 1,
    tasks: [{ name: "s", taskRun: "s", containers: [{ title: "x", lines: ["hidden"] }] }],
  });
});

describe("which log", () => {
  test.each([
    ["no query", `${POD}-retry1/step-x`, "thursday second try"],
    ["an empty query", `${POD}-retry1/step-x?`, "thursday second try"],
    ["an unknown query", `${POD}-retry1/step-x?foo=bar`, "thursday second try"],
    ["empty times", `${POD}-retry1/step-x?startTime=&completionTime=`, "thursday second try"],
    ["the first attempt's pod", `${POD}/step-x`, "thursday first try"],
    [
      "the times of an older run",
      `${POD}-retry1/step-x?startTime=2026-07-28T10%3A00%3A02Z&completionTime=2026-07-28T10%3A00%3A55Z`,
      "tuesday second try",
    ],
    ["the start alone", `${POD}-retry1/step-x?startTime=2026-07-28T10:00:02Z`, "tuesday second try"],
    ["the end alone", `${POD}-retry1/step-x?completionTime=2026-07-28T10:00:55Z`, "tuesday second try"],
    ["times of another clock", `${POD}-retry1/step-x?startTime=2026-07-28T10:03:00Z`, "tuesday second try"],
    ["a name that is encoded", "/logs/tekton-ci/build%2Dpod/step%2dx", "thursday first try"],
    ["an init container", "/logs/tekton-ci/odd-pod/prepare", "init"],
    [
      "a sidecar that was restarted with an image that does nothing",
      "/logs/tekton-ci/odd-pod/sidecar-redis",
      "real work",
    ],
    ["a sidecar of which only the second run wrote", "/logs/tekton-ci/odd-pod/sidecar-late", "second run"],
    ["one that grows", "/logs/tekton-ci/live-pod/step-x", "so far"],
  ])("%s", async (_, path, said) => {
    const { status, type, body, headers } = await ask(path);
    expect(status).toBe(200);
    expect(type).toBe("text/plain; charset=utf-8");
    expect(body).toMatch(new RegExp(`^2026-07-\\d\\dT[\\d:]{8}\\.\\d{9}Z ${said}\\n$`));
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    for (const name of ["Set-Cookie", "Content-Security-Policy", "Location"]) expect(headers.get(name)).toBeNull();
  });

  test("without times, if asked so", async () => {
    expect((await ask(`${POD}/step-x?timestamps=false`)).body).toBe("thursday first try\n");
  });

  test("HEAD", async () => {
    const response = await app.request(`${POD}/step-x`, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(Number(response.headers.get("Content-Length"))).toBe((await ask(`${POD}/step-x`)).body.length);
  });
});

test.each(["/logs/tekton-ci/odd-pod/step-empty", "/logs/tekton-ci/live-pod/step-y"])(
  "%s is known and empty: 200 with Content-Length 0",
  async (path) => {
    for (const headers of [PROXY, { ...PROXY, "Accept-Encoding": "gzip" }]) {
      const { status, headers: got, body } = await get(app, path, headers);
      expect([status, got.get("Content-Length"), body]).toEqual([200, "0", ""]);
    }
  },
);

test("a log that there is none of is 404 with the reason, not an empty one", async () => {
  expect(await ask("/logs/tekton-ci/odd-pod/step-never")).toMatchObject({
    status: 404,
    type: expect.stringMatching(/^text\/plain/),
    body: "404 There is no such log\nIt never started.\n",
  });
});

test.each([
  ["/logs/tekton-ci/build-pod/step-unknown", 404],
  ["/logs/tekton-ci/no-such-pod/step-x", 404],
  ["/logs/elsewhere/build-pod/step-x", 404],
  ["/logs/secret/s-pod/step-x", 404],
  [`${POD}/step-x?startTime=2020-01-01T00:00:00Z`, 404],
  ["/logs/tekton-ci/build-pod", 404],
  ["/logs/tekton-ci/build-pod/step-x/more", 404],
  ["/logs/Tekton_CI/build-pod/step-x", 400],
  ["/logs/tekton-ci/..%2fbuild-pod/step-x", 400],
  ["/logs/tekton-ci/build-pod/step%00x", 400],
  ["/logs/tekton-ci/build-pod/step%ff", 400],
  [`${POD}/step-x?startTime=yesterday`, 400],
])("%s is %i in plain text", async (path, status) => {
  const answer = await ask(path);
  expect(answer.status).toBe(status);
  expect(answer.type).toMatch(/^text\/plain/);
  expect(answer.body).not.toContain("<");
});

describe("when the storage fails", () => {
  const failing = (fails: (key: string) => boolean, kind: "unavailable" | "denied"): ObjectReader => ({
    get: (key, options) =>
      fails(key) ? Promise.reject(new StorageError(kind, "the bucket is away")) : archive.store.get(key, options),
    stat: (key, options) => archive.store.stat(key, options),
    list: (prefix, options) => archive.store.list(prefix, options),
  });

  test.each([
    ["unavailable", 503],
    ["denied", 502],
  ] as const)("%s before the first byte is %i", async (kind, status) => {
    for (const part of ["v1/index/pod", "record.json", ".log.zst"]) {
      const answer = await get(appOver(failing((key) => key.includes(part), kind)), `${POD}/step-x`, PROXY);
      expect([part, answer.status, answer.type.split(";")[0]]).toEqual([part, status, "text/plain"]);
      expect(answer.body).not.toContain("the bucket is away");
    }
  });
});
