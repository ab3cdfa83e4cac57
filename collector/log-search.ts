import { setImmediate } from "node:timers/promises";
import { addCounts, type Findings, type SeverityCounts } from "../archive/findings.ts";
import type { LogId } from "../archive/keys.ts";
import { LogReader } from "../archive/log-reader.ts";
import type { Log } from "../archive/record.ts";
import type { ObjectReader } from "../storage-adapters/store.ts";
import { createDetector, type Found } from "./findings/detector.ts";
import type { Ending } from "./findings/ending.ts";

/** What is looked at before others get their turn: a few milliseconds' work. Streams must not wait for findings. */
const SLICE_BYTES = 256 * 1024;

/** Looks for findings in logs of the archive, one log at a time however many ask: memory for one frame. */
export class LogSearch {
  readonly #store: ObjectReader;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: ObjectReader) {
    this.#store = store;
  }

  /**
   * The severities are those that the log's frames are indexed with: of a step that did not fail no text is read.
   * @param log finished
   * @param ending how the step failed; undefined if it did not
   * @throws StorageError, ArchiveError, the signal's reason
   */
  search(id: LogId, log: Log, ending: Ending | undefined, signal: AbortSignal): Promise<Findings> {
    const found = this.#turn.then(() => this.#search(id, log, ending, signal));
    this.#turn = found.catch(() => undefined);
    return found;
  }

  async #search(id: LogId, log: Log, ending: Ending | undefined, signal: AbortSignal): Promise<Findings> {
    signal.throwIfAborted();
    const reader = await LogReader.open(this.#store, id, log, signal);
    const severities: SeverityCounts = {};
    for await (const { frames } of reader.indexes())
      for (const frame of frames) addCounts(severities, frame.severities ?? {});
    const found = ending ? await findingsIn(reader, ending, signal) : { findings: [], total: 0 };
    return { ...found, severities };
  }
}

async function findingsIn(reader: LogReader, ending: Ending, signal: AbortSignal): Promise<Found> {
  const detector = createDetector();
  for await (const text of reader.text()) {
    for (let start = 0; start < text.byteLength; start += SLICE_BYTES) {
      detector.push(text.subarray(start, start + SLICE_BYTES));
      await setImmediate();
      signal.throwIfAborted();
    }
  }
  return detector.end(ending);
}
