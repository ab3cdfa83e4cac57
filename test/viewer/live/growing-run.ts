import type { Hono } from "hono";
import type { LogWriter } from "../../../archive/log-writer.ts";
import type { Log, RunRecord } from "../../../archive/record.ts";
import type { ObjectStore } from "../../../storage-adapters/store.ts";
import type { AppOptions } from "../../../viewer/app.ts";
import { appOver, type Counting, counting } from "../app-fixture.ts";
import { ArchiveFixture, stored } from "../archive-fixture.ts";

export const RUN = "/namespaces/tekton-ci/pipelineruns/r";
export const LOG = `${RUN}?pipelineTask=t&step=s`;
const START = Date.parse("2026-07-30T09:46:12Z");

/** Looks as often as a test can wait for. */
export const QUICK = { log: { min: 5, max: 20 }, run: { min: 5, max: 20 } };

/** A run with one step whose log grows, written by the archive's own writer, and the viewer over it. */
export class GrowingRun {
  readonly archive: ArchiveFixture;
  readonly store: Counting;
  readonly app: Hono;
  readonly stop = new AbortController();
  record: RunRecord;
  readonly writer: LogWriter;
  #lines: number;

  private constructor(
    archive: ArchiveFixture,
    store: Counting,
    record: RunRecord,
    writer: LogWriter,
    options: Partial<AppOptions>,
  ) {
    this.archive = archive;
    this.store = store;
    this.app = appOver(store, { following: { pauses: QUICK }, signal: this.stop.signal, ...options });
    this.record = record;
    this.writer = writer;
    this.#lines = writer.log().lines;
  }

  static async open(lines = 3, options: Partial<AppOptions> = {}, store?: ObjectStore): Promise<GrowingRun> {
    const archive = new ArchiveFixture(store);
    const texts = Array.from({ length: lines }, (_, i) => `line ${i + 1}`);
    const containers = [{ title: "s", status: "running", at: [0], lines: texts, state: "open" }] as const;
    const record = await archive.run({
      name: "r",
      tasks: [{ name: "t", status: "running", at: [0], containers: [...containers] as never }],
    });
    const writer = archive.growing.get("r/t/s");
    if (!writer) throw new Error("the fixture has changed");
    return new GrowingRun(archive, counting(archive.store), record, writer, options);
  }

  /** Numbered lines, stored as one chunk. */
  async grow(count = 1, text: (n: number) => string = (n) => `line ${n}`): Promise<void> {
    const lines = Array.from({ length: count }, () => {
      const n = ++this.#lines;
      return stored(text(n), START + n * 1_000);
    });
    await this.append(Buffer.concat(lines));
  }

  /** Text as it is, stored as one chunk. */
  async append(text: Buffer): Promise<void> {
    this.writer.append(text);
    await this.writer.flush();
  }

  /** The log ends; the record does not know it yet. */
  end(state: Log["state"] = "whole"): Promise<Log> {
    return this.writer.finish({ state });
  }

  /** Writes a record that differs. */
  async change(changes: (record: RunRecord) => void): Promise<void> {
    this.record = structuredClone(this.record);
    changes(this.record);
    this.record.updatedAt = new Date(Date.parse(this.record.updatedAt) + 1_000).toISOString();
    await this.archive.update(this.record);
  }

  /** The log has ended and so has the run: the chunks go. */
  async finish(log: Log): Promise<void> {
    const container = this.record.tasks[0]?.attempts[0]?.containers[0];
    if (!container) throw new Error("the fixture has changed");
    container.log = log;
    container.status = "succeeded";
    await this.archive.finalize(this.record);
  }
}
