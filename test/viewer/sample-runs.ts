import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { ArchiveFixture, RunSpec } from "./archive-fixture.ts";

const FIXTURES = new URL("../fixtures/demo/", import.meta.url);

/** Lines of a real log, without the times that it was fetched with. */
export function realLines(name: string): Buffer[] {
  const text = gunzipSync(readFileSync(new URL(`${name}.gz`, FIXTURES)));
  const lines: Buffer[] = [];
  for (let at = 0; at < text.byteLength; ) {
    const newline = text.indexOf(0x0a, at);
    const end = newline === -1 ? text.byteLength : newline;
    const line = text.subarray(at, end);
    const space = line.indexOf(0x20);
    if (!line.subarray(0, 10).equals(Buffer.from("#=SOURCE=#")))
      lines.push(/^\d{4}-\d\d-/.test(line.toString("latin1", 0, 8)) ? line.subarray(space + 1) : line);
    at = end + 1;
  }
  return lines;
}

const repository = { url: "https://github.com/tektoncd/pipeline", path: "tektoncd/pipeline" };
const say = (n: number, text: (i: number) => string) => Array.from({ length: n }, (_, i) => text(i + 1));

/** A failed run with all that can be odd about one. */
export const failedRun: RunSpec = {
  name: "pull-linux-test-r7x2k",
  pipeline: "pull-linux-test",
  status: "failed",
  reason: "Failed",
  took: 1426,
  why: "unit / test exited with 1: Tests Completed: 5 (Failed: 1, Cancelled 0), Skipped: 2.",
  place: {
    repository,
    pull: 9075,
    commit: "4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7",
    check: "pull-linux-test",
    event: "pull_request",
    build: "1816029512",
  },
  tasks: [
    {
      name: "clone",
      at: [0, 15],
      containers: [
        {
          title: "place-scripts",
          kind: "init",
          at: [3, 4],
          lines: ["2026/07/30 09:46:16 Decoded script /tekton/scripts/script-0"],
        },
        {
          title: "clone",
          at: [4, 14],
          exitCode: 0,
          lines: say(28, (i) => `remote: Counting objects: ${i * 3}% (${i * 911}/25508)`),
        },
      ],
    },
    {
      name: "lint",
      at: [15, 132],
      containers: [
        { title: "lintrunner", at: [24, 128], exitCode: 0, lines: realLines("lint_lintrunner.log"), everyMs: 350 },
      ],
    },
    {
      name: "build",
      at: [200, 763],
      earlier: [
        {
          status: "failed",
          reason: "PodEvicted",
          message: "The node was low on resource: memory.",
          at: [15, 186],
          containers: [
            {
              title: "configure",
              at: [36, 70],
              exitCode: 0,
              lines: say(60, (i) => `-- Performing Test HAVE_FLAG_${i} - Success`),
            },
            {
              title: "compile",
              status: "failed",
              at: [70, 186],
              lines: say(240, (i) => `[${i}/3333] Building CXX object caffe2/CMakeFiles/torch_cpu.dir/part_${i}.cpp.o`),
              state: "incomplete",
              words: "The pod was evicted; what it wrote in its last 2 seconds could not be read.",
              gaps: [
                {
                  afterLine: 240,
                  from: "2026-07-30T09:49:20Z",
                  to: "2026-07-30T09:49:22Z",
                  cause: "pod-deleted",
                  words: "The pod was deleted while its last lines were being read.",
                },
              ],
            },
          ],
        },
      ],
      containers: [
        { title: "prepare", kind: "init", at: [203, 204], lines: [] },
        {
          title: "configure",
          at: [214, 245],
          exitCode: 0,
          lines: say(60, (i) => `-- Performing Test HAVE_FLAG_${i} - Success`),
        },
        {
          title: "compile",
          at: [245, 752],
          exitCode: 0,
          lines: say(3333, (i) => `[${i}/3333] Building CXX object caffe2/CMakeFiles/torch_cpu.dir/part_${i}.cpp.o`),
          everyMs: 150,
        },
        { title: "package", at: [752, 760], exitCode: 0, lines: realLines("buildah-build.raw") },
        {
          title: "sccache",
          kind: "sidecar",
          at: [206, 763],
          lines: say(12, (i) => `sccache: ${i * 41} compile requests served`),
          everyMs: 40_000,
        },
      ],
    },
    {
      name: "unit",
      status: "failed",
      reason: "Failed",
      at: [763, 1382],
      containers: [
        { title: "prepare", kind: "init", at: [790, 792], lines: ["Entrypoint initialization"] },
        { title: "install", at: [805, 916], exitCode: 0, lines: realLines("docker-pull.raw") },
        {
          title: "test",
          status: "failed",
          exitCode: 1,
          at: [916, 1380],
          lines: [
            ...say(
              700,
              (i) => `test/test_${i % 7}.py::TestCase::test_${i} \x1b[32mPASSED\x1b[0m [ ${Math.ceil(i / 8)}%]`,
            ),
            ...realLines("unittest_failed_consistently.log"),
          ],
          everyMs: 430,
          state: "incomplete",
          words: "The node rotated the log while it was being read.",
          gaps: [
            {
              afterLine: 874,
              from: "2026-07-30T10:07:43.200Z",
              to: "2026-07-30T10:07:46.220Z",
              cause: "rotated",
              words:
                "Lines written between 10:07:43.200 and 10:07:46.220 are missing: the node rotated the log at 10 MiB while it was being read.",
            },
          ],
        },
        { title: "upload", status: "cancelled", state: "none", words: "The step did not run: test failed before it." },
        { title: "redis", kind: "sidecar", at: [790, 1382], lines: ["Ready to accept connections tcp"] },
        { title: "redis", kind: "sidecar", restart: 1, at: [1382, 1400], lines: [] },
      ],
    },
    {
      name: "docs",
      at: [763, 990],
      containers: [{ title: "build", at: [769, 969], exitCode: 0, lines: realLines("playwright.raw") }],
    },
    {
      name: "report",
      finally: true,
      at: [1384, 1425],
      containers: [
        { title: "comment", at: [1387, 1425], exitCode: 0, lines: ["posting the result", "\x1b[1;32mdone\x1b[0m"] },
      ],
    },
  ],
  skipped: [
    { name: "e2e", reason: "its parent unit failed" },
    { name: "publish", reason: "When Expressions evaluated to false" },
  ],
};

