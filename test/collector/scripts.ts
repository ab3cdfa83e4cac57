import type { PipelineRunScript, TaskRunScript } from "../simulator/index.ts";

/** `line 1`, `line 2`, … */
export const numbered = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `line ${from + i}`);

/** One step that prints, unless more is said. */
export const taskRun = (name: string, more: Partial<TaskRunScript["task"]> = {}): TaskRunScript => ({
  kind: "TaskRun",
  name,
  task: { name: "print", steps: [{ name: "print", lines: numbered(50), paceMs: 2 }], ...more },
});

/** A pull request's check with a retry, a sidecar, a skipped task, a matrix and a finally task. */
export const pipelineRun: PipelineRunScript = {
  kind: "PipelineRun",
  name: "hello",
  labels: { "tekton.dev/pr-number": "42", "tekton.dev/check-name": "pull-hello", "prow.k8s.io/build-id": "1729" },
  annotations: {
    "tekton.dev/gitURL": "https://github.com/Example/Project",
    "tekton.dev/gitRevision": "0123456789abcdef",
  },
  tasks: [
    {
      name: "build",
      steps: [
        { name: "compile", lines: numbered(100), paceMs: 1 },
        { name: "link", lines: ["linked"] },
      ],
    },
    {
      name: "test",
      runAfter: ["build"],
      retries: 1,
      sidecars: [
        {
          name: "server",
          lines: function* () {
            for (;;) yield "tick";
          },
          paceMs: 20,
        },
      ],
      steps: [{ name: "unit", lines: ["--- FAIL"], exitCode: 1 }],
    },
    { name: "never", steps: [{ name: "say", lines: [] }], skipped: { reason: "When Expressions evaluated to false" } },
    { name: "platforms", matrix: { os: ["linux", "mac"] }, steps: [{ name: "say", lines: ["here"] }] },
  ],
  finally: [{ name: "report", steps: [{ name: "say", lines: ["finally"] }] }],
};
