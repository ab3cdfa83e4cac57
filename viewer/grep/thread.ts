import { parentPort } from "node:worker_threads";
import { ArchiveError } from "../../archive/error.ts";
import { decompressSync } from "../../archive/zstd.ts";
import { withoutEscapes } from "./escapes.ts";
import { hitLines } from "./hit-lines.ts";
import type { BlockOutcome, Found, Job, JobBlock, Outcome, WantedText } from "./job.ts";
import { Matcher } from "./matcher.ts";
import type { Pattern } from "./pattern.ts";

/** A thread that unpacks frames and searches them, one job after the other. Its memory: one job. */

const LF = 0x0a;

/** Searches take turns: those that come next are likely those that came last. */
const MATCHERS = 16;
const matchers = new Map<string, Matcher>();

parentPort?.on("message", (job: Job) => {
  const outcome = outcomeOf(job);
  const texts =
    "blocks" in outcome ? outcome.blocks.flatMap((block) => ("text" in block ? (block.text ?? []) : [])) : [];
  parentPort?.postMessage(
    outcome,
    texts.map(({ buffer }) => buffer as ArrayBuffer),
  );
});

function outcomeOf(job: Job): Outcome {
  try {
    const matcher = matcherOf(job.pattern);
    return { id: job.id, blocks: job.blocks.map((block) => blockOutcome(block, matcher, job.text)) };
  } catch (error) {
    return { id: job.id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function blockOutcome(block: JobBlock, matcher: Matcher, wanted: WantedText): BlockOutcome {
  try {
    return search(block, matcher, wanted);
  } catch (error) {
    if (error instanceof ArchiveError) return { damage: error.message };
    throw error;
  }
}

function search({ frames, begins, isNumbered }: JobBlock, matcher: Matcher, wanted: WantedText): Found {
  const texts = frames.map(({ packed, bytes, key }) => {
    const text = decompressSync(packed, bytes, key);
    release(packed);
    return text;
  });
  const text = texts.length === 1 ? (texts[0] as Buffer) : Buffer.concat(texts);
  const skipped = begins === "skip" ? text.indexOf(LF) + 1 : 0;
  const bare = withoutEscapes(skipped === 0 ? text : text.subarray(skipped), wanted === "none");
  const { count, lines } = hitLines(bare, matcher, { isInside: begins === "match", isNumbered });
  if (skipped > 0) for (let i = 0; i < lines.length; i++) lines[i] = (lines[i] as number) + 1;
  const isWanted = wanted === "all" || (wanted === "hits" && count > 0);
  if (bare.buffer !== text.buffer) release(bare);
  if (isWanted) return { count, lines, text: ownBuffer(text) };
  for (const used of new Set([text, ...texts])) release(used);
  return { count, lines };
}

/**
 * Gives memory back at once, where V8 would wait for a collection: the next frame is unpacked into what the processor's
 * cache still has, which makes a search faster by a third. Not for memory that Node shares among small buffers.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > Buffer.poolSize) (buffer as ArrayBuffer).transfer(0);
}

/** Its bytes in memory that can be given away. */
const ownBuffer = (text: Buffer): Uint8Array =>
  text.byteOffset === 0 && text.byteLength === text.buffer.byteLength ? text : new Uint8Array(text);

function matcherOf(pattern: Pattern): Matcher {
  const key = JSON.stringify(pattern);
  const matcher = matchers.get(key) ?? new Matcher(pattern);
  matchers.delete(key);
  matchers.set(key, matcher);
  for (const oldest of matchers.keys()) {
    if (matchers.size <= MATCHERS) break;
    matchers.delete(oldest);
  }
  return matcher;
}
