import { setImmediate } from "node:timers/promises";
import type { Findings } from "../archive/findings.ts";
import type { LogId } from "../archive/keys.ts";
import { LogReader } from "../archive/log-reader.ts";
import type { Log } from "../archive/record.ts";
import type { ObjectReader } from "../storage-adapters/store.ts";
import { createDetector } from "./findings/detector.ts";
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
   * @param log finished
   * @throws StorageError, ArchiveError, the signal's reason
   */
  search(id: LogId, log: Log, ending: Ending, signal: AbortSignal): Promise<Findings> {
    const found = this.#turn.then(() => this.#search(id, log, ending, signal));
    this.#turn = found.catch(() => undefined);
    return found;
  }

  async #search(id: LogId, log: Log, ending: Ending, signal: AbortSignal): Promise<Findings> {
    signal.throwIfAborted();
    const reader = await LogReader.open(this.#store, id, log, signal);
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
}
