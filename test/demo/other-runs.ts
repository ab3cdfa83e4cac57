import type { PipelineRunScript } from "../simulator/index.ts";
import { buildLines, endlessBuild, fixtureLines, over, sha1, testLines } from "./data.ts";
import { check, checkout, hourMs, type PastRun, step } from "./script-parts.ts";

export function otherRuns(nowMs: number): PastRun[] {
  const sha = sha1("project main");
  const runs: PastRun[] = [];
  const add = (checkName: string, hoursAgo: number, more: Pick<PipelineRunScript, "tasks" | "finally">) => {
    const startMs = nowMs - hoursAgo * hourMs;
    runs.push({ startMs, script: check(`${checkName}-${sha.slice(0, 5)}`, { checkName, sha, startMs }, more) });
  };
  add("post-project-publish", 9, {
    tasks: [
      {
        name: "build",
        steps: [checkout(sha), step("compile", over(190, fixtureLines("compile_error.log")), { exitCode: 1 })],
      },
      { name: "publish", runAfter: ["build"], steps: [step("push", [])] },
    ],
    finally: [{ name: "clean-up", steps: [step("prune", over(3, ["removing 3 caches", "done"]))] }],
  });
  add("periodic-project-platforms", 7, {
    tasks: [
      { name: "prepare", steps: [step("pull", over(15, fixtureLines("docker-pull.raw")))] },
      {
        name: "build",
        runAfter: ["prepare"],
        matrix: { os: ["linux", "mac", "windows"] },
        steps: ({ params }) => [step("compile", over(90, [`building for ${params.os}`, ...buildLines(60)]))],
      },
      {
        name: "sign",
        runAfter: ["build"],
        skipped: {
          reason: "When Expressions evaluated to false",
          when: { input: "main", operator: "in", values: ["release"] },
        },
        steps: [step("cosign", [])],
      },
      {
        name: "benchmark",
        runAfter: ["build"],
        onError: "continue",
        steps: [
          step("warm-up", over(5, ["cannot pin the CPU's frequency"]), { exitCode: 2, onError: "continue" }),
          step("measure", over(30, testLines("Benchmark", 20)), { exitCode: 1, unfinishedLine: "benchmark aborted" }),
        ],
      },
    ],
    finally: [{ name: "report", steps: [step("summary", over(2, ["3 platforms built, 1 step skipped"]))] }],
  });
  add("periodic-project-docs", 6, {
    tasks: [
      {
        name: "render",
        imagePullFailure: {
          message:
            'failed to pull and unpack image "registry.example.com/docs:v3": failed to resolve reference "registry.example.com/docs:v3": registry.example.com/docs:v3: not found',
        },
        steps: [step("render", [], { image: "registry.example.com/docs:v3" })],
      },
    ],
  });
  // Tekton deletes a timed-out pod at once: by the time the demo starts, nobody can read this log any more.
  add("periodic-project-stress", 4, {
    tasks: [{ name: "stress", timeoutMs: 120_000, steps: [step("stress", () => endlessBuild(2000))] }],
  });
  return runs;
}
