import type { PipelineRunScript, RunScript, StepScript, TaskScript } from "../simulator/index.ts";
import { buildLines, checkoutLines, endlessBuild, fixtureLines, over, sha1, testLines } from "./data.ts";

/** A run that is over when the demo starts. */
export type PastRun = { script: RunScript; startMs: number };

/** A run that begins with the demo. */
export type LiveRun = { script: RunScript; cancelAfterMs?: number };

export type DemoScripts = { past: PastRun[]; live: LiveRun[] };

const hourMs = 3_600_000;
const repository = "example/project";

/** Everything the demo shows, oldest first. */
export function demoScripts(now: Date): DemoScripts {
  const nowMs = now.getTime();
  const past = [...nightlies(nowMs), ...pullRequest42(nowMs), ...pullRequest7(nowMs), ...otherRuns(nowMs)];
  return { past: past.sort((a, b) => a.startMs - b.startMs), live: liveRuns(nowMs) };
}

const step = (name: string, lines: StepScript["lines"], more: Partial<StepScript> = {}): StepScript => ({
  name,
  script: `#!/bin/sh\nset -e\nmake ${name}\n`,
  ...(lines ? { lines } : {}),
  ...more,
});

const checkout = (sha: string, from = repository): StepScript =>
  step("checkout", over(6, checkoutLines(from, sha)), { script: `git clone https://github.com/${from} .\n` });

/** A check as tektoncd's CI labels it. */
function check(
  name: string,
  { checkName, sha, startMs, pullRequest }: { checkName: string; sha: string; startMs: number; pullRequest?: number },
  more: Pick<PipelineRunScript, "tasks"> & Partial<PipelineRunScript>,
): PipelineRunScript {
  const eventId = sha1(`${sha} ${startMs}`);
  return {
    kind: "PipelineRun",
    namespace: "ci",
    name,
    ...more,
    labels: {
      "tekton.dev/kind": "ci",
      "tekton.dev/check-name": checkName,
      ...(pullRequest === undefined ? {} : { "tekton.dev/pr-number": String(pullRequest) }),
      "tekton.dev/source-event-id": `${eventId.slice(0, 8)}-${eventId.slice(8, 12)}-11f0-9e1c-${eventId.slice(12, 24)}`,
      "prow.k8s.io/build-id": buildId(startMs, checkName),
      "triggers.tekton.dev/eventlistener": "tekton-ci",
      "triggers.tekton.dev/trigger": checkName,
    },
    annotations: { "tekton.dev/gitURL": `https://github.com/${repository}`, "tekton.dev/gitRevision": sha },
  };
}

/** Snowflake-like: the time in front, something of its own behind. */
const buildId = (startMs: number, name: string): string =>
  String((BigInt(startMs) << 22n) + BigInt(Number.parseInt(sha1(name).slice(0, 5), 16)));

function pullRequest42(nowMs: number): PastRun[] {
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
function pullRequest7(nowMs: number): PastRun[] {
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

function otherRuns(nowMs: number): PastRun[] {
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

const nightlyCount = 14;
/** Days ago, and what went wrong. */
const failedNightlies = new Map([
  [4, "ninja_build_failed.log"],
  [10, "pytest_failure.log"],
] as const);

function nightlies(nowMs: number): PastRun[] {
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

/** What only a collector that was there can archive: a cancelled run, a sidecar, and a run that never ends. */
function liveRuns(nowMs: number): LiveRun[] {
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
