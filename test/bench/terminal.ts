import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Figure, median } from "./figure.ts";

const RIVAL = "github.com/buildkite/terminal-to-html/v3";
const VERSION = "v3.17.1";
const RUNS = 3;
const INPUT_BYTES = 100_000_000;

const fixture = (name: string): Buffer =>
  gunzipSync(readFileSync(new URL(`../fixtures/demo/${name}.gz`, import.meta.url)));

/** What real tools printed, and how much of it is escape sequences. */
const INPUTS: [kind: string, captures: string[]][] = [
  ["plain lines", ["compile_error.log", "pytest_failure.log", "ninja_build_failed.log"]],
  ["coloured lines", ["lint_lintrunner.log"]],
  ["lines written over", ["buildah-build.raw"]],
  ["moves of the cursor", ["docker-pull.raw", "playwright.raw"]],
];

/**
 * Bytes of log that become HTML in a second of wall-clock time, beside terminal-to-html. Both read a file from their
 * standard input and write to nowhere; the start of the process is counted.
 */
export async function* measureTerminal(folder: string): AsyncGenerator<Figure> {
  const ours = [process.execPath, fileURLToPath(new URL("terminal-render.ts", import.meta.url))];
  const { program, why } = built(folder);
  for (const [kind, captures] of INPUTS) {
    const capture = Buffer.concat(captures.map(fixture));
    const copies = Math.ceil(INPUT_BYTES / capture.byteLength);
    const path = join(folder, "input");
    writeFileSync(path, Buffer.concat(Array.from({ length: copies }, () => capture)));
    // In turns, so that the machine's other work falls on both.
    const seconds = Array.from(
      { length: RUNS },
      () => [spent(ours, path), program === undefined ? undefined : spent([program], path)] as const,
    );
    const rate = (times: number[]) =>
      times.length === 0 ? undefined : (copies * capture.byteLength) / 1e6 / median(times);
    yield {
      name: `terminal: ${kind}`,
      unit: "MB/s",
      ours: rate(seconds.map(([own]) => own)),
      rival: rate(seconds.flatMap(([, rival]) => rival ?? [])),
      goal: { of: "ratio", least: 2 },
      note: why ?? `beside terminal-to-html ${VERSION}`,
    };
  }
}

/** The rival's program, or why there is none. */
function built(folder: string): { program?: string; why?: string } {
  writeFileSync(join(folder, "go.mod"), `module bench\n\ngo 1.24\n\nrequire ${RIVAL} ${VERSION}\n`);
  const program = join(folder, "terminal-to-html");
  const { status, error, stderr } = spawnSync("go", ["build", "-o", program, `${RIVAL}/cmd/terminal-to-html`], {
    cwd: folder,
    env: { ...process.env, GOFLAGS: "-mod=mod" },
    encoding: "utf8",
  });
  if (status === 0) return { program };
  const words = error?.message ?? stderr.trim().split("\n").at(-1);
  return { why: `${RIVAL} ${VERSION} could not be built: ${words}` };
}

/** Seconds. @throws Error if the program fails */
function spent([program = "", ...args]: readonly string[], path: string): number {
  const input = openSync(path, "r");
  const started = performance.now();
  const { status, error } = spawnSync(program, args, { stdio: [input, "ignore", "inherit"] });
  const took = (performance.now() - started) / 1_000;
  closeSync(input);
  if (status !== 0) throw new Error(`${program} failed`, { cause: error });
  return took;
}
