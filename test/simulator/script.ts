import type { Stream } from "./cri-log.ts";

/** What runs do, as data: the Tekton player turns it into objects, pods and logs over simulated time. */

export type Line = string | { text: string | Uint8Array; afterMs?: number; stream?: Stream };

/** A function may yield for ever: the container then runs until something ends it. */
export type Lines = readonly Line[] | (() => Iterable<Line>);

export type StepScript = {
  name: string;
  image?: string;
  /** Shown in the spec only. */
  script?: string;
  lines?: Lines;
  /** Between lines that say nothing else; 20 ms by default. */
  paceMs?: number;
  exitCode?: number;
  onError?: "continue";
  /** Written last, without a newline. */
  unfinishedLine?: string;
};

export type SidecarScript = Pick<StepScript, "name" | "image" | "script" | "lines" | "paceMs">;

export type Try = { attempt: number; params: Record<string, string> };

export type TaskScript = {
  name: string;
  /** A function for what differs between attempts or the combinations of a matrix; names must stay the same. */
  steps: readonly StepScript[] | ((turn: Try) => readonly StepScript[]);
  sidecars?: readonly SidecarScript[];
  runAfter?: readonly string[];
  retries?: number;
  /** Per attempt. */
  timeoutMs?: number;
  onError?: "continue";
  /** The task is never started. */
  skipped?: { reason: string; when?: { input: string; operator: string; values: string[] } };
  /** Every combination is a TaskRun. */
  matrix?: Record<string, readonly string[]>;
  /** The first step's image cannot be pulled. */
  imagePullFailure?: { message: string };
};

type RunMetadata = {
  namespace?: string;
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
};

export type PipelineRunScript = RunMetadata & {
  kind: "PipelineRun";
  /** The Pipeline's name; without it the spec is embedded. */
  pipeline?: string;
  tasks: readonly TaskScript[];
  finally?: readonly TaskScript[];
  timeoutMs?: number;
};

export type TaskRunScript = RunMetadata & { kind: "TaskRun"; task: TaskScript };

export type RunScript = PipelineRunScript | TaskRunScript;

export const stepsOf = (task: TaskScript, turn: Try): readonly StepScript[] =>
  typeof task.steps === "function" ? task.steps(turn) : task.steps;

/** The combinations of a matrix, the last parameter varying fastest; one empty combination without a matrix. */
export function combinations(matrix: TaskScript["matrix"]): Record<string, string>[] {
  let found: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(matrix ?? {}))
    found = found.flatMap((params) => values.map((value) => ({ ...params, [name]: value })));
  return found;
}

export const linesOf = (lines: Lines | undefined): Iterable<Line> =>
  typeof lines === "function" ? lines() : (lines ?? []);

/** Go's way to print a duration: `1h0m0s`, `8s`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