export const runningRun: RunSpec = {
  name: "pull-linux-test-k94pw",
  pipeline: "pull-linux-test",
  createdAt: "2026-07-30T13:17:05Z",
  place: {
    repository,
    pull: 9075,
    commit: "c07d81b2d7710fe10c74f1c9aed0e3f6a91be002",
    check: "pull-linux-test",
    event: "pull_request",
  },
  tasks: [
    { name: "clone", at: [0, 11], containers: [{ title: "clone", at: [2, 11], exitCode: 0, lines: ["Cloned."] }] },
    {
      name: "build",
      status: "running",
      at: [11],
      containers: [
        {
          title: "configure",
          at: [32, 63],
          exitCode: 0,
          lines: say(40, (i) => `-- Performing Test HAVE_FLAG_${i} - Success`),
        },
        {
          title: "compile",
          status: "running",
          at: [63],
          lines: say(640, (i) => `[${i}/3333] Building CXX object caffe2/CMakeFiles/torch_cpu.dir/part_${i}.cpp.o`),
          everyMs: 300,
          state: "open",
        },
        { title: "package", status: "waiting", state: "waiting" },
        { title: "sccache", kind: "sidecar", status: "running", at: [30], lines: ["listening on 4226"], state: "open" },
      ],
    },
    {
      name: "docs",
      status: "waiting",
      reason: "PullImageFailed",
      message: "its pod is pulling image registry.example.com/example/docs:3.14",
      at: [100],
      containers: [],
    },
  ],
};

