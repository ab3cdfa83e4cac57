import type { PipelineRunScript } from "../simulator/index.ts";
import { endlessBuild, over, sha1, testLines } from "./data.ts";
import { check, checkout, type LiveRun, step } from "./script-parts.ts";

/** What only a collector that was there can archive: a cancelled run, a sidecar, and a run that never ends. */
export function liveRuns(nowMs: number): LiveRun[] {
  const sha = sha1("project 42 second");
  const live = (checkName: string, more: Pick<PipelineRunScript, "tasks" | "finally">): PipelineRunScript =>
    check(`${checkName}-${sha.slice(0, 5)}`, { checkName, sha, startMs: nowMs, pullRequest: 42 }, more);
  return [
    {
      script: live("pull-project-integration", {
        tasks: [
          {
            name: "integration",
            sidecars: [{ name: "database", lines: () => sidecarLines() }],
            steps: [checkout(sha), step("test", over(20, testLines("Integration", 50)))],
          },
        ],
        finally: [{ name: "report", steps: [step("comment", over(2, ["integration passed"]))] }],
      }),
    },
    {
      cancelAfterMs: 15_000,
      script: live("pull-project-benchmark", {
        tasks: [{ name: "benchmark", steps: [step("measure", () => endlessBuild(200))] }],
      }),
    },
    {
      script: live("pull-project-e2e", {
        tasks: [
          {
            name: "deploy",
            steps: [checkout(sha), step("apply", over(4, ["namespace/e2e created", "deployment.apps/web created"]))],
          },
          { name: "e2e", runAfter: ["deploy"], steps: [step("browse", () => endlessBuild(300)), step("collect", [])] },
        ],
        finally: [{ name: "tear-down", steps: [step("delete", over(2, ['namespace "e2e" deleted']))] }],
      }),
    },
  ];
}

function* sidecarLines() {
  yield { text: "LOG:  starting PostgreSQL 17.2 on x86_64-pc-linux-musl", afterMs: 200 };
  yield { text: "LOG:  database system is ready to accept connections", afterMs: 300 };
  for (let count = 1; ; count++) yield { text: `LOG:  checkpoint complete: wrote ${count * 7} buffers`, afterMs: 1000 };
}
