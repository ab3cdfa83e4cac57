import { z } from "zod";
import { ArchiveError } from "./error.ts";
import { findingsSchema } from "./findings.ts";
import type { LogId, RunId } from "./keys.ts";

/** RFC 3339 in UTC, with as many fraction digits as the source gave. */
const time = z.string().min(1);
const count = z.number().int().nonnegative();

/** A stretch that is known or feared to be missing from a log. */
export const gapSchema = z.object({
  /** The gap lies after this line; 0 = before the first. */
  afterLine: count,
  /** The time of the last line before it, where there is one. */
  from: time.optional(),
  /** The time of the first line after it; absent when nothing came after. */
  to: time.optional(),
  /** For machines: `rotated`, `pod-deleted`, `cut`, `not-read`, … An open set. */
  cause: z.string(),
  /** For people: what is missing and why, one sentence. */
  words: z.string(),
});
export type Gap = z.infer<typeof gapSchema>;

/** One finished stretch of a log: what a reader needs to open any line of it with two ranged reads. */
export const segmentSchema = z.object({
  key: z.string(),
  firstLine: count,
  /** Bytes of the first line that an earlier segment holds; 0 when the segment begins with a line. */
  offset: count,
  /** Lines that begin in this segment. */
  lines: count,
  /** Of the text. */
  bytes: count,
  /** Of the object. */
  size: count,
  /** Where in the object the JSON of its index lies. */
  index: z.object({ offset: count, length: count }),
  firstTime: time.optional(),
  lastTime: time.optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Segment = z.infer<typeof segmentSchema>;

/**
 * waiting: the container has not started · open: being written · whole: every line that the container wrote ·
 * incomplete: some lines are missing, the gaps say where · cut: given up while the container still ran ·
 * none: there is no log, `words` says why.
 */
export const logStateSchema = z.enum(["waiting", "open", "whole", "incomplete", "cut", "none"]);
export type LogState = z.infer<typeof logStateSchema>;

export const logSchema = z.object({
  state: logStateSchema,
  /** Why it is incomplete, cut or none, in one sentence. */
  words: z.string().optional(),
  lines: count,
  /** Of the text, times included. */
  bytes: count,
  /** The last line does not end in a newline. */
  noEol: z.boolean().optional(),
  firstTime: time.optional(),
  lastTime: time.optional(),
  gaps: z.array(gapSchema),
  segments: z.array(segmentSchema),
  /** Of a step's log that is finished; absent as long as nobody has looked, or where nobody could. */
  findings: findingsSchema.optional(),
});
export type Log = z.infer<typeof logSchema>;

export const statusSchema = z.enum([
  "waiting",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "timed-out",
  "skipped",
  "unknown",
]);
/** Of a run, a task, an attempt or a container. */
export type Status = z.infer<typeof statusSchema>;

const outcome = {
  status: statusSchema,
  /** Tekton's or Kubernetes' own CamelCase word. */
  reason: z.string().optional(),
  message: z.string().optional(),
  startedAt: time.optional(),
  completedAt: time.optional(),
};

const containerSchema = z.object({
  ...outcome,
  /** As the pod names it: `step-build`, `sidecar-server`, `prepare`. */
  name: z.string(),
  kind: z.enum(["step", "sidecar", "init"]),
  /** As people know it: the step's or sidecar's own name. */
  title: z.string(),
  podUid: z.string().optional(),
  /** Which restart of the container this is; a pod that was replaced under the same name counts on. */
  restart: count,
  image: z.string().optional(),
  exitCode: z.number().int().optional(),
  /** A step that failed without failing its task (`onError: continue`). */
  ignored: z.boolean().optional(),
  log: logSchema,
});
export type Container = z.infer<typeof containerSchema>;

const attemptSchema = z.object({
  ...outcome,
  /** 0 for the first try; the index in `retriesStatus` of all but the newest. */
  number: count,
  pod: z.object({ name: z.string(), uid: z.string().optional(), node: z.string().optional() }).optional(),
  containers: z.array(containerSchema),
});
export type Attempt = z.infer<typeof attemptSchema>;

const resultSchema = z.object({ name: z.string(), value: z.unknown() });

const taskSchema = z.object({
  ...outcome,
  /** The name in the pipeline; several tasks of a matrix share it. For a TaskRun of its own: the task's or TaskRun's. */
  name: z.string(),
  displayName: z.string().optional(),
  taskRun: z.object({ name: z.string(), uid: z.string() }),
  finally: z.boolean().optional(),
  /** Failed without failing the run. */
  ignored: z.boolean().optional(),
  params: z.array(resultSchema).optional(),
  results: z.array(resultSchema).optional(),
  attempts: z.array(attemptSchema),
});
export type Task = z.infer<typeof taskSchema>;

const placeSchema = z.object({
  /** Where the repository lives: `url` for links, `path` (org/repo, subgroups included) for addresses. */
  repository: z.object({ url: z.string(), path: z.string() }).optional(),
  pull: count.optional(),
  commit: z.string().optional(),
  check: z.string().optional(),
  event: z.string().optional(),
  build: z.string().optional(),
  /** A run that only reports about another one and does not belong to its pull request. */
  notification: z.boolean().optional(),
});
/** Where a run belongs, told from its labels and annotations. */
export type Place = z.infer<typeof placeSchema>;

export const RECORD_VERSION = 1;

export const recordSchema = z.object({
  version: z.literal(RECORD_VERSION),
  /** Nothing of it can change any more. */
  final: z.boolean(),
  updatedAt: time,
  run: z.object({
    ...outcome,
    kind: z.enum(["PipelineRun", "TaskRun"]),
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    createdAt: time,
    deletedAt: time.optional(),
    pipeline: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    params: z.array(resultSchema).optional(),
    results: z.array(resultSchema).optional(),
  }),
  place: placeSchema,
  /** What happened, in one sentence; absent for a run that simply succeeded. */
  why: z.string().optional(),
  tasks: z.array(taskSchema),
  skipped: z.array(z.object({ name: z.string(), reason: z.string(), finally: z.boolean().optional() })),
  /** Every index entry that leads here. */
  entries: z.array(z.string()),
});
/** All that is known about a run. */
export type RunRecord = z.infer<typeof recordSchema>;

/**
 * Reads a record and checks it; `key` is for the message.
 * @throws ArchiveError `future` for a version that this program does not know, `damaged` for anything else
 */
export function parseRecord(bytes: Uint8Array, key: string): RunRecord {
  return parseVersioned(bytes, key, recordSchema, RECORD_VERSION);
}

/** JSON with a `version`, checked against a schema; shared by all JSON objects of the archive. */
export function parseVersioned<T>(bytes: Uint8Array, key: string, schema: z.ZodType<T>, version: number): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (cause) {
    throw new ArchiveError("damaged", `${key} is not JSON: it is truncated or was not written by Afterlog`, { cause });
  }
  const found = (json as { version?: unknown } | null)?.version;
  if (typeof found === "number" && found > version) {
    throw new ArchiveError(
      "future",
      `${key} has version ${found}, this Afterlog knows up to ${version}: upgrade it to read this object`,
    );
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? ` at ${issue.path.join(".")}` : "";
  throw new ArchiveError("damaged", `${key} is not what Afterlog writes there${where}: ${issue?.message ?? "invalid"}`);
}

/** One container run of a record with what it belongs to. */
export type ContainerRow = { task: Task; attempt: Attempt; container: Container };

/** Every container run of a record, in the order of the record. */
export function* containersOf(record: RunRecord): Generator<ContainerRow> {
  for (const task of record.tasks) {
    for (const attempt of task.attempts) {
      for (const container of attempt.containers) yield { task, attempt, container };
    }
  }
}

export const runIdOf = ({ run }: Pick<RunRecord, "run">): RunId => ({ namespace: run.namespace, runUid: run.uid });

export const logIdOf = (run: RunId, { task, attempt, container }: ContainerRow): LogId => ({
  ...run,
  taskRunUid: task.taskRun.uid,
  attempt: attempt.number,
  container: container.name,
  restart: container.restart,
});

/** Whether nothing can be added to this log any more. */
export const isFinished = (log: Log): boolean => log.state !== "waiting" && log.state !== "open";
