import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  CI_LOGS,
  detect,
  FAILURES,
  measureFailures,
  measureRecall,
  type Verdict,
  withTimes,
} from "./known-failures.ts";

/** Prints how well and how fast failures are found: `node test/collector/findings/measure.ts`. */

const print = (line: string) => process.stdout.write(`${line}\n`);

const counts: Record<Verdict, number> = { hit: 0, "in block": 0, miss: 0 };
print(FAILURES);
for (const { file, verdict, wanted, found } of measureFailures()) {
  counts[verdict]++;
  const { leading } = found;
  print(
    `  ${verdict.padEnd(8)} ${file}: line ${wanted}, found ${leading?.line} (${leading?.rule}): ${leading?.excerpt.slice(0, 80)}`,
  );
}
const files = counts.hit + counts["in block"] + counts.miss;
const percent = (count: number) => `${((100 * count) / files).toFixed(0)} %`;
print(`  ${files} files: ${percent(counts.hit)} hit, ${percent(counts.hit + counts["in block"])} hit or in block`);

print(CI_LOGS);
for (const { file, known, kept, total, leading, leadingIsKnown } of measureRecall()) {
  print(`  ${file}: ${kept} of ${known} known lines kept, ${total} findings`);
  print(
    `    leading ${leadingIsKnown ? "known" : "not known"}: ${leading?.line} (${leading?.rule}): ${leading?.excerpt.slice(0, 90)}`,
  );
}

const megabytes = (bytes: number, seconds: number) =>
  `${(bytes / 1e6).toFixed(1)} MB, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s of CPU time`;

/** Once to warm up; then the best of three. */
function measureSpeed(text: Buffer): number {
  detect(text);
  const seconds = [1, 2, 3].map(() => {
    const start = process.cpuUsage();
    detect(text);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  });
  return Math.min(...seconds);
}

const all = { bytes: 0, seconds: 0 };
for (const file of readdirSync(CI_LOGS).filter((name) => name.endsWith(".log.gz"))) {
  const text = withTimes(gunzipSync(readFileSync(join(CI_LOGS, file))));
  const seconds = measureSpeed(text);
  all.bytes += text.byteLength;
  all.seconds += seconds;
  print(`  ${file}: ${megabytes(text.byteLength, seconds)}`);
}
print(`  all: ${megabytes(all.bytes, all.seconds)}`);
