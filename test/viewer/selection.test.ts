import { expect, test } from "vitest";
import type { RunRecord } from "../../archive/record.ts";
import type { LogChoice } from "../../viewer/address.ts";
import { choiceOf } from "../../viewer/address.ts";
import { select } from "../../viewer/selection.ts";
import { ArchiveFixture, type RunSpec, type TaskSpec } from "./archive-fixture.ts";
import { failedRun } from "./sample-runs.ts";

const record = (spec: Partial<RunSpec>): Promise<RunRecord> =>
  new ArchiveFixture().run({ name: "r", took: 1, ...spec });

async function chosen(spec: Partial<RunSpec>, choice: LogChoice = {}): Promise<string> {
  const selection = select(await record(spec), choice);
  if (selection.type !== "log") return selection.type;
  return `${selection.task.name}/${selection.attempt.number}/${selection.container.name}.${selection.container.restart}`;
}

const step = (title: string, status: TaskSpec["status"] = "succeeded", lines: string[] = ["x"]) => ({
  title,
  status,
  lines,
});

test.each<[string, TaskSpec[], string]>([
  ["nothing has begun", [], "nothing"],
  [
    "the step that failed",
    [
      { name: "a", containers: [step("x")] },
      { name: "b", status: "failed", containers: [step("x"), step("y", "failed"), step("z", "failed")] },
    ],
    "b/0/step-y.0",
  ],
  [
    "of its last attempt",
    [
      {
        name: "b",
        status: "failed",
        earlier: [{ status: "failed", containers: [step("x", "failed")] }],
        containers: [step("x", "failed")],
      },
    ],
    "b/1/step-x.0",
  ],
  [
    "not one that was ignored",
    [
      { name: "a", status: "failed", ignored: true, containers: [step("x", "failed")] },
      { name: "b", containers: [step("x")] },
    ],
    "b/0/step-x.0",
  ],
  [
    "a failure before what runs",
    [
      { name: "a", status: "running", containers: [step("x", "running")] },
      { name: "b", status: "timed-out", containers: [step("x", "timed-out")] },
    ],
    "b/0/step-x.0",
  ],
  [
    "the step that runs",
    [
      { name: "a", containers: [step("x")] },
      { name: "b", status: "running", containers: [step("x"), step("y", "running"), step("z", "waiting", [])] },
    ],
    "b/0/step-y.0",
  ],
  [
    "of steps that all run the one that writes",
    [{ name: "b", status: "running", containers: [step("x", "running", ["1"]), step("y", "running", [])] }],
    "b/0/step-x.0",
  ],
  [
    "the last step when all went well",
    [
      { name: "a", containers: [step("x")] },
      { name: "b", containers: [step("x"), step("y"), { ...step("s"), kind: "sidecar" }] },
      { name: "f", finally: true, containers: [step("x")] },
    ],
    "b/0/step-y.0",
  ],
  [
    "a failed task without a container",
    [
      { name: "a", containers: [step("x")] },
      { name: "b", status: "failed", containers: [] },
    ],
    "task",
  ],
])("%s", async (_, tasks, expected) => {
  expect(await chosen({ tasks })).toBe(expected);
});

test.each<[LogChoice, string]>([
  [{ pipelineTask: "build" }, "build/1/step-package.0"],
  [{ pipelineTask: "build", retry: 0 }, "build/0/step-compile.0"],
  [{ pipelineTask: "build", retry: 1, step: "configure" }, "build/1/step-configure.0"],
  [{ pipelineTask: "build", retry: 7 }, "unknown"],
  [{ pipelineTask: "build", step: "nothing" }, "unknown"],
  [{ pipelineTask: "nothing" }, "unknown"],
  [{ pipelineTask: "e2e" }, "skipped"],
  [{ pipelineTask: "unit", step: "redis" }, "unit/0/sidecar-redis.0"],
  [{ pipelineTask: "unit", step: "redis", restart: 1 }, "unit/0/sidecar-redis.1"],
  [{ pipelineTask: "unit", step: "redis", restart: 2 }, "unknown"],
  [{ taskRunName: "pull-linux-test-r7x2k-docs" }, "docs/0/step-build.0"],
  [{ step: "test" }, "unit/0/step-test.0"],
])("%j chooses %s", async (choice, expected) => {
  expect(await chosen(failedRun, choice)).toBe(expected);
});

test("every container's own choice leads back to it, in a matrix too", async () => {
  const matrix: TaskSpec[] = ["a", "b"].map((name) => ({
    name: "m",
    taskRun: `m-${name}`,
    containers: [step("x"), { ...step("x"), kind: "init" }],
  }));
  const run = await record({ tasks: [...(failedRun.tasks ?? []), ...matrix] });
  for (const task of run.tasks) {
    for (const attempt of task.attempts) {
      for (const container of attempt.containers) {
        const selection = select(run, choiceOf(run, task, attempt, container));
        expect(selection).toMatchObject({ type: "log" });
        expect(selection.type === "log" && selection.container === container).toBe(true);
      }
    }
  }
});
