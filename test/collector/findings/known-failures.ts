import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { createDetector, type Found } from "../../../collector/findings/detector.ts";
import type { Ending } from "../../../collector/findings/ending.ts";

/** Real logs with the line that explains each failure, and what the detector makes of them. */

const SHARED = resolve(import.meta.dirname, "../../../../shared");
export const sharedExists = existsSync(SHARED);
export const FAILURES = process.env.AFTERLOG_FAILURES ?? join(SHARED, "data/failures");
export const CI_LOGS = process.env.AFTERLOG_CI_LOGS ?? join(SHARED, "data/ci-logs");

const MATCH = "#=MATCH=# ";
const SOURCE = "#=SOURCE=#";
/** So many lines away is still the block of the line that is meant. */
const NEAR = 3;

export type Verdict = "hit" | "in block" | "miss";
export interface Measured {
  file: string;
  verdict: Verdict;
  wanted: number;
  found: Found;
}

export function detect(text: Buffer, ending: Ending = {}): Found {
  const detector = createDetector();
  detector.push(text);
  return detector.end(ending);
}

/** A marked log as it was, and the number of the marked line. */
export function readMarked(path: string): { text: Buffer; wanted: number } {
  const lines = gunzipSync(readFileSync(path)).toString("utf8").replace(/[‹›]/g, "").split("\n");
  if (lines[0]?.startsWith(SOURCE)) lines.shift();
  const at = lines.findIndex((line) => line.startsWith(MATCH));
  if (at === -1) throw new Error(`${path} marks no line`);
  lines[at] = (lines[at] as string).slice(MATCH.length);
  return { text: Buffer.from(lines.join("\n")), wanted: at + 1 };
}

function judge(wanted: number, leading: Found["leading"]): Verdict {
  if (leading === undefined) return "miss";
  if (leading.line === wanted) return "hit";
  return Math.abs(leading.line - wanted) <= Math.max(NEAR, (leading.lines ?? 1) - 1) ? "in block" : "miss";
}

export function measureFailures(folder = FAILURES): Measured[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".log.gz"));
  return files.sort().map((file) => {
    const { text, wanted } = readMarked(join(folder, file));
    const found = detect(text);
    return { file, verdict: judge(wanted, found.leading), wanted, found };
  });
}

/** Text as Kubernetes gives it: a time in front of each line. */
export function withTimes(text: Buffer): Buffer {
  const time = "2026-07-30T10:03:31.936986000Z ";
  const lines = text.toString("latin1").split("\n");
  return Buffer.from(lines.map((line) => time + line).join("\n"), "latin1");
}

export interface Recall {
  file: string;
  known: number;
  /** Known error lines among the kept findings. */
  kept: number;
  /** How many findings there were. */
  total: number;
  leading: Found["leading"];
  leadingIsKnown: boolean;
}

/** Compares with the error lines that Mozilla's log viewer knows of its sample logs. */
export function measureRecall(folder = CI_LOGS): Recall[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".logview.json"));
  return files.sort().map((file) => {
    const { errors } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { errors: KnownError[] };
    const text = gunzipSync(readFileSync(join(folder, file.replace(".logview.json", ".log.gz"))));
    const lines = text.toString("utf8").split("\n");
    const known = new Set(errors.map((error) => placeOf(error, lines)));
    const { findings, leading, total } = detect(withTimes(text));
    const kept = new Set(findings.flatMap(spannedLines).filter((line) => known.has(line))).size;
    const leadingIsKnown = leading !== undefined && known.has(leading.line);
    return { file, known: known.size, kept, total, leading, leadingIsKnown };
  });
}

interface KnownError {
  linenumber: number;
  line: string;
}

/** The numbers there count other line ends, too: the nearest line with that text is meant. */
function placeOf({ linenumber, line }: KnownError, lines: string[]): number {
  const near = [0, 1, -1, 2, -2, 3, -3, 4, -4].map((away) => linenumber + away);
  const found = near.find((at) => lines[at - 1]?.includes(line.trim()));
  if (found === undefined) throw new Error(`no line near ${linenumber} says: ${line}`);
  return found;
}

/** A group is shown as a whole, from its line on. */
const spannedLines = ({ line, lines = 1 }: { line: number; lines?: number }) =>
  Array.from({ length: lines }, (_, index) => line + index);