const checks: [string, [string, "succeeded" | "failed" | "cancelled", number, string?][]][] = [
  [
    "pull-lint",
    [
      [
        "c07d81b2d7710fe10c74f1c9aed0e3f6a91be002",
        "failed",
        108,
        "lint / lintrunner exited with 1: Warning (RUFF) TC003 Move standard library import into a type-checking block.",
      ],
      ["4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7", "succeeded", 104],
      ["91be002c07d81b2d7710fe10c74f1c9aed0e3f6a", "succeeded", 106],
    ],
  ],
  [
    "pull-docs",
    [
      ["c07d81b2d7710fe10c74f1c9aed0e3f6a91be002", "succeeded", 200],
      ["4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7", "succeeded", 190],
    ],
  ],
  [
    "pull-distributed",
    [
      [
        "c07d81b2d7710fe10c74f1c9aed0e3f6a91be002",
        "failed",
        980,
        "build / compile exited with 1: kineto_metadata.cpp:128:26: error: no matching function for call",
      ],
      ["4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7", "succeeded", 1860],
      ["91be002c07d81b2d7710fe10c74f1c9aed0e3f6a", "succeeded", 1800],
      ["91be002c07d81b2d7710fe10c74f1c9aed0e3f6a", "failed", 900, "build / compile exited with 2"],
    ],
  ],
  [
    "pull-wheel",
    [
      ["c07d81b2d7710fe10c74f1c9aed0e3f6a91be002", "cancelled", 123, "It was cancelled by a newer commit."],
      ["4f1c9aed0e3f6a91be002c07d81b2d7710fe10c7", "succeeded", 1100],
    ],
  ],
];

/** An archive as a project has after two weeks. */
export async function fillWithSamples(archive: ArchiveFixture): Promise<void> {
  await archive.run(failedRun);
  await archive.run({
    ...failedRun,
    createdAt: "2026-07-12T08:00:00Z",
    status: "succeeded",
    why: "",
    tasks: failedRun.tasks?.slice(0, 1) ?? [],
    skipped: [],
  });
  await archive.run(runningRun);
  const start: Record<string, string> = {
    c07d: "2026-07-30T13:02:00Z",
    "4f1c": "2026-07-30T09:46:00Z",
    "91be": "2026-07-29T17:02:00Z",
  };
  let n = 0;
  for (const [check, runs] of checks) {
    for (const [commit, status, took, why] of runs) {
      n++;
      await archive.run({
        name: `${check}-${(n * 7919).toString(36)}`,
        pipeline: check,
        status,
        took,
        ...(why && { why }),
        createdAt: new Date(Date.parse(start[commit.slice(0, 4)] ?? "") - n * 20_000).toISOString(),
        place: { repository, pull: 9075, commit, check, event: "pull_request", build: "1816029513" },
        tasks: [
          {
            name: "main",
            status,
            at: [2, took],
            containers: [
              {
                title: "run",
                status,
                at: [10, took],
                exitCode: status === "succeeded" ? 0 : 1,
                lines: realLines("compile_error.log"),
              },
            ],
          },
        ],
      });
    }
  }
  for (let night = 0; night < 14; night++) {
    const isBad = night === 0 || night === 5;
    await archive.run({
      namespace: "tekton-nightly",
      name: `pipeline-nightly-${20260730 - night}`,
      pipeline: "pipeline-nightly",
      createdAt: new Date(Date.parse("2026-07-30T02:00:00Z") - night * 86_400_000).toISOString(),
      took: 1500 + night * 13,
      status: isBad ? "failed" : "succeeded",
      ...(isBad && {
        why: "build / ninja exited with 1: FAILED: [code=127] third_party/fmt/CMakeFiles/fmt.dir/src/format.cc.o.ddi",
      }),
      place: {
        repository,
        commit: `${(night + 10).toString(16)}91be002c07d81b2d7710fe10c74f1c9aed0e3f6a`.slice(0, 40),
      },
      tasks: [
        {
          name: "build",
          status: isBad ? "failed" : "succeeded",
          at: [0, 1500],
          containers: [
            {
              title: "ninja",
              status: isBad ? "failed" : "succeeded",
              at: [12, 1490],
              exitCode: isBad ? 1 : 0,
              lines: realLines("ninja_build_failed.log"),
            },
          ],
        },
      ],
    });
  }
  await archive.run({
    kind: "TaskRun",
    namespace: "releases",
    name: "image-sign-1",
    createdAt: "2026-07-28T12:00:00Z",
    took: 44,
    status: "failed",
    why: "The image registry.example.com/example/sign:3 could not be pulled: manifest unknown.",
    tasks: [
      {
        name: "image-sign-1",
        taskRun: "image-sign-1",
        status: "failed",
        reason: "TaskRunImagePullFailed",
        at: [0, 44],
        containers: [
          {
            title: "sign",
            status: "failed",
            state: "none",
            words:
              "Its container never started: the image registry.example.com/example/sign:3 could not be pulled (manifest unknown), tried 6 times.",
          },
        ],
      },
    ],
  });
}
