import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { LogWriter } from "../../archive/log-writer.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { generator } from "../simulator/random.ts";
import type { Figure } from "./figure.ts";
import { logLines, realLogs, recordLog } from "./recorded-log.ts";

const READ_BYTES = 256 * 1024;
/** The real logs are less: nothing comes twice. */
const RECORDED_BYTES = 48e6;
const STARTED_MS = Date.parse("2026-07-30T09:46:12Z");
/** Between two lines on the average. */
const PAUSE_NS = 2_000_000;

/** What a finished log takes in the store, beside gzip -6 of the same text with times. */
export async function* measureStoredBytes(folder: string): AsyncGenerator<Figure> {
  const path = join(folder, "log.txt");
  const logs: (Sizes & { name: string })[] = [];
  for (const { name, lines } of realLogs()) {
    await writeFile(path, withTimes(lines));
    logs.push({ name, ...(await sizesOf(path)) });
  }
  const sum = (one: keyof Sizes) => logs.reduce((total, sizes) => total + sizes[one], 0);
  const ratios = logs.map(({ name, ours, rival }) => `${name} ${(ours / rival).toFixed(2)}`);
  yield {
    name: "stored bytes of real logs, beside gzip -6",
    unit: "MB",
    ...(logs.length > 0 && { ours: sum("ours") / 1e6, rival: sum("rival") / 1e6 }),
    goal: { of: "ratio", most: 0.8 },
    note:
      logs.length > 0
        ? `${Math.round(sum("plain") / 1e6)} MB with times in nanoseconds: ${ratios.join(", ")}`
        : "they are not there",
  };
  const { origin } = await recordLog(`${path}.recorded`, logLines(), { bytes: RECORDED_BYTES, startMs: STARTED_MS });
  const recorded = await sizesOf(`${path}.recorded`);
  yield {
    name: "stored bytes of the recorded log, beside gzip -6",
    unit: "MB",
    ours: recorded.ours / 1e6,
    rival: recorded.rival / 1e6,
    goal: { of: "ratio", most: 0.8 },
    note: `${Math.round(recorded.plain / 1e6)} MB with times at even distances, ${origin}`,
  };
}

/** As Kubernetes gives them: no digit of a time follows from the line before. */
function withTimes(lines: readonly Buffer[]): Buffer {
  const random = generator(3);
  let ns = 0;
  const parts = lines.flatMap((line) => {
    ns += Math.round(random() * 2 * PAUSE_NS);
    const second = new Date(STARTED_MS + Math.floor(ns / 1e9) * 1_000).toISOString().slice(0, 19);
    return [Buffer.from(`${second}.${String(ns % 1e9).padStart(9, "0")}Z `), line, Buffer.from("\n")];
  });
  return Buffer.concat(parts);
}

type Sizes = { ours: number; rival: number; plain: number };

async function sizesOf(path: string): Promise<Sizes> {
  const { stdout } = await promisify(execFile)("sh", ["-c", 'gzip -6 -c "$1" | wc -c', "sh", path]);
  const id = { namespace: "bench", runUid: "r", taskRunUid: "t", attempt: 0, container: "step-build", restart: 0 };
  const writer = await LogWriter.open(memoryStore(), id, "pod");
  for await (const text of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    await writer.ready();
    writer.append(text);
  }
  const { bytes, segments } = await writer.finish({ state: "whole" });
  return { ours: segments.reduce((sum, { size }) => sum + size, 0), rival: Number(stdout), plain: bytes };
}
