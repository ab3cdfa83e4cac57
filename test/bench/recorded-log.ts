import { existsSync, readdirSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { type Fixture, fixtureLines, splitLines } from "../demo/data.ts";
import { maxEntryBytes } from "../simulator/cri-log.ts";
import { generator } from "../simulator/random.ts";

/** Real logs of CI systems, too large for the repository: used where they lie beside the checkout. */
const REAL_LOGS = resolve(import.meta.dirname, "../../../shared/data/ci-logs");
const FIXTURES: Fixture[] = ["buildah-build.raw", "compile_error.log", "lint_lintrunner.log", "pytest_failure.log"];

const LF = 0x0a;
/** Of the times in it; a read that goes on where another ended gets a second of it twice. */
const LINES_PER_SECOND = 5_000;
const WRITE_BYTES = 4 * 1024 * 1024;
/** Larger than what a compressor looks back to, so that it does not find the text again. */
const SHUFFLED_BYTES = 32 * 1024 * 1024;

export type RecordedLog = {
  path: string;
  bytes: number;
  lines: number;
  origin: string;
  /** Where each second begins: its RFC 3339 time, the offset of its first line. In order. */
  seconds: { time: string; offset: number }[];
};

/** The lines of CI's logs; `origin` says in words where they come from. */
export type LogLines = { lines: readonly Buffer[]; origin: string };

export const logLines = (): LogLines => (existsSync(REAL_LOGS) ? realLines() : shuffledLines());

/**
 * Writes a log as the log endpoint gives it, each line with its time in front: the given lines again and again, until
 * there are at least `bytes`.
 */
export async function recordLog(
  path: string,
  { lines: texts, origin }: LogLines,
  { bytes, startMs }: { bytes: number; startMs: number },
): Promise<RecordedLog> {
  const file = await open(path, "wx");
  const log: RecordedLog = { path, bytes: 0, lines: 0, origin, seconds: [] };
  const buffer = Buffer.allocUnsafe(WRITE_BYTES);
  let filled = 0;
  const flush = async () => {
    await file.write(buffer, 0, filled);
    filled = 0;
  };
  try {
    for (let at = 0; log.bytes < bytes; at = (at + 1) % texts.length) {
      const text = texts[at] as Buffer;
      const second = Math.floor(log.lines / LINES_PER_SECOND);
      const date = log.seconds[second]?.time ?? addSecond(log, startMs + second * 1000);
      const fraction = ((log.lines % LINES_PER_SECOND) * 1_000_000_000) / LINES_PER_SECOND;
      if (filled + text.byteLength + 64 > buffer.byteLength) await flush();
      const begin = filled;
      filled += buffer.write(`${date}.${String(fraction).padStart(9, "0")}Z `, filled, "latin1");
      filled += text.copy(buffer, filled);
      buffer[filled++] = LF;
      log.lines++;
      log.bytes += filled - begin;
    }
    await flush();
  } finally {
    await file.close();
  }
  return log;
}

function addSecond(log: RecordedLog, ms: number): string {
  const time = new Date(ms).toISOString().slice(0, 19);
  log.seconds.push({ time, offset: log.bytes });
  return time;
}

/** Where an answer to `sinceTime` begins: Kubernetes cuts it to whole seconds. */
export function offsetOf(log: RecordedLog, sinceTime: string | null): number {
  if (sinceTime === null) return 0;
  const since = new Date(sinceTime).toISOString().slice(0, 19);
  return log.seconds.find(({ time }) => time >= since)?.offset ?? log.bytes;
}

/** Each of the real logs by its file's name; none where they are not there. */
export function realLogs(): { name: string; lines: Buffer[] }[] {
  if (!existsSync(REAL_LOGS)) return [];
  const names = readdirSync(REAL_LOGS).filter((name) => name.endsWith(".log.gz"));
  return names.map((name) => ({ name, lines: splitLines(gunzipSync(readFileSync(join(REAL_LOGS, name)))) }));
}

function realLines(): LogLines {
  const lines = realLogs().flatMap((log) => log.lines);
  // A longer one would come in several entries.
  return { lines: lines.filter((line) => line.byteLength <= maxEntryBytes), origin: "real logs of CI systems" };
}

/** The fixtures are small: their lines in any order, with other numbers in them. */
function shuffledLines(): LogLines {
  const random = generator(1);
  const texts = FIXTURES.flatMap((name) => fixtureLines(name)).map((line) => line.toString("latin1"));
  const lines: Buffer[] = [];
  for (let bytes = 0; bytes < SHUFFLED_BYTES; bytes += lines.at(-1)?.byteLength ?? 0) {
    const text = texts[Math.floor(random() * texts.length)] ?? "";
    const other = text.replace(/\d/g, () => String(Math.floor(random() * 10)));
    lines.push(Buffer.from(other, "latin1"));
  }
  return { lines, origin: "shuffled lines of the demo's logs" };
}
