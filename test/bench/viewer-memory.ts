import { setTimeout as sleep } from "node:timers/promises";
import type { BigLog } from "./big-log.ts";
import { peakMemory } from "./child.ts";
import type { Figure } from "./figure.ts";
import { Reader } from "./reader.ts";
import { randomLines } from "./viewer-lines.ts";
import { startViewer } from "./viewer-process.ts";

const READERS = { paging: 40, streaming: 30, slow: 30 };
const READING_MS = 10_000;
/** A slow reader stops after so much. */
const TAKEN_BYTES = 2 * 1024 * 1024;
const MIB = 1024 * 1024;

/** The viewer's peak of resident memory while 100 readers are at the same log of 1 GiB. */
export async function* measureViewerMemory(big: BigLog): AsyncGenerator<Figure> {
  await using cleanup = new AsyncDisposableStack();
  const viewer = await startViewer(big.store, cleanup);
  const before = peakMemory(viewer.child);
  const ended = new AbortController();
  const address = viewer.url + big.path;
  const count = { pages: 0, bytes: 0 };
  const lines = randomLines(big, 10_000);
  const readers = [
    ...Array.from({ length: READERS.paging }, async (_, i) => {
      const reader = new Reader();
      for (let at = i; !ended.signal.aborted; at += READERS.paging, count.pages++) {
        await reader.load(`${address}?step=build&line=${lines[at % lines.length]}`);
      }
      reader.close();
    }),
    ...Array.from({ length: READERS.streaming }, () => stream(address, ended.signal, (n) => (count.bytes += n))),
    ...Array.from({ length: READERS.slow }, () => stall(address, ended.signal)),
  ];
  await Promise.race([sleep(READING_MS), Promise.all(readers)]);
  const peak = peakMemory(viewer.child);
  ended.abort();
  await Promise.all(readers);
  yield {
    name: "peak memory of the viewer with 100 readers of 1 GiB",
    unit: "MiB",
    ours: peak / MIB,
    goal: { of: "ours", most: 300 },
    note: `${Math.round(before / MIB)} MiB before; ${READERS.paging} read ${count.pages} pages, ${READERS.streaming} read ${Math.round(count.bytes / MIB)} MiB of text, ${READERS.slow} stopped in the middle, for ${READING_MS / 1_000} s`,
  };
}

/** Reads the whole text again and again. */
async function stream(address: string, ended: AbortSignal, take: (bytes: number) => void): Promise<void> {
  const reader = new Reader();
  while (!ended.aborted) {
    for await (const part of await reader.open(`${address}.txt?step=build`, "identity")) {
      take((part as Buffer).byteLength);
      if (ended.aborted) break;
    }
  }
  reader.close();
}

/** Reads the beginning of the text and no more, without hanging up. */
async function stall(address: string, ended: AbortSignal): Promise<void> {
  const reader = new Reader();
  const answer = await reader.open(`${address}.txt?step=build`, "identity");
  let taken = 0;
  answer.on("data", ({ byteLength }: Buffer) => {
    taken += byteLength;
    if (taken >= TAKEN_BYTES) answer.pause();
  });
  await new Promise((resolve) => ended.addEventListener("abort", resolve, { once: true }));
  answer.destroy();
  reader.close();
}
