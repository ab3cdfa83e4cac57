import { entriesOf } from "../../archive/entry.ts";
import type { Findings } from "../../archive/findings.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import type { Attempt, Container, Gap, Log, RunRecord, Status, Task } from "../../archive/record.ts";
import { RunWriter } from "../../archive/run-writer.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";

/** Seconds after the run's start. */
type Span = [from: number, to?: number];

export type ContainerSpec = {
  title: string;
  kind?: Container["kind"];
  status?: Status;
  at?: Span;
  exitCode?: number;
  ignored?: boolean;
  restart?: number;
  /** Lines without times; a second apart unless `everyMs` says otherwise. */
  lines?: readonly (string | Uint8Array)[];
  everyMs?: number;
  /** How the log ended; `open` leaves it growing. */
  state?: Log["state"];
  words?: string;
  gaps?: Gap[];
  findings?: Findings;
};
export type AttemptSpec = {
  status?: Status;
  reason?: string;
  message?: string;
  at?: Span;
  containers?: ContainerSpec[];
};
export type TaskSpec = AttemptSpec & {
  name: string;
  taskRun?: string;
  finally?: boolean;
  ignored?: boolean;
  /** Earlier attempts; the task itself tells of the newest. */
  earlier?: AttemptSpec[];
};
export type RunSpec = {
  name: string;
  kind?: RunRecord["run"]["kind"];
  namespace?: string;
  uid?: string;
  createdAt?: string;
  /** Seconds; none = the run goes on. */
  took?: number;
  status?: Status;
  reason?: string;
  message?: string;
  why?: string;
  pipeline?: string;
  labels?: Record<string, string>;
  place?: RunRecord["place"];
  tasks?: TaskSpec[];
  skipped?: RunRecord["skipped"];
};

/** Runs and logs as the collector would have left them, written by archive's own writers. */
export class ArchiveFixture {
  readonly store: ObjectStore;
  /** Logs that grow, by `<run>/<task>/<container>`. */
  readonly growing = new Map<string, LogWriter>();
  readonly #runs: RunWriter;
  #count = 0;

  readonly #shiftMs: number;

  /** `shiftMs` moves all runs in time. */
  constructor(store: ObjectStore = memoryStore(), shiftMs = 0) {
    this.store = store;
    this.#shiftMs = shiftMs;
    this.#runs = new RunWriter(store);
  }

