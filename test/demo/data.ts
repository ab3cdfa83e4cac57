import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Line } from "../simulator/index.ts";

/** The demo's texts: real logs from test/fixtures/demo, and a few that are made up where nothing fails. */

export type Fixture =
  | "buildah-build.raw"
  | "compile_error.log"
  | "docker-pull.raw"
  | "lint_lintrunner.log"
  | "ninja_build_failed.log"
  | "pip_wheel_build_failure.log"
  | "playwright.raw"
  | "pytest_failure.log"
  | "unittest_failed_consistently.log";

export const fixtureLines = (name: Fixture): Buffer[] =>
  splitLines(gunzipSync(readFileSync(new URL(`../fixtures/demo/${name}.gz`, import.meta.url))));

/** Lines as bytes: carriage returns, colours and what is not UTF-8 stay as they were. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  if (start < bytes.length) lines.push(bytes.subarray(start));
  return lines;
}

/** Spreads lines over about `seconds`: bursts and pauses, as programs print. */
export function over(seconds: number, lines: readonly (string | Uint8Array)[]): Line[] {
  const weights = lines.map((_, index) => (hash(`${index}`) % 10 === 0 ? 12 : 1));
  const unit = (seconds * 1000) / weights.reduce((sum, weight) => sum + weight, 0);
  return lines.map((text, index) => ({ text, afterMs: unit * (weights[index] ?? 1) }));
}

export const checkoutLines = (repository: string, sha: string): string[] => [
  `+ git clone --depth 1 https://github.com/${repository} /workspace/source`,
  "Cloning into '/workspace/source'...",
  "remote: Enumerating objects: 812, done.",
  "remote: Counting objects: 100% (812/812), done.",
  "remote: Compressing objects: 100% (640/640), done.",
  "Receiving objects: 100% (812/812), 4.21 MiB | 11.40 MiB/s, done.",
  `+ git checkout --detach ${sha}`,
  `HEAD is now at ${sha.slice(0, 7)}`,
];

/** What a build prints before anything fails. */
const buildTargets = (): string[] =>
  fixtureLines("compile_error.log")
    .map((line) => /^\[\d+\/\d+\] (Building .*)$/.exec(line.toString())?.[1])
    .filter((target) => target !== undefined);

export function buildLines(count: number, total = count): string[] {
  const targets = buildTargets();
  return Array.from(
    { length: count },
    (_, index) => `[${index + 1}/${total}] ${targets[index % targets.length] ?? ""}`,
  );
}

/** A build without end, for the run that is always under way. */
export function* endlessBuild(paceMs: number): Generator<Line> {
  const targets = buildTargets();
  for (let count = 1; ; count++) {
    yield { text: `\u001b[32m[${count}]\u001b[0m ${targets[count % targets.length] ?? ""}`, afterMs: paceMs };
    if (count % 40 === 0)
      yield { text: `warning: ${count} targets, cache hit rate 61 %`, afterMs: 0, stream: "stderr" };
  }
}

export function testLines(suite: string, count: number): string[] {
  const lines: string[] = [];
  for (let index = 1; index <= count; index++) {
    const test = `Test${suite}/${["reads", "writes", "resumes", "lists", "expires"][index % 5]}_${index}`;
    lines.push(
      `=== RUN   ${test}`,
      `\u001b[32m--- PASS\u001b[0m: ${test} (0.${String(hash(test) % 90).padStart(2, "0")}s)`,
    );
  }
  return [...lines, "PASS", `ok  \tgithub.com/example/project/${suite.toLowerCase()}\t${count / 10}s`];
}

export const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

const hash = (text: string): number => Number.parseInt(sha1(text).slice(0, 8), 16);
