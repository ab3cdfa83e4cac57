import { z } from "zod";
import { entryKey, type IndexName } from "./keys.ts";
import { containersOf, isFinished, parseVersioned, type RunRecord, statusSchema } from "./record.ts";

const ENTRY_VERSION = 1;
const time = z.string().min(1);

const entrySchema = z.object({
  version: z.literal(ENTRY_VERSION),
  /** Written with the final record. An entry that is not final is a hint: the record knows better. */
  final: z.boolean(),
  run: z.object({
    kind: z.enum(["PipelineRun", "TaskRun"]),
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
  }),
  status: statusSchema,
  reason: z.string().optional(),
  createdAt: time,
  startedAt: time.optional(),
  completedAt: time.optional(),
  pipeline: z.string().optional(),
  repository: z.string().optional(),
  pull: z.number().int().optional(),
  commit: z.string().optional(),
  check: z.string().optional(),
  notification: z.boolean().optional(),
  why: z.string().optional(),
  /** How many logs there are, and how many of them are whole. */
  logs: z.object({ total: z.number().int(), whole: z.number().int(), open: z.number().int() }),
  /** In the index by pod: the attempt whose pod it was. */
  pod: z
    .object({
      name: z.string(),
      taskRunUid: z.string(),
      attempt: z.number().int(),
      startedAt: time.optional(),
      completedAt: time.optional(),
    })
    .optional(),
});
/** A run as lists show it, without reading its record. */
export type Entry = z.infer<typeof entrySchema>;

/** @throws ArchiveError damaged, future */
export const parseEntry = (bytes: Uint8Array, key: string): Entry =>
  parseVersioned(bytes, key, entrySchema, ENTRY_VERSION);

/** Addresses write repositories in any case, as GitHub does; the index has one. */
export const repositoryValue = (path: string): string => path.toLowerCase();

/** Every way in which a run is found. Runs that only report about others are found by name and namespace alone. */
export function indexesOf({ run, place }: RunRecord): IndexName[] {
  const indexes: IndexName[] = [
    { by: "name", values: [run.namespace, run.kind, run.name] },
    { by: "namespace", values: [run.namespace] },
  ];
  if (place.notification) return indexes;
  if (place.repository) {
    const repository = repositoryValue(place.repository.path);
    indexes.push({ by: "repository", values: [repository] });
    if (place.pull !== undefined) indexes.push({ by: "pull", values: [repository, String(place.pull)] });
    if (place.commit) indexes.push({ by: "commit", values: [repository, place.commit] });
  }
  if (run.pipeline) indexes.push({ by: "pipeline", values: [run.namespace, run.pipeline] });
  if (place.check) indexes.push({ by: "check", values: [run.namespace, place.check] });
  if (place.build) indexes.push({ by: "build", values: [run.namespace, place.build] });
  return indexes;
}

/** All entries of a run, by key. */
export function entriesOf(record: RunRecord): Map<string, Entry> {
  const createdAt = new Date(record.run.createdAt);
  const entry = entryOf(record);
  const entries = new Map<string, Entry>();
  for (const index of indexesOf(record)) entries.set(entryKey(index, createdAt, record.run.uid), entry);
  for (const task of record.tasks) {
    for (const attempt of task.attempts) {
      if (!attempt.pod) continue;
      const index: IndexName = { by: "pod", values: [record.run.namespace, attempt.pod.name] };
      const pod = {
        name: attempt.pod.name,
        taskRunUid: task.taskRun.uid,
        attempt: attempt.number,
        ...(attempt.startedAt && { startedAt: attempt.startedAt }),
        ...(attempt.completedAt && { completedAt: attempt.completedAt }),
      };
      entries.set(entryKey(index, createdAt, record.run.uid), { ...entry, pod });
    }
  }
  return entries;
}

function entryOf({ run, place, final, why, ...record }: RunRecord): Entry {
  const logs = [...containersOf({ run, place, final, ...record })].map(({ container }) => container.log);
  return {
    version: ENTRY_VERSION,
    final,
    run: { kind: run.kind, namespace: run.namespace, name: run.name, uid: run.uid },
    status: run.status,
    ...(run.reason && { reason: run.reason }),
    createdAt: run.createdAt,
    ...(run.startedAt && { startedAt: run.startedAt }),
    ...(run.completedAt && { completedAt: run.completedAt }),
    ...(run.pipeline && { pipeline: run.pipeline }),
    ...(place.repository && { repository: place.repository.path }),
    ...(place.pull !== undefined && { pull: place.pull }),
    ...(place.commit && { commit: place.commit }),
    ...(place.check && { check: place.check }),
    ...(place.notification && { notification: true }),
    ...(why && { why }),
    logs: {
      total: logs.length,
      whole: logs.filter((log) => log.state === "whole").length,
      open: logs.filter((log) => !isFinished(log)).length,
    },
  };
}
