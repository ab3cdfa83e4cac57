import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "afterlog-processes-"));
const store = pathToFileURL(join(folder, "archive")).href;

/** Runs a process of Afterlog to its end. */
async function run(script: string, env: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [script], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", HOME: folder, AFTERLOG_PORT: "0", AFTERLOG_STORE: store, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = Promise.withResolvers<number | null>();
  child.once("exit", ended.resolve);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended.promise, said: out + err };
}

function kubeconfig(server: string): string {
  const file = join(folder, `kubeconfig-${server.replace(/\W+/g, "-")}`);
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  return file;
}

function written(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const nowhere = { KUBECONFIG: kubeconfig("http://127.0.0.1:1") };

describe("a process that cannot work says which setting and how to put it right, and ends with 1", () => {
  const cases: [string, string, Record<string, string>, RegExp[]][] = [
    [
      "main.ts",
      "a store that there is not",
      { ...nowhere, AFTERLOG_STORE: "ftp://x" },
      [/AFTERLOG_STORE/, /file:\/\/|s3:\/\//],
    ],
    [
      "main.ts",
      "an empty list of namespaces",
      { ...nowhere, AFTERLOG_NAMESPACES: " , " },
      [/AFTERLOG_NAMESPACES is empty/],
    ],
    ["main.ts", "a cluster that does not answer", nowhere, [/http:\/\/127\.0\.0\.1:1 does not answer/, /KUBECONFIG/]],
    [
      "collector/main.ts",
      "a store that there is not",
      { ...nowhere, AFTERLOG_STORE: "s3:/x" },
      [/AFTERLOG_STORE/, /s3:\/\/bucket/],
    ],
    [
      "collector/main.ts",
      "no namespaces on a public host",
      { ...nowhere, AFTERLOG_HOST: "0.0.0.0" },
      [/AFTERLOG_NAMESPACES is not set/],
    ],
    [
      "collector/main.ts",
      "several faults at once",
      {
        ...nowhere,
        AFTERLOG_NAMESPACES: "A_b",
        AFTERLOG_FOLLOWS_PER_NODE: "many",
        AFTERLOG_FINALIZER_SECONDS: "3601",
        AFTERLOG_LEASE_NAMESPACE: "After_log",
        AFTERLOG_LOG_LEVEL: "loud",
      },
      [
        /AFTERLOG_NAMESPACES .*"A_b"/,
        /AFTERLOG_FOLLOWS_PER_NODE is "many"/,
        /AFTERLOG_FINALIZER_SECONDS is "3601"/,
        /AFTERLOG_LEASE_NAMESPACE is "After_log"/,
        /AFTERLOG_LOG_LEVEL is "loud"/,
      ],
    ],
    ["collector/main.ts", "a cluster that does not answer", nowhere, [/does not answer/, /KUBECONFIG/]],
    [
      "collector/main.ts",
      "a kubeconfig that there is not",
      { ...nowhere, KUBECONFIG: join(folder, "missing") },
      [/KUBECONFIG/, /missing/],
    ],
    [
      "collector/main.ts",
      "a kubeconfig that is none",
      { ...nowhere, KUBECONFIG: written("not-yaml", "{{ not: yaml") },
      [/KUBECONFIG/, /cannot be read/],
    ],
    [
      "collector/main.ts",
      "a kubeconfig without a context",
      { ...nowhere, KUBECONFIG: written("no-context", "apiVersion: v1\nkind: Config\nclusters: []\n") },
      [/KUBECONFIG/, /no current context/],
    ],
    ["viewer/main.ts", "a store that there is not", { AFTERLOG_STORE: "gs:bucket" }, [/AFTERLOG_STORE/]],
    [
      "viewer/main.ts",
      "an S3 store that does not answer",
      {
        AFTERLOG_STORE: "s3://b?region=us-east-1&endpoint=http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID: "a",
        AWS_SECRET_ACCESS_KEY: "b",
      },
      [/bucket "b"/, /ECONNREFUSED/],
    ],
    ["viewer/main.ts", "an empty list of namespaces", { AFTERLOG_NAMESPACES: "" }, [/AFTERLOG_NAMESPACES is empty/]],
  ];
  test.concurrent.each(cases)("%s: %s", async (script, _, env, expected) => {
    const { code, said } = await run(script, env);
    expect(code, said).toBe(1);
    for (const words of expected) expect(said).toMatch(words);
    expect(said).not.toMatch(/\n\s+at /);
  });

  test.skipIf(process.getuid?.() === 0)(
    "a folder that cannot be written (skipped as root, who may write anywhere)",
    async () => {
      const closed = join(folder, "closed");
      mkdirSync(closed);
      chmodSync(closed, 0o500);
      const { code, said } = await run("collector/main.ts", { ...nowhere, AFTERLOG_STORE: pathToFileURL(closed).href });
      expect(code).toBe(1);
      expect(said).toContain(closed);
    },
  );
});

test("the demo shows its runs within 15 s of its start", async () => {
  const child = spawn(process.execPath, ["test/demo/main.ts"], {
    cwd: ROOT,
    env: { ...process.env, AFTERLOG_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const began = Date.now();
  try {
    const address = Promise.withResolvers<string>();
    child.once("exit", (code) => address.reject(new Error(`the demo ended with ${code}`)));
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes;
      const url = /Tekton at (http:\S+)/.exec(said)?.[1];
      if (url) address.resolve(url);
    });
    const url = await address.promise;
    const page = async (path: string) => (await fetch(url + path, { headers: { accept: "text/html" } })).text();
    await expect.poll(() => page("/"), { timeout: 15_000 }).toContain("pull-project-unit-test");
    expect(Date.now() - began).toBeLessThan(15_000);
    await expect.poll(() => page("/example/project/pull/42"), { timeout: 15_000 }).toContain("pull-project-lint");
    await expect
      .poll(() => page("/namespaces/nightly/pipelines/project-nightly"), { timeout: 15_000 })
      .toContain("project-nightly");
  } finally {
    child.kill("SIGTERM");
  }
}, 40_000);
