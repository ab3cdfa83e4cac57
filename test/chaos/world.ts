import { pino } from "pino";
import { type ArchiveReader as Archive, ArchiveReader } from "../../archive/reader.ts";
import { containersOf, type RunRecord } from "../../archive/record.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { retrying } from "../../storage-adapters/retrying.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { eventually, startCollector } from "../collector/harness.ts";
import {
  createSimulator,
  type RunHandle,
  type RunScript,
  type Simulator,
  type SimulatorOptions,
} from "../simulator/index.ts";
import { type FaultyStore, faultyStore } from "../storage-adapters/faulty-store.ts";
import { judge, type Verdict } from "./oracle.ts";

type More = NonNullable<Parameters<typeof startCollector>[2]>;

/** What takes minutes in a cluster takes a fraction of a second here, in the same proportions. */
const SETTINGS: NonNullable<More["settings"]> = {
  sidecarWaitMs: 400,
  chunkGraceMs: 1_500,
  closeWaitMs: 250,
  recordIntervalMs: 20,
  flushMs: (ageMs) => Math.min(60, 10 + ageMs / 20),
  follow: {
    pollMs: 30,
    backoffMs: 10,
    maxBackoffMs: 100,
    silenceMs: 400,
    maxAgeMs: 700,
    fastAgeMs: 120,
    fastBytesPerSecond: 20_000,
    fastForMs: 600,
    fileEndMs: 50,
    fileOverMs: 1_500,
    closeMs: 5,
    fileMs: 5, // files are rotated at any time
    lookMs: 0,
    unseenMs: 2_000,
    orderMs: 20,
    drainMs: 400,
    settleMs: 200,
    replayMs: 2_000,
    overlapMs: 2_000,
    waitMs: 200,
    statusLagMs: 80,
    promptMs: 1_200,
    lateMs: 1_200, // Kubernetes tells starts in whole seconds
    goneMs: 250,
    unreadableMs: 2_000,
  },
};

/** A simulated cluster, a store that fails on demand, collectors that come and go, and what came of it. */
export class ChaosWorld {
  readonly simulator: Simulator;
  readonly faults: FaultyStore;
  readonly archive: Archive;
  readonly #store: ObjectStore;
  /** What the collectors logged, newest last. */
  readonly logged: string[] = [];
  #collectors: { stop: () => Promise<void> }[] = [];
  #runs: RunHandle[] = [];

  private constructor(simulator: Simulator) {
    const memory = memoryStore();
    this.simulator = simulator;
    this.faults = faultyStore(memory);
    this.#store = retrying(this.faults.store, { attempts: 3, baseMs: 5, maxMs: 20 });
    this.archive = new ArchiveReader(memory);
  }

  static async open(options: SimulatorOptions = {}): Promise<ChaosWorld> {
    const times = { startupMs: 20, killMs: 20, sidecarStopMs: 50, previousMs: 10_000 };
    return new ChaosWorld(await createSimulator({ ...times, ...options }));
  }

  collect(more: Partial<More> = {}): void {
    const settings = { ...SETTINGS, ...more.settings, follow: { ...SETTINGS.follow, ...more.settings?.follow } };
    const logger = pino({ level: "debug" }, { write: (line: string) => this.logged.push(line) });
    this.#collectors.push(startCollector(this.simulator, this.#store, { logger, ...more, settings }));
  }

  /** Without a word, as a killed process. */
  async kill(): Promise<void> {
    await this.#collectors.shift()?.stop();
  }

  run(script: RunScript): RunHandle {
    const run = this.simulator.run(script);
    this.#runs.push(run);
    return run;
  }

  /** Lines of this text are in the archive. */
  async archived(run: RunHandle, count: number): Promise<void> {
    await eventually(`${count} archived lines of ${run.name}`, async () => {
      const record = await this.archive.run({ namespace: run.namespace, runUid: run.uid });
      const logs = record ? await this.#logs(record) : [];
      return logs.some(({ archived }) => archived.toString("latin1").split("\n").length > count) ? true : undefined;
    });
  }

  /** Waits until every run is wholly in the archive, then compares. */
  async judge(ms = 30_000): Promise<Verdict> {
    const sum: Verdict = { problems: [], lines: 0, missing: 0, undeclared: 0, feared: 0, foreign: 0 };
    for (const run of this.#runs) {
      const record = await eventually(
        `${run.name} to be archived`,
        async () => {
          const found = await this.archive.run({ namespace: run.namespace, runUid: run.uid });
          return found?.final ? found : undefined;
        },
        ms,
      );
      for (const evidence of await this.#logs(record)) {
        const verdict = judge(evidence);
        sum.problems.push(...verdict.problems);
        for (const key of ["lines", "missing", "undeclared", "feared", "foreign"] as const) sum[key] += verdict[key];
      }
      sum.problems.push(...this.#unrecorded(run, record));
    }
    return sum;
  }

  /** Containers that wrote something and are not in the record. */
  #unrecorded(run: RunHandle, record: RunRecord): string[] {
    const rows = [...containersOf(record)].map(({ container }) => container);
    return run.pods().flatMap((pod) =>
      this.simulator
        .truths({ pod: pod.name, namespace: pod.namespace })
        .filter(({ podUid, lines }) => podUid === pod.uid && lines.length > 0)
        // What Tekton's nop image says in a sidecar's place is no part of the run.
        .filter(({ container, restart }) => !(container.startsWith("sidecar-") && restart > 0))
        .filter(({ container }) => !rows.some((row) => row.name === container && row.podUid === pod.uid))
        .map(({ container }) => `${run.name}: ${container} of the pod ${pod.name} (${pod.uid}) is not in the record`),
    );
  }

  async #logs(record: RunRecord) {
    const all = [...containersOf(record)];
    return Promise.all(
      all.map(async ({ task, attempt, container }) => {
        const reader = await this.archive.logOf(record, { task, attempt, container });
        const first = Math.min(
          ...attempt.containers
            .filter((c) => c.name === container.name && c.podUid === container.podUid)
            .map((c) => c.restart),
        );
        const truth = this.simulator
          .truths({ pod: attempt.pod?.name ?? "", container: container.name, namespace: record.run.namespace })
          .find((run) => run.podUid === container.podUid && run.restart === container.restart - first);
        return {
          where: `${record.run.name}/${task.name}[${attempt.number}]/${container.name}.${container.restart}`,
          truth: truth?.bytes ?? Buffer.alloc(0),
          archived: Buffer.concat(await Array.fromAsync(reader.text())),
          log: container.log,
        };
      }),
    );
  }

  async close(): Promise<void> {
    for (const { stop } of this.#collectors) await stop();
    await this.simulator.close();
  }
}
