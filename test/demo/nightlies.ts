import { buildLines, fixtureLines, over, sha1, testLines } from "./data.ts";
import { buildId, checkout, hourMs, type PastRun, repository, step } from "./script-parts.ts";

const nightlyCount = 14;
/** Days ago, and what went wrong. */
const failedNightlies = new Map([
  [4, "ninja_build_failed.log"],
  [10, "pytest_failure.log"],
] as const);

export function nightlies(nowMs: number): PastRun[] {
  const today = new Date(nowMs);
  today.setUTCHours(2, 0, 0, 0);
  // A nightly lasts about ten minutes: the newest one must be over.
  const newest = today.getTime() + hourMs < nowMs ? today.getTime() : today.getTime() - 24 * hourMs;
  return Array.from({ length: nightlyCount }, (_, daysAgo) =>
    nightly(newest - daysAgo * 24 * hourMs, daysAgo),
  ).reverse();
}

function nightly(startMs: number, daysAgo: number): PastRun {
  const date = new Date(startMs).toISOString().slice(0, 10).replaceAll("-", "");
  const sha = sha1(`nightly ${date}`);
  const failure = failedNightlies.get(daysAgo as 4 | 10);
  const build =
    failure === "ninja_build_failed.log"
      ? step("compile", over(200, fixtureLines(failure)), { exitCode: 1 })
      : step("compile", over(200 + daysAgo * 3, buildLines(150)));
  const test =
    failure === "pytest_failure.log"
      ? step("test", over(310, fixtureLines(failure)), { exitCode: 1 })
      : step("test", over(240 + daysAgo * 5, testLines("Nightly", 60)));
  return {
    startMs,
    script: {
      kind: "PipelineRun",
      namespace: "nightly",
      name: `project-nightly-${date}`,
      pipeline: "project-nightly",
      labels: {
        "tekton.dev/kind": "ci",
        "tekton.dev/check-name": "periodic-project-nightly",
        "prow.k8s.io/build-id": buildId(startMs, "nightly"),
      },
      annotations: { "tekton.dev/gitURL": `https://github.com/${repository}`, "tekton.dev/gitRevision": sha },
      tasks: [
        { name: "build", steps: [checkout(sha), build] },
        { name: "test", runAfter: ["build"], steps: [test] },
        {
          name: "publish",
          runAfter: ["test"],
          steps: [step("push", over(8, [`pushing v${date}-${sha.slice(0, 7)}`, "done"]))],
        },
      ],
      finally: [{ name: "report", steps: [step("summary", over(2, [`nightly ${date} finished`]))] }],
    },
  };
}