  async run(spec: RunSpec): Promise<RunRecord> {
    this.#count++;
    const { name, kind = "PipelineRun", namespace = "tekton-ci" } = spec;
    const created = Date.parse(spec.createdAt ?? "2026-07-30T09:46:12Z") + this.#shiftMs;
    const createdAt = new Date(created).toISOString().replace(".000Z", "Z");
    const uid = spec.uid ?? `0f3c9d2e-1111-4222-8333-${String(this.#count).padStart(12, "0")}`;
    const clock = new Clock(createdAt);
    const isFinal = spec.took !== undefined;
    const tasks: Task[] = [];
    for (const task of spec.tasks ?? []) tasks.push(await this.#task(task, { namespace, name, uid, clock }));
    const record: RunRecord = {
      version: 1,
      final: isFinal,
      updatedAt: clock.at(spec.took ?? 0),
      run: {
        kind,
        namespace,
        name,
        uid,
        createdAt,
        startedAt: createdAt,
        status: spec.status ?? (isFinal ? "succeeded" : "running"),
        labels: spec.labels ?? {},
        annotations: {},
        ...(spec.took !== undefined && { completedAt: clock.at(spec.took) }),
        ...pick(spec, "reason", "message", "pipeline"),
      },
      place: spec.place ?? {},
      ...pick(spec, "why"),
      tasks,
      skipped: spec.skipped ?? [],
      entries: [],
    };
    record.entries = [...entriesOf(record).keys()];
    await this.#runs.update(record, undefined);
    if (isFinal) await this.finalize(record);
    return record;
  }

  /** Writes a record that has changed. */
  async update(record: RunRecord): Promise<void> {
    await this.#runs.update({ ...record, updatedAt: new Date().toISOString() }, record);
  }

  async finalize(record: RunRecord): Promise<void> {
    await this.#runs.finalize({ ...record, final: true }, undefined);
    await this.#runs.cleanUp(record);
  }

  async #task(spec: TaskSpec, run: Owner): Promise<Task> {
    const taskRun = spec.taskRun ?? `${run.name}-${spec.name}`;
    const uid = `${run.uid.slice(0, 24)}${Buffer.from(taskRun).toString("hex").slice(-12).padStart(12, "0")}`;
    const attempts: Attempt[] = [];
    for (const attempt of [...(spec.earlier ?? []), spec]) {
      attempts.push(await this.#attempt(attempt, attempts.length, { ...run, task: spec.name, taskRun, taskUid: uid }));
    }
    const newest = attempts.at(-1) as Attempt;
    return {
      name: spec.name,
      taskRun: { name: taskRun, uid },
      status: newest.status,
      ...pick(newest, "reason", "message", "startedAt", "completedAt"),
      ...pick(spec, "finally", "ignored"),
      attempts,
    };
  }

  async #attempt(spec: AttemptSpec, number: number, task: TaskOwner): Promise<Attempt> {
    const containers: Container[] = [];
    for (const container of spec.containers ?? []) containers.push(await this.#container(container, number, task));
    const [from, to] = spec.at ?? [0, 60];
    const pod = `${task.taskRun}-pod${number > 0 ? `-retry${number}` : ""}`;
    return {
      number,
      status: spec.status ?? "succeeded",
      ...pick(spec, "reason", "message"),
      startedAt: task.clock.at(from),
      ...(to !== undefined && { completedAt: task.clock.at(to) }),
      ...(containers.length > 0 && { pod: { name: pod, uid: `pod-${task.taskUid}-${number}` } }),
      containers,
    };
  }

  async #container(spec: ContainerSpec, attempt: number, task: TaskOwner): Promise<Container> {
    const { title, kind = "step", restart = 0, status = "succeeded" } = spec;
    const name = kind === "step" ? `step-${title}` : kind === "sidecar" ? `sidecar-${title}` : title;
    const id = {
      namespace: task.namespace,
      runUid: task.uid,
      taskRunUid: task.taskUid,
      attempt,
      container: name,
      restart,
    };
    const log = await this.#log(id, spec, task);
    const ran = spec.at ?? (log.state === "none" ? undefined : ([0, 60] satisfies Span));
    return {
      name,
      kind,
      title,
      restart,
      status,
      ...pick(spec, "exitCode", "ignored"),
      ...(ran && { startedAt: task.clock.at(ran[0]) }),
      ...(ran?.[1] !== undefined && { completedAt: task.clock.at(ran[1]) }),
      log,
    };
  }

  async #log(id: LogWriter["id"], spec: ContainerSpec, task: TaskOwner): Promise<Log> {
    const { state = spec.lines ? "whole" : "none", words, gaps = [], lines = [], everyMs = 1_000 } = spec;
    if (state === "none" || state === "waiting")
      return { state, ...(words && { words }), lines: 0, bytes: 0, gaps, segments: [] };
    const writer = await LogWriter.open(this.store, id, `pod-${task.taskUid}-${id.attempt}`, { intervalMs: () => 1e9 });
    const start = Date.parse(task.clock.at(spec.at?.[0] ?? 0));
    for (let i = 0, end = 0; i <= lines.length; i = end) {
      for (const { afterLine, ...gap } of gaps) if (afterLine === i) writer.declare(gap);
      if (i === lines.length) break;
      end = Math.min(lines.length, i + 1_000, ...gaps.flatMap((gap) => (gap.afterLine > i ? gap.afterLine : [])));
      writer.append(Buffer.concat(lines.slice(i, end).map((line, j) => stored(line, start + (i + j) * everyMs))));
      await writer.ready();
    }
    await writer.flush();
    if (state === "open") {
      this.growing.set(`${task.name}/${task.task}/${spec.title}`, writer);
      return writer.log();
    }
    return { ...(await writer.finish({ state, ...(words && { words }) })), ...pick(spec, "findings") };
  }
}

type Owner = { namespace: string; name: string; uid: string; clock: Clock };
type TaskOwner = Owner & { task: string; taskRun: string; taskUid: string };

class Clock {
  readonly #start: number;
  constructor(start: string) {
    this.#start = Date.parse(start);
  }
  at(seconds: number): string {
    return new Date(this.#start + seconds * 1_000).toISOString();
  }
}

/** A line as Kubernetes gives it. */
export function stored(line: string | Uint8Array, ms: number): Buffer {
  const time = new Date(ms).toISOString().replace("Z", "000000Z");
  return Buffer.concat([Buffer.from(`${time} `), Buffer.from(line), Buffer.from("\n")]);
}

function pick<T extends object, K extends keyof T>(from: T, ...names: K[]): { [P in K]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))) as {
    [P in K]?: Exclude<T[P], undefined>;
  };
}
