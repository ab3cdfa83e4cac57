import type { Finding } from "../../archive/findings.ts";
import type { Attempt, Container, RunRecord, Task } from "../../archive/record.ts";
import { excerptOf } from "../findings/text.ts";
import { isDone } from "./status.ts";

/** Lists show two lines of it. */
const EXCERPT_LENGTH = 200;

/** What happened to a run that did not simply succeed, in one sentence. */
export function whyOf({ run, tasks }: RunRecord): string | undefined {
  if (run.reason === "Deleted") return "The run was deleted while it was running.";
  if (run.status === "waiting" || run.status === "running") return waitingWhy(tasks);
  const culprit = tasks.find((task) => !task.ignored && isBad(task.status));
  if (run.status === "succeeded") return undefined;
  if (!culprit) return sentence(run.message ?? run.reason);
  const name = run.kind === "PipelineRun" ? culprit.name : undefined;
  if (run.status === "cancelled") return name ? `Cancelled while ${name} was running.` : "Cancelled.";
  return taskWhy(culprit, name) ?? sentence(run.message ?? run.reason);
}

const isBad = (status: string): boolean =>
  isDone(status as Task["status"]) && status !== "succeeded" && status !== "skipped";

function taskWhy(task: Task, name: string | undefined): string | undefined {
  const attempt = task.attempts.at(-1);
  const tries = task.attempts.length > 1 ? ` The ${task.attempts.length} attempts all failed.` : "";
  if (task.status === "timed-out") return `${name ?? task.name} timed out${took(task)}.${tries}`;
  if (task.status === "cancelled") return `${name ?? task.name} was cancelled${took(task)}.`;
  const step = attempt?.containers.find(failedStep);
  const where = step && (name ? `${name} / ${step.title}` : step.title);
  if (where && step.exitCode !== undefined) {
    const killed = step.reason === "OOMKilled" ? " (killed: out of memory)" : "";
    return explained(`${where} exited with code ${step.exitCode}${killed}.${tries}`, step.log.findings?.leading);
  }
  const message = sentence(attempt?.message ?? task.message ?? task.reason);
  return message && (name ? `${name}: ${message}` : message);
}

/** A sentence that goes on with the line that explains it. */
function explained(sentence: string, leading: Finding | undefined): string {
  return leading ? `${sentence.slice(0, -1)}: ${excerptOf(leading.excerpt, EXCERPT_LENGTH)}` : sentence;
}

const failedStep = (container: Container): boolean =>
  container.kind === "step" && container.status === "failed" && !container.ignored;

function took({ startedAt, completedAt }: Task): string {
  if (!startedAt || !completedAt) return "";
  return ` after ${Math.max(0, Math.round((Date.parse(completedAt) - Date.parse(startedAt)) / 1000))} s`;
}

/** What keeps a run from going on, if Kubernetes says it. */
function waitingWhy(tasks: Task[]): string | undefined {
  for (const task of tasks) {
    const attempt: Attempt | undefined = task.attempts.at(-1);
    if (!attempt || isDone(attempt.status)) continue;
    const stuck = attempt.containers.find(
      (container) => container.status === "waiting" && /BackOff|Err|Invalid/.test(container.reason ?? ""),
    );
    if (stuck) return sentence(`${task.name} waits: ${stuck.reason}, ${stuck.message ?? "its container cannot start"}`);
  }
  return undefined;
}

/** Messages come from anywhere: one line, of a bounded length. */
function sentence(message: string | undefined): string | undefined {
  const line = message?.split("\n", 1)[0]?.trim().slice(0, 300);
  return line ? (/[.!?]$/.test(line) ? line : `${line}.`) : undefined;
}
