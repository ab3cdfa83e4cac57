import type { PipelineRunScript, TaskScript } from "../simulator/index.ts";
import { buildLines, fixtureLines, over, sha1, testLines } from "./data.ts";
import { buildId, check, checkout, hourMs, type PastRun, repository, step } from "./script-parts.ts";

export function pullRequest42(nowMs: number): PastRun[] {
  const commits = { first: sha1("project 42 first"), second: sha1("project 42 second") };
  const runs: PastRun[] = [];
  const add = (checkName: string, sha: string, startMs: number, more: Pick<PipelineRunScript, "tasks" | "finally">) => {
    const name = `${checkName}-${sha.slice(0, 5)}`;
    runs.push({ startMs, script: check(name, { checkName, sha, startMs, pullRequest: 42 }, more) });
  };
  const { first, second } = commits;
  const yesterday = nowMs - 26 * hourMs;
  add("pull-project-build", first, yesterday, {
    tasks: [{ name: "build", steps: [checkout(first), step("compile", over(140, buildLines(240)))] }],
  });
  add("pull-project-unit-test", first, yesterday + 2000, {
    tasks: [
      {
        name: "unit-test",
        steps: [
          checkout(first),
          step("test", over(220, fixtureLines("unittest_failed_consistently.log")), { exitCode: 1 }),
          step("upload-coverage", []),
        ],
      },
    ],
    finally: [{ name: "report", steps: [step("comment", over(2, ["posting the result of unit-test: failure"]))] }],
  });
  add("pull-project-lint", first, yesterday + 4000, {
    tasks: [
      {
        name: "lint",
        steps: [checkout(first), step("lintrunner", over(45, fixtureLines("lint_lintrunner.log")), { exitCode: 1 })],
      },
    ],
  });
  runs.push(notification(first, yesterday + 240_000));

  const recent = nowMs - 40 * 60_000;
  add("pull-project-build", second, recent, {
    tasks: [
      { name: "build", steps: [checkout(second), step("compile", over(150, buildLines(240)))] },
      { name: "image", runAfter: ["build"], steps: [step("buildah", over(60, fixtureLines("buildah-build.raw")))] },
    ],
  });
  add("pull-project-unit-test", second, recent + 1500, {
    tasks: [flakyTest(second)],
    finally: [{ name: "report", steps: [step("comment", over(2, ["posting the result of unit-test: success"]))] }],
  });
  add("pull-project-lint", second, recent + 3000, {
    tasks: [{ name: "lint", steps: [checkout(second), step("lintrunner", over(20, ["ok No lint issues."]))] }],
  });
  return runs;
}

const flakyTest = (sha: string): TaskScript => ({
  name: "unit-test",
  retries: 2,
  steps: ({ attempt }) => [
    checkout(sha),
    attempt === 0
      ? step("test", over(310, fixtureLines("pytest_failure.log")), { exitCode: 1 })
      : step("test", over(180, testLines("Archive", 120))),
  ],
});

/** tektoncd's CI reports a check with a run of its own, which carries the pull request's labels too. */
function notification(sha: string, startMs: number): PastRun {
  const eventId = sha1(`notification ${sha}`).slice(0, 13);
  return {
    startMs,
    script: {
      kind: "TaskRun",
      namespace: "ci",
      name: `${eventId}-pull-project-unit-test-failure`,
      labels: {
        "tekton.dev/kind": "ci",
        "tekton.dev/check-name": "pull-project-unit-test",
        "tekton.dev/pr-number": "42",
        "prow.k8s.io/build-id": buildId(startMs, "notification"),
        "ci.tekton.dev/source-taskrun-namespace": "ci",
        "ci.tekton.dev/source-taskrun-name": `pull-project-unit-test-${sha.slice(0, 5)}-unit-test`,
      },
      annotations: { "tekton.dev/gitURL": `https://github.com/${repository}`, "tekton.dev/gitRevision": sha },
      task: { name: "set-status", steps: [step("set", over(2, ["status of pull-project-unit-test: failure"]))] },
    },
  };
}

/** Pipelines-as-Code: annotations hold the true values, labels only what fits into a label. */
export function pullRequest7(nowMs: number): PastRun[] {
  const run = (suffix: string, startMs: number, state: string, tasks: TaskScript[]): PastRun => {
    const sha = sha1(`website 7 ${suffix}`);
    const prefix = "pipelinesascode.tekton.dev";
    const common = {
      [`${prefix}/sha`]: sha,
      [`${prefix}/url-org`]: "example",
      [`${prefix}/url-repository`]: "website",
      [`${prefix}/repository`]: "example-website",
      [`${prefix}/event-type`]: "pull_request",
      [`${prefix}/original-prname`]: "website-pull-request",
      [`${prefix}/pull-request`]: "7",
    };
    return {
      startMs,
      script: {
        kind: "PipelineRun",
        namespace: "ci",
        name: `website-pull-request-${suffix}`,
        labels: {
          ...common,
          "app.kubernetes.io/managed-by": "pipelinesascode.tekton.dev",
          [`${prefix}/state`]: state,
          [`${prefix}/check-run-id`]: String(parseInt(sha.slice(0, 8), 16)),
        },
        annotations: {
          ...common,
          [`${prefix}/sha-title`]: "Describe the archive's format: frames, segments & records",
          [`${prefix}/sha-url`]: `https://github.com/example/website/commit/${sha}`,
          [`${prefix}/repo-url`]: "https://github.com/example/website",
          [`${prefix}/branch`]: "main",
          [`${prefix}/source-branch`]: "docs/format",
          [`${prefix}/sender`]: "octocat",
          [`${prefix}/git-provider`]: "github",
        },
        tasks,
      },
    };
  };
  const from = "example/website";
  const wheel = step("wheels", over(70, fixtureLines("pip_wheel_build_failure.log")), { exitCode: 1 });
  const browser = step("playwright", over(25, fixtureLines("playwright.raw")));
  return [
    run("x7k2p", nowMs - 5 * hourMs, "failed", [
      { name: "site", steps: [checkout(sha1("website 7 x7k2p"), from), wheel, step("publish", [])] },
    ]),
    run("q9d4m", nowMs - 3 * hourMs, "completed", [
      { name: "site", steps: [checkout(sha1("website 7 q9d4m"), from), step("build", over(40, buildLines(80)))] },
      { name: "browser-test", runAfter: ["site"], steps: [browser] },
    ]),
  ];
}
