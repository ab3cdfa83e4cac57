import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ArchiveError } from "../../archive/error.ts";
import { recordKey, runningKey } from "../../archive/keys.ts";
import type { PipelineRunScript, TaskRunScript } from "../simulator/index.ts";
import { kubeletErrors, type LogFault } from "../simulator/index.ts";
import { type CollectorOptions, eventually, openWorld, type World } from "./harness.ts";

let world: World;
const collect = (more?: CollectorOptions) => world.collect(more);

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const numbered = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `line ${from + i}`);

const taskRun = (name: string, more: Partial<TaskRunScript["task"]> = {}): TaskRunScript => ({
  kind: "TaskRun",
  name,
  task: { name: "print", steps: [{ name: "print", lines: numbered(50), paceMs: 2 }], ...more },
});

const pipelineRun: PipelineRunScript = {
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
        { name: "compile", lines: numbered(200), paceMs: 1 },
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

describe("a run in the archive", () => {
  test("has every container of every attempt, each log as it was printed", async () => {
    collect();
    const run = world.simulator.run(pipelineRun);
    await run.settled;
    const record = await world.finished("PipelineRun", "hello");
    expect(record.run.status).toBe("failed");
    expect(record.why).toBe("test / unit exited with code 1. The 2 attempts all failed: --- FAIL");
    expect(record.tasks.map((task) => [task.name, task.attempts.length, task.finally ?? false])).toEqual([
      ["build", 1, false],
      ["test", 2, false],
      ["platforms", 1, false],
      ["platforms", 1, false],
      ["report", 1, true],
    ]);
    expect(record.skipped).toEqual([{ name: "never", reason: "When Expressions evaluated to false" }]);
    for (const { where, state, archived, truth } of await world.logs(record)) {
      if (state === "cut") expect(truth.startsWith(archived), where).toBe(true);
      else expect([where, state, archived]).toEqual([where, "whole", truth]);
    }
  });

  test("is found by name, pull request, commit, repository, check, build and pod", async () => {
    collect();
    world.simulator.run(pipelineRun);
    const { run } = await world.finished("PipelineRun", "hello");
    for (const index of [
      { by: "name", values: ["default", "PipelineRun", "hello"] },
      { by: "namespace", values: ["default"] },
      { by: "pull", values: ["example/project", "42"] },
      { by: "repository", values: ["example/project"] },
      { by: "commit", values: ["example/project", "0123456789abcdef"] },
      { by: "check", values: ["default", "pull-hello"] },
      { by: "build", values: ["default", "1729"] },
      { by: "pod", values: ["default", "hello-test-pod-retry1"] },
    ] as const) {
      const [entry] = await world.entries(index as Parameters<World["entries"]>[0]);
      expect([index.by, entry?.run.uid, entry?.final, entry?.status]).toEqual([index.by, run.uid, true, "failed"]);
    }
    await eventually("the open entry to go", async () => {
      const open = await Array.fromAsync(world.store.list("v1/index/open/"));
      const live = await Array.fromAsync(world.store.list("v1/live/"));
      return open.length + live.length === 0 ? true : undefined;
    });
  });

  test("is there, and growing, while it runs", async () => {
    collect();
    const run = world.simulator.run(taskRun("slow", { steps: [{ name: "print", lines: numbered(400), paceMs: 5 }] }));
    const lines = await eventually("some lines", async () => {
      const record = await world.record("TaskRun", "slow");
      const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
      return log && log.archived.length > 0 ? log : undefined;
    });
    expect(lines.state).toBe("open");
    expect(lines.truth.startsWith(lines.archived)).toBe(true);
    run.cancel();
    const record = await world.finished("TaskRun", "slow");
    expect(record.run.status).toBe("cancelled");
    const log = (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    expect([log?.state, log?.archived]).toEqual(["whole", log?.truth]);
  });

  test("leads to the line that explains a failure, in the record and in what lists show", async () => {
    collect();
    const steps = [
      { name: "prepare", lines: ["WARNING: the cache is cold", "ready"] },
      {
        name: "unit",
        exitCode: 1,
        paceMs: 0,
        lines: [
          ...numbered(500).map((line) => `downloading error pages, ${line}`),
          "--- FAIL: TestAdd (0.00s)",
          "    add_test.go:9: expected 3, got 4",
          "FAIL",
          "FAIL\texample.com/add\t0.002s",
        ],
      },
      { name: "upload", lines: ["never"] },
    ];
    world.simulator.run({ kind: "PipelineRun", name: "red", tasks: [{ name: "test", steps }] });
    const record = await world.finished("PipelineRun", "red");
    const [prepare, unit, upload] =
      record.tasks[0]?.attempts[0]?.containers.filter(({ kind }) => kind === "step") ?? [];
    expect(prepare?.log.findings).toMatchObject({ findings: [], total: 0, severities: { warning: 1, error: 0 } });
    expect(unit?.log.findings?.leading).toMatchObject({ line: 501, excerpt: "--- FAIL: TestAdd (0.00s)" });
    expect(unit?.log.findings?.findings).toContainEqual(unit?.log.findings?.leading);
    expect([upload?.status, upload?.log.findings]).toEqual(["skipped", undefined]);
    const why = "test / unit exited with code 1: --- FAIL: TestAdd (0.00s)";
    expect(record.why).toBe(why);
    const found = await eventually("the final entry", async () =>
      (await world.entries({ by: "namespace", values: ["default"] })).find(({ final }) => final),
    );
    expect(found.why).toBe(why);
  });

  test("says why there is no log", async () => {
    collect();
    const message = "manifest for registry.example.com/example/none:1 not found";
    const run = world.simulator.run(taskRun("no-image", { imagePullFailure: { message }, timeoutMs: 300 }));
    await run.settled;
    const record = await world.finished("TaskRun", "no-image");
    const step = record.tasks[0]?.attempts[0]?.containers.find((container) => container.kind === "step");
    expect(step?.log.state).toBe("none");
    expect(step?.log.words).toMatch(/never started: (ErrImagePull|ImagePullBackOff), .*localhost\/busybox/);
  });

  test("keeps what it has when the run is deleted in the middle", async () => {
    collect();
    const run = world.simulator.run(taskRun("gone", { steps: [{ name: "print", lines: numbered(1000), paceMs: 5 }] }));
    await eventually("some lines", async () => ((await world.record("TaskRun", "gone")) ? true : undefined));
    run.delete();
    const record = await world.finished("TaskRun", "gone");
    expect(record.run).toMatchObject({ status: "unknown", reason: "Deleted" });
    expect(record.why).toBe("The run was deleted while it was running.");
    const log = (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    expect(log?.truth.startsWith(log?.archived ?? "?")).toBe(true);
  });
});

describe("a log is whole in spite of", () => {
  const faults: [string, LogFault][] = [
    ["a reset", { kind: "reset", afterBytes: 700 }],
    ["an end while the container runs", { kind: "clean-eof", afterBytes: 700 }],
    ["kubelet's error in the body", { kind: "in-band-error", afterBytes: 700, text: kubeletErrors.tooManyOpenFiles }],
    [
      "kubelet's error instead of the log",
      { kind: "in-band-error", afterBytes: 0, text: kubeletErrors.containerGone("containerd://1") },
    ],
    ["a server error", { kind: "status", code: 503 }],
    ["a kubelet that does not know the pod yet", { kind: "unknown-to-kubelet" }],
    ["a slow answer", { kind: "delayed-headers", delayMs: 100 }],
  ];
  test.each(faults)("%s", async (_, fault) => {
    collect();
    world.simulator.faults.add({ on: "log", container: "step-print", fault, times: 3 });
    world.simulator.run(taskRun("struck", { steps: [{ name: "print", lines: numbered(300), paceMs: 2 }] }));
    const record = await world.finished("TaskRun", "struck");
    const log = (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    expect([log?.state, log?.archived]).toEqual(["whole", log?.truth]);
  });

  test("more containers than follows are allowed", async () => {
    collect({ followsPerNode: 1 });
    world.simulator.run(pipelineRun);
    const record = await world.finished("PipelineRun", "hello");
    for (const { where, state, archived, truth } of await world.logs(record)) {
      if (state !== "cut") expect([where, state, archived]).toEqual([where, "whole", truth]);
    }
  });

  test("a collector that stops and another that goes on", async () => {
    const first = collect();
    world.simulator.run(taskRun("moved", { steps: [{ name: "print", lines: numbered(400), paceMs: 3 }] }));
    await eventually("some lines", async () => {
      const record = await world.record("TaskRun", "moved");
      const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
      return log && log.archived.length > 1000 ? true : undefined;
    });
    await first.stop();
    collect();
    const record = await world.finished("TaskRun", "moved");
    const log = (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    expect([log?.state, log?.archived]).toEqual(["whole", log?.truth]);
  });

  test("two collectors at once", async () => {
    collect();
    collect();
    world.simulator.run(pipelineRun);
    const record = await world.finished("PipelineRun", "hello");
    for (const { where, state, archived, truth } of await world.logs(record)) {
      if (state === "cut") expect(truth.startsWith(archived), where).toBe(true);
      else expect([where, state, archived]).toEqual([where, "whole", truth]);
    }
  });

  test("a watch that is cut, expired and malformed", async () => {
    for (const kind of ["drop", "gone", "malformed-line"] as const) {
      world.simulator.faults.add({ on: "watch", fault: { kind, afterEvents: 1 }, times: 3 });
    }
    world.simulator.faults.add({ on: "list", fault: { kind: "status", code: 503 }, times: 2 });
    collect();
    world.simulator.run(pipelineRun);
    const record = await world.finished("PipelineRun", "hello");
    expect(record.tasks).toHaveLength(5);
  });
});

test("of a container that restarted while nobody looked, the last two logs are there and the others said to be lost", async () => {
  const { simulator } = world;
  const lines = function* () {
    yield "first";
    for (;;) yield { text: "later", afterMs: 60_000 };
  };
  const run = simulator.run(taskRun("restarted", { steps: [{ name: "print", lines }] }));
  const pod = await eventually("its pod", async () =>
    run.pods().find((pod) => simulator.runningContainers({ pod: pod.name, container: "step-print" }).length > 0),
  );
  await eventually("its first line", async () =>
    simulator.truth(pod, "step-print").lines.length > 0 ? true : undefined,
  );
  for (const text of ["second", "third"]) {
    simulator.restartContainer(pod, "step-print");
    simulator.writeLine(pod, "step-print", text);
  }
  collect();
  await eventually("the newest line", async () => {
    const record = await world.record("TaskRun", "restarted");
    return record && (await world.logs(record)).some(({ archived }) => archived.endsWith(" third\n"))
      ? true
      : undefined;
  });
  run.cancel();
  await simulator.deletePod(pod);
  const record = await world.finished("TaskRun", "restarted");
  const logs = (await world.logs(record)).filter(({ where }) => where.includes("step-print"));
  expect(logs.map(({ state, archived }) => [state, archived.slice(31)])).toEqual([
    ["none", ""],
    ["whole", "second\n"],
    ["whole", "third\n"],
  ]);
});

test("what the node rotated away while nobody could read it is a gap, and everything else is there", async () => {
  const { simulator } = world;
  collect();
  const lines = function* () {
    yield* numbered(50);
    for (;;) yield { text: "later", afterMs: 60_000 };
  };
  const run = simulator.run(taskRun("rotated", { steps: [{ name: "print", lines }] }));
  await eventually("the first lines", async () => {
    const record = await world.record("TaskRun", "rotated");
    const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    return log?.archived.includes("line 50\n") ? true : undefined;
  });
  const pod = run.pods()[0] as NonNullable<ReturnType<typeof run.pods>[0]>;
  simulator.faults.add({ on: "log", container: "step-print", fault: { kind: "status", code: 503 }, times: 1_000_000 });
  simulator.cutFollows({ kind: "reset", afterBytes: 0 }, { container: "step-print" });
  for (const text of numbered(10, 51)) simulator.writeLine(pod, "step-print", text);
  simulator.rotate(pod, "step-print");
  for (const text of numbered(10, 61)) simulator.writeLine(pod, "step-print", text);
  simulator.faults.clear();
  const archived = await eventually("the newest lines", async () => {
    const record = await world.record("TaskRun", "rotated");
    const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    return log?.archived.includes("line 70\n") ? log : undefined;
  });
  run.cancel();
  const record = await world.finished("TaskRun", "rotated");
  const log = record.tasks[0]?.attempts[0]?.containers.find(({ name }) => name === "step-print")?.log;
  const truth = archived.truth.split("\n");
  expect(log).toMatchObject({
    state: "incomplete",
    lines: 60,
    gaps: [{ afterLine: 50, from: truth[49]?.slice(0, 30), to: truth[60]?.slice(0, 30), cause: "rotated" }],
  });
  expect(archived.archived.split("\n")).toEqual([...truth.slice(0, 50), ...truth.slice(60)]);
});

describe("nothing is overwritten", () => {
  test.each([
    ["a record of a future version", { version: 2 }, "future"],
    ["something foreign", { hello: "world" }, "damaged"],
  ])("when there is %s", async (_, foreign, kind) => {
    const run = world.simulator.run(taskRun("strange"));
    await run.settled;
    const id = { namespace: "default", runUid: run.uid };
    const bytes = Buffer.from(JSON.stringify(foreign));
    await world.store.put(recordKey(id), bytes);
    const errors: unknown[] = [];
    const logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: { err?: unknown }) => errors.push(fields.err),
    };
    collect({ logger: logger as never });
    const error = await eventually("the error", async () => errors[0]);
    expect(error).toBeInstanceOf(ArchiveError);
    expect((error as ArchiveError).kind).toBe(kind);
    expect((error as ArchiveError).message).toContain(recordKey(id));
    const stored = await Array.fromAsync(await world.store.get(recordKey(id)));
    expect(Buffer.concat(stored).equals(bytes)).toBe(true);
    expect(await world.store.stat(runningKey(id))).toBeUndefined();
  });
});

test("a cluster whose runs are all archived costs listings and no reads", async () => {
  const first = collect();
  for (let n = 0; n < 5; n++) world.simulator.run(taskRun(`done-${n}`));
  for (let n = 0; n < 5; n++) await world.finished("TaskRun", `done-${n}`);
  await eventually("tidying up", async () =>
    (await Array.fromAsync(world.store.list("v1/index/open/"))).length === 0 ? true : undefined,
  );
  await first.stop();
  const keys: string[] = [];
  let lists = 0;
  const counting = {
    ...world.store,
    get: (...args: Parameters<typeof world.store.get>) => {
      keys.push(args[0]);
      return world.store.get(...args);
    },
    list: (...args: Parameters<typeof world.store.list>) => {
      lists++;
      return world.store.list(...args);
    },
  };
  const { collector } = world.collect({}, counting);
  await eventually("the first lists", async () => (collector.notReady === undefined && lists >= 2 ? true : undefined));
  world.simulator.run(taskRun("new"));
  await world.finished("TaskRun", "new");
  const { run } = (await world.record("TaskRun", "new")) as NonNullable<Awaited<ReturnType<typeof world.record>>>;
  expect(keys.filter((key) => !key.includes(run.uid))).toEqual([]);
});
