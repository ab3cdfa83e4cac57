import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { type BigLog, bigLog, RARE_WORD } from "./big-log.ts";
import { type Figure, median } from "./figure.ts";
import { Reader } from "./reader.ts";
import { type Server, startViewer } from "./viewer-process.ts";

const ROUNDS = 5;
const ROUND_MS = 120_000;
const GOAL = 1.5;

type Case = { name: string; text: string; isRegex: boolean; ignoresCase: boolean };

/** Nothing that a time could contain: the rival looks at times, too. */
const CASES: Case[] = [
  { name: "a rare word", text: RARE_WORD, isRegex: false, ignoresCase: false },
  { name: "a word that is in many lines", text: "error", isRegex: false, ignoresCase: true },
  { name: "an expression", text: "exit(ed)? (with )?(code|status) [1-9]", isRegex: true, ignoresCase: false },
  { name: "alternatives that are in many lines", text: "(failed|error|panic)", isRegex: true, ignoresCase: false },
  { name: "an expression with repetitions", text: "error(s)?: [a-z]+ [a-z]+", isRegex: true, ignoresCase: false },
];

/** Searching an archived log of 1 GiB through the viewer, beside `zstdcat | grep -c` on the same segments. */
export async function* measureSearch(_folder: string, shared: string): AsyncGenerator<Figure> {
  await using cleanup = new AsyncDisposableStack();
  const big = await bigLog(shared);
  const viewer = await startViewer(big.store, cleanup);
  const missing = ["zstdcat", "grep"].filter((name) => spawnSync(name, ["--version"]).error !== undefined);
  for (const one of CASES) yield* figures(one, { big, viewer, missing });
}

type Subject = { big: BigLog; viewer: Server; missing: string[] };

async function* figures(one: Case, subject: Subject): AsyncGenerator<Figure> {
  const { big, missing } = subject;
  const ours: Counted[] = [];
  const rival: Counted[] = [];
  // Side by side, so that what else the machine does meets both.
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await search(one, subject));
    if (missing.length === 0) rival.push(await grep(one, big.files));
  }
  const speed = (counted: Counted[]) =>
    counted.length > 0 ? big.log.bytes / 1e6 / median(counted.map(({ seconds }) => seconds)) : undefined;
  const how = one.isRegex ? "grep -cE" : "grep -c";
  yield {
    name: `search for ${one.name}`,
    unit: "MB/s",
    ours: speed(ours),
    rival: speed(rival),
    goal: { of: "ratio", least: GOAL },
    note:
      missing.length > 0
        ? `no rival without ${missing.join(" and ")} on PATH: install it`
        : `“${one.text}”, zstdcat | ${how}${one.ignoresCase ? "i" : ""}, ${big.origin}, median of ${ROUNDS}`,
  };
  yield {
    name: `lines with ${one.name}`,
    unit: "lines",
    ours: ours[0]?.count,
    rival: rival[0]?.count,
    ...((rival[0]?.count ?? 0) > 0 && { goal: { of: "ratio", least: 1 } }),
  };
}

type Counted = { seconds: number; count: number };

/** As the page's script searches: it gets the count, and the numbers of the first 10,000 lines. */
async function search({ text, isRegex, ignoresCase }: Case, { big, viewer }: Subject): Promise<Counted> {
  const grep = new URLSearchParams({ grep: text, regex: `${isRegex}`, case: `${!ignoresCase}`, fragment: "hits" });
  const reader = new Reader();
  const begun = performance.now();
  const { body } = await reader.load(`${viewer.url}${big.path}?step=build&${grep}`);
  const seconds = (performance.now() - begun) / 1000;
  reader.close();
  const { count, done, unreadable } = JSON.parse(body.toString().trimEnd().split("\n").at(-1) ?? "");
  if (!done || unreadable) throw new Error(`the search for ${text} did not come to its end: ${body}`);
  return { seconds, count };
}

async function grep({ text, isRegex, ignoresCase }: Case, paths: string[]): Promise<Counted> {
  const options = `-c${isRegex ? "E" : "F"}${ignoresCase ? "i" : ""}`;
  const begun = performance.now();
  // grep's status for no hits is 1.
  const pipe = 'zstdcat "$@" | grep "$OPTIONS" -e "$PATTERN" || test $? -eq 1';
  const { stdout } = await promisify(execFile)("sh", ["-c", pipe, "sh", ...paths], {
    timeout: ROUND_MS,
    env: { PATH: process.env.PATH, LANG: "C.UTF-8", OPTIONS: options, PATTERN: text },
  });
  return { seconds: (performance.now() - begun) / 1000, count: Number(stdout.trim()) };
}
