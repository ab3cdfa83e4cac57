import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { LogReader } from "../../archive/log-reader.ts";
import { ArchiveReader } from "../../archive/reader.ts";
import { containersOf } from "../../archive/record.ts";
import { openStore } from "../../storage-adapters/open.ts";
import { parsePattern } from "../../viewer/grep/pattern.ts";
import { Searches } from "../../viewer/grep/searches.ts";
import { type BigLog, bigLog, RARE_WORD } from "./big-log.ts";
import { type Figure, median } from "./figure.ts";

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

/** Searching an archived log of 1 GiB, beside `zstdcat | grep -c` on the same segments. */
export async function* measureSearch(_folder: string, shared: string): AsyncGenerator<Figure> {
  const big = await bigLog(shared);
  const archive = new ArchiveReader(await openStore(big.store));
  const [row] = containersOf(big.record);
  if (!row) throw new Error("the run has no container");
  const open = () => archive.logOf(big.record, row);
  const missing = ["zstdcat", "grep"].filter((name) => spawnSync(name, ["--version"]).error !== undefined);
  const searches = new Searches();
  try {
    for (const one of CASES) yield* figures(one, { big, open, searches, missing });
  } finally {
    await searches.pool.close();
  }
}

type Subject = {
  big: BigLog;
  open: () => Promise<LogReader>;
  searches: Searches;
  missing: string[];
};

async function* figures(one: Case, subject: Subject): AsyncGenerator<Figure> {
  const { big, missing, searches } = subject;
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
        : `“${one.text}”, zstdcat | ${how}${one.ignoresCase ? "i" : ""}, ${big.origin}, ${searches.pool.threads} threads, median of ${ROUNDS}`,
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

async function search({ text, isRegex, ignoresCase }: Case, { open, searches }: Subject): Promise<Counted> {
  const begun = performance.now();
  const reader = await open();
  const pattern = parsePattern(text, isRegex, !ignoresCase);
  let count = 0;
  for await (const part of searches.search(reader.frames(), pattern, { signal: AbortSignal.timeout(ROUND_MS) })) {
    if ("unreadable" in part) throw new Error(part.unreadable);
    count += part.lines.length;
  }
  return { seconds: (performance.now() - begun) / 1000, count };
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
