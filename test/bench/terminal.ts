import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/**
 * Bytes of log that become HTML in a second, beside terminal-to-html, which is built with Go: `node test/bench/terminal.ts
 * [more captures…]`. Both read a file once from their standard input and write to nowhere; start-up is counted.
 */
const RIVAL = "github.com/buildkite/terminal-to-html/v3";
const VERSION = "v3.17.1";
const GOAL = 2;
const RUNS = 5;
const INPUT_BYTES = 100_000_000;

const fixture = (name: string): Buffer =>
  gunzipSync(readFileSync(new URL(`../fixtures/demo/${name}.gz`, import.meta.url)));

const inputs: [figure: string, capture: Buffer][] = [
  ["plain", Buffer.concat(["compile_error.log", "pytest_failure.log", "ninja_build_failed.log"].map(fixture))],
  ["colours", fixture("lint_lintrunner.log")],
  ["written over", fixture("buildah-build.raw")],
  ["moves", Buffer.concat(["docker-pull.raw", "playwright.raw"].map(fixture))],
  ...process.argv.slice(2).map((path): [string, Buffer] => [basename(path), readFileSync(path)]),
];

const folder = mkdtempSync(join(tmpdir(), "bench-terminal-"));
try {
  const rival = built(folder);
  const ours = [process.execPath, fileURLToPath(new URL("terminal-render.ts", import.meta.url))];
  console.log("figure, ours, rival, ratio, goal, holds");
  for (const [figure, capture] of inputs) {
    const path = join(folder, "input");
    const copies = Math.ceil(INPUT_BYTES / capture.byteLength);
    writeFileSync(path, Buffer.concat(Array.from({ length: copies }, () => capture)));
    const rate = (command: readonly string[]) => (copies * capture.byteLength) / 1e6 / median(command, path);
    const [our, their] = [rate(ours), rate([rival])];
    const ratio = our / their;
    console.log(
      `terminal: ${figure}, ${our.toFixed(1)} MB/s, ${their.toFixed(1)} MB/s, ${ratio.toFixed(2)}, >= ${GOAL}, ${ratio >= GOAL ? "yes" : "no"}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** The path of the rival's program. */
function built(into: string): string {
  writeFileSync(join(into, "go.mod"), `module bench\n\ngo 1.24\n\nrequire ${RIVAL} ${VERSION}\n`);
  const program = join(into, "terminal-to-html");
  const env = { ...process.env, GOFLAGS: "-mod=mod" };
  const { status, error, stderr } = spawnSync("go", ["build", "-o", program, `${RIVAL}/cmd/terminal-to-html`], {
    cwd: into,
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${RIVAL} ${VERSION} cannot be built: ${error?.message ?? stderr}`);
  return program;
}

/** Seconds. */
function median([program = "", ...args]: readonly string[], path: string): number {
  const seconds = Array.from({ length: RUNS }, () => {
    const input = openSync(path, "r");
    const started = performance.now();
    const { status, error } = spawnSync(program, args, { stdio: [input, "ignore", "inherit"] });
    const took = (performance.now() - started) / 1_000;
    closeSync(input);
    if (status !== 0) throw new Error(`${program} failed`, { cause: error });
    return took;
  });
  return seconds.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] as number;
}
