import type { Attempt, Container, RunRecord, Task } from "../archive/record.ts";

/** The public addresses: what their parts may be, and how they are built. Pure. */

export type RunName = { kind: RunRecord["run"]["kind"]; namespace: string; name: string };

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const REPOSITORY = /^(?!\.{1,2}(\/|$))[\w.-]{1,100}(\/(?!\.{1,2}(\/|$))[\w.-]{1,100}){1,15}$/;

export const isContainer = (text: string): boolean => LABEL.test(text);
/** Of a run, a pod, a pipeline. */
export const isName = (text: string): boolean => SUBDOMAIN.test(text);
export const isUid = (text: string): boolean => /^[A-Za-z0-9-]{1,64}$/.test(text);
export const isRepository = (text: string): boolean => text.length <= 400 && REPOSITORY.test(text);
export const isPull = (text: string): boolean => /^[1-9]\d{0,11}$/.test(text);
export const isCommit = (text: string): boolean => /^[0-9a-f]{7,64}$/i.test(text);
export const isBuild = (text: string): boolean =>
  /^\d{1,40}$/.test(text) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

const segment = encodeURIComponent;

export const namespacePath = (namespace: string): string => `/namespaces/${segment(namespace)}`;
export const runPath = ({ kind, namespace, name }: RunName): string =>
  `${namespacePath(namespace)}/${kind === "PipelineRun" ? "pipelineruns" : "taskruns"}/${segment(name)}`;
export const pipelinePath = (namespace: string, pipeline: string): string =>
  `${namespacePath(namespace)}/pipelines/${segment(pipeline)}`;

export const repositoryPath = (repository: string): string => `/${repository.split("/").map(segment).join("/")}`;
/** A repository below groups has GitLab's addresses, all others GitHub's. */
const isGrouped = (repository: string): boolean => repository.split("/").length > 2;
export const pullPath = (repository: string, pull: number): string =>
  `${repositoryPath(repository)}/${isGrouped(repository) ? "-/merge_requests" : "pull"}/${pull}`;
export const commitPath = (repository: string, commit: string): string =>
  `${repositoryPath(repository)}${isGrouped(repository) ? "/-" : ""}/commit/${segment(commit)}`;

/** `?a=b`, or nothing; undefined values are left out. */
export function query(values: Record<string, string | number | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) params.set(name, String(value));
  return params.size > 0 ? `?${params}` : "";
}

/** One log of a run, in the words of its address. */
export type LogChoice = {
  uid?: string;
  pipelineTask?: string;
  taskRunName?: string;
  retry?: number;
  step?: string;
  kind?: string;
  restart?: number;
};

/** The shortest choice that leads to this log of the record and to no other. */
export function choiceOf(record: RunRecord, task: Task, attempt?: Attempt, container?: Container): LogChoice {
  const isMatrix = record.tasks.some((other) => other !== task && other.name === task.name);
  return {
    ...(record.run.kind === "PipelineRun" && { pipelineTask: task.name }),
    ...(isMatrix && { taskRunName: task.taskRun.name }),
    ...(attempt && attempt !== task.attempts.at(-1) && { retry: attempt.number }),
    ...(container && { step: container.title }),
    ...(container && container.kind !== "step" && { kind: container.kind }),
    ...(container && container.restart > 0 && { restart: container.restart }),
  };
}
