import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ArchiveError } from "../../archive/error.ts";
import { recordKey, runningKey } from "../../archive/keys.ts";
import { type CollectorOptions, eventually, openWorld, type World } from "./harness.ts";
import { numbered, pipelineRun, taskRun } from "./scripts.ts";

let world: World;
const collect = (more?: CollectorOptions) => world.collect(more);

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe("a run in the archive", () => {
  test("has every container of every attempt, each log as it was printed", async () => {
    collect();
    world.simulator.run(pipelineRun);
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
    expect(prepare?.log.findings).toMatchObject({ findings: [], total: 0, severities: { warning: 1 } });
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
