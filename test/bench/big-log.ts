import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packText } from "../../archive/chunk.ts";
import { entriesOf } from "../../archive/entry.ts";
import { type LogId, segmentKey } from "../../archive/keys.ts";
import { type Log, logIdOf, type RunRecord, runIdOf, type Segment } from "../../archive/record.ts";
import { RunWriter } from "../../archive/run-writer.ts";
import { SEGMENT_BYTES, SegmentBuilder } from "../../archive/segment.ts";
import { openStore } from "../../storage-adapters/open.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { logLines } from "./recorded-log.ts";

const GIB = 1024 ** 3;
/** Of text: as long as to make some nine million lines of one GiB. */
const LONGEST_LINE = 120;
/** Text that is handed on at once, as the collector's chunks are when a log is fast. */
const STRETCH_BYTES = 1024 * 1024;
const LINES_PER_SECOND = 2_500;
const STARTED_AT = "2026-07-30T09:46:12Z";
const TASK_RUN_UID = "b16106aa-0000-4000-8000-000000000002";

/** Stands in every `RARE_EVERY`th line and in no other. */
export const RARE_WORD = "needle-in-the-haystack";
export const RARE_EVERY = 500_000;

export type BigLog = {
  /** URL of the store that has nothing but this log's run. */
  store: string;
  record: RunRecord;
  log: Log;
  /** Paths of the segments' files, in the order of the text. */
  files: string[];
  /** Where a viewer shows the run, whose only log this is. */
  path: string;
  /** Where its lines come from, in words. */
  origin: string;
};

const made = new Map<string, Promise<BigLog>>();

/**
 * An archived run with one log of 1 GiB in a folder of its own below `folder`: written by the archive's writers when it
 * is first asked for, and then the same for whoever asks in this process.
 */
export function bigLog(folder: string): Promise<BigLog> {
  const known = made.get(folder) ?? makeBigLog(join(folder, "big-log"));
  made.set(folder, known);
  return known;
}

async function makeBigLog(folder: string): Promise<BigLog> {
  const url = pathToFileURL(folder).href;
  const store = await openStore(url);
  const { lines, origin } = logLines();
  const record = runOf(STARTED_AT);
  const [task] = record.tasks;
  const [attempt] = task?.attempts ?? [];
  const [container] = attempt?.containers ?? [];
  if (!task || !attempt || !container) throw new Error("the run has no container");
  const id = logIdOf(runIdOf(record), { task, attempt, container });
  const writer = new StretchWriter(store, id);
  for (const text of stretches(lines.filter(isShort))) await writer.append(text);
  container.log = await writer.finish();
  record.entries = [...entriesOf(record).keys()];
  const { namespace, name } = record.run;
  await new RunWriter(store).finalize(record, undefined);
  return {
    store: url,
    record,
    log: container.log,
    files: container.log.segments.map(({ key }) => join(folder, key)),
    path: `/namespaces/${namespace}/taskruns/${name}`,
    origin,
  };
}

const isShort = ({ byteLength }: Buffer): boolean => byteLength <= LONGEST_LINE;

/** Whole lines with their times in front, a GiB in all. */
function* stretches(texts: readonly Buffer[]): Generator<Buffer> {
  const start = Date.parse(STARTED_AT);
  let number = 0;
  let second = "";
  for (let bytes = 0; bytes < GIB; ) {
    const stretch = Buffer.allocUnsafe(STRETCH_BYTES);
    let filled = 0;
    while (filled < STRETCH_BYTES - 2 * LONGEST_LINE) {
      const tick = number % LINES_PER_SECOND;
      if (tick === 0) second = new Date(start + (number / LINES_PER_SECOND) * 1_000).toISOString().slice(0, 20);
      const fraction = String(tick * (1e9 / LINES_PER_SECOND)).padStart(9, "0");
      filled += stretch.write(`${second}${fraction}Z `, filled, "latin1");
      filled += texts[number % texts.length]?.copy(stretch, filled) ?? 0;
      if (++number % RARE_EVERY === 0) filled += stretch.write(` ${RARE_WORD}`, filled, "latin1");
      stretch[filled++] = 0x0a;
    }
    bytes += filled;
    yield stretch.subarray(0, filled);
  }
}

/** Segments as the collector cuts them, without the chunks between. */
class StretchWriter {
  readonly #store: ObjectStore;
  readonly #id: LogId;
  readonly #segments: Segment[] = [];
  #builder: SegmentBuilder | undefined;
  #chunksSize = 0;
  #line = 1;

  constructor(store: ObjectStore, id: LogId) {
    this.#store = store;
    this.#id = id;
  }

  async append(text: Buffer): Promise<void> {
    this.#builder ??= new SegmentBuilder({ line: this.#line, offset: 0 });
    await this.#builder.append(text);
    this.#chunksSize += (await packText(text)).byteLength;
    if (this.#chunksSize >= SEGMENT_BYTES) await this.#seal();
  }

  async finish(): Promise<Log> {
    await this.#seal();
    const segments = this.#segments;
    const [firstTime, lastTime] = [segments[0]?.firstTime, segments.at(-1)?.lastTime];
    return {
      state: "whole",
      lines: this.#line - 1,
      bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      ...(firstTime && { firstTime }),
      ...(lastTime && { lastTime }),
      gaps: [],
      segments,
    };
  }

  async #seal(): Promise<void> {
    if (!this.#builder) return;
    const key = segmentKey(this.#id, { line: this.#line, offset: 0 });
    const { object, segment } = await this.#builder.finish(key);
    await this.#store.put(key, object, { ifAbsent: true });
    this.#segments.push(segment);
    this.#line += segment.lines;
    this.#builder = undefined;
    this.#chunksSize = 0;
  }
}

function runOf(startedAt: string): RunRecord {
  const [namespace, name] = ["bench", "big"];
  const ended = { status: "failed" as const, startedAt, completedAt: "2026-07-30T11:46:12Z" };
  const log: Log = { state: "none", lines: 0, bytes: 0, gaps: [], segments: [] };
  const container = {
    ...ended,
    name: "step-build",
    kind: "step" as const,
    title: "build",
    restart: 0,
    exitCode: 1,
    log,
  };
  const attempt = { ...ended, number: 0, pod: { name: `${name}-pod` }, containers: [container] };
  return {
    version: 1,
    final: true,
    updatedAt: ended.completedAt,
    run: {
      ...ended,
      kind: "TaskRun",
      namespace,
      name,
      uid: "b16106aa-0000-4000-8000-000000000001",
      createdAt: startedAt,
      labels: {},
      annotations: {},
    },
    place: {},
    tasks: [{ ...ended, name, taskRun: { name, uid: TASK_RUN_UID }, attempts: [attempt] }],
    skipped: [],
    entries: [],
  };
}
