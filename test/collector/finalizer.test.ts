import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunRecord } from "../../archive/record.ts";
import { FINALIZER, finalizerAction, logsAreSafe } from "../../collector/finalizer.ts";
import { describeRemoval, removeFinalizers } from "../../collector/finalizer-removal.ts";
import type { TaskRun } from "../../collector/kubernetes/objects.ts";
import { resources, type TaskRunScript } from "../simulator/index.ts";
import { type CollectorOptions, clientOf, eventually, openWorld, type World } from "./harness.ts";

const OTHERS = ["chains.tekton.dev/pipelinerun", "results.tekton.dev/taskrun"] as const;
const NOW = Date.parse("2026-01-01T00:01:00Z");

const object = (finalizers: string[], deletionTimestamp?: string, status: TaskRun["status"] = {}): TaskRun => ({
  metadata: {
    name: "t",
    namespace: "default",
    uid: "uid-t",
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    finalizers,
    ...(deletionTimestamp && { deletionTimestamp }),
  },
  status,
});

describe("what is done about the finalizer", () => {
  const ours = [OTHERS[0], FINALIZER];
  const minuteAgo = "2026-01-01T00:00:00Z";
  const cases: [string, TaskRun, Partial<Parameters<typeof finalizerAction>[1]>, ReturnType<typeof finalizerAction>][] =
    [
      ["a new TaskRun gets it", object([]), {}, "add"],
      ["whatever others have on it", object([...OTHERS]), {}, "add"],
      ["not when its logs are safe", object([]), { safe: true }, undefined],
      ["not when it is being deleted", object([...OTHERS], minuteAgo), {}, undefined],
      ["not when the feature is off", object([]), { seconds: 0 }, undefined],
      ["once is enough", object(ours), {}, undefined],
      ["it goes when the logs are safe", object(ours), { safe: true }, "remove"],
      ["and when the feature was turned off", object(ours), { seconds: 0 }, "remove"],
      ["a deletion waits", object(ours, minuteAgo), { seconds: 61 }, { waitMs: 1_000 }],
      ["no longer than the setting", object(ours, minuteAgo), { seconds: 60 }, "remove"],
      ["and no longer than the logs", object(ours, minuteAgo), { safe: true, seconds: 600 }, "remove"],
      [
        "a clock that is behind the API server's makes it no longer",
        object(ours, "2026-01-01T09:00:00Z"),
        { seconds: 60, deletionSeenAt: NOW - 60_000 },
        "remove",
      ],
      [
        "a deletion that was seen late counts from its beginning",
        object(ours, minuteAgo),
        { seconds: 90, deletionSeenAt: NOW },
        { waitMs: 30_000 },
      ],
    ];
  test.each(cases)("%s", (_, taskRun, state, expected) => {
    expect(finalizerAction(taskRun, { safe: false, seconds: 600, now: NOW, ...state })).toEqual(expected);
  });
});

describe("logs are safe", () => {
  type State = RunRecord["tasks"][0]["attempts"][0]["containers"][0]["log"]["state"];
  const record = (status: string, attempts: State[][], final = false) =>
    ({
      final,
      tasks: [
        {
          taskRun: { uid: "uid-t" },
          status,
          attempts: attempts.map((states, number) => ({
            number,
            containers: states.map((state) => ({ log: { state } })),
          })),
        },
      ],
    }) as unknown as RunRecord;
  const deleted = (status?: TaskRun["status"]) => object([], "2026-01-01T00:00:00Z", status);
  const cases: [string, TaskRun, RunRecord | undefined, boolean][] = [
    ["not without a record", object([]), undefined, false],
    ["when the record is final", object([]), record("running", [["open"]], true), true],
    ["not while it runs", object([]), record("running", [["whole"]]), false],
    [
      "when it is done and every log is finished",
      object([]),
      record("failed", [["whole", "incomplete", "none"]]),
      true,
    ],
    ["not while one is open", object([]), record("failed", [["whole", "open"]]), false],
    ["not while one of an earlier attempt is open", object([]), record("failed", [["open"], ["whole"]]), false],
    ["of one that is deleted and will never say that it is done", deleted(), record("running", [["whole"]]), true],
    ["not of one that is deleted while it prints", deleted(), record("running", [["open"]]), false],
    [
      "not when the record does not know the newest attempt's pod",
      deleted({ podName: "t-pod-retry1", retriesStatus: [{}] }),
      record("running", [["whole"]]),
      false,
    ],
    ["not of a TaskRun that the record does not know", object([]), { final: false, tasks: [] } as never, false],
  ];
  test.each(cases)("%s", (_, taskRun, known, expected) => {
    expect(logsAreSafe(taskRun, known)).toBe(expected);
  });
});

describe("with a cluster", () => {
  let world: World;
  const collect = (more: CollectorOptions) => world.collect(more);
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());

  const taskRun = (name: string, lines = 50): TaskRunScript => ({
    kind: "TaskRun",
    name,
    task: {
      name: "print",
      steps: [{ name: "print", lines: Array.from({ length: lines }, (_, i) => `line ${i}`), paceMs: 5 }],
    },
  });
  const stored = (name: string) => world.simulator.store.get(resources.taskruns, "default", name);
  const finalizers = (name: string) => stored(name)?.metadata.finalizers ?? [];
  const until = (what: string, is: () => boolean) => eventually(what, async () => (is() ? true : undefined));
  const held = (name: string) => until(`${name} to be held`, () => finalizers(name).includes(FINALIZER));
  const gone = (name: string) => until(`${name} to go`, () => stored(name) === undefined);
  const setFinalizers = (name: string, list: readonly string[]) =>
    world.simulator.store.update(resources.taskruns, "default", name, (found) => ({
      ...found,
      metadata: { ...found.metadata, finalizers: [...list] },
    }));
  const listening = () => {
    const warnings: string[] = [];
    const none = () => {};
    const warn = (_: object, message: string) => warnings.push(message);
    return { warnings, logger: { debug: none, info: none, error: none, warn } };
  };
  /** The TaskRun's DELETE as a pruner sends it. */
  const prune = (name: string) =>
    clientOf(world.simulator).send(
      "DELETE",
      `/apis/tekton.dev/v1/namespaces/default/taskruns/${name}`,
      {},
      {},
      AbortSignal.timeout(5_000),
    );

  test("a TaskRun that is deleted while its step prints stays until its log is whole", async () => {
    collect({ finalizerSeconds: 600 });
    world.simulator.run(taskRun("pruned", 200));
    await held("pruned");
    await eventually("some lines", async () => {
      const record = await world.record("TaskRun", "pruned");
      const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
      return log && log.archived.length > 0 ? true : undefined;
    });
    await prune("pruned");
    expect(stored("pruned")?.metadata.deletionTimestamp).toBeDefined();
    await gone("pruned");
    const record = await world.record("TaskRun", "pruned");
    const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    expect([log?.state, log?.archived]).toEqual(["whole", log?.truth]);
    expect(log?.truth.split("\n")).toHaveLength(201);
  });

  test("an archived TaskRun carries it no more, and it went on and off once", async () => {
    const seen: boolean[] = [];
    const unsubscribe = world.simulator.store.subscribe(({ resource, object }) => {
      const now = object.metadata.finalizers?.includes(FINALIZER) ?? false;
      if (resource === resources.taskruns && now !== (seen.at(-1) ?? false)) seen.push(now);
    });
    collect({ finalizerSeconds: 600 });
    world.simulator.run(taskRun("done"));
    await held("done");
    await world.finished("TaskRun", "done");
    await until("it to be free", () => !finalizers("done").includes(FINALIZER));
    unsubscribe();
    expect(seen).toEqual([true, false]);
  });

  test("after the deadline it goes, and the finalizers of others stay where they were", async () => {
    collect({ finalizerSeconds: 2 });
    world.simulator.run(taskRun("endless", 100_000));
    setFinalizers("endless", OTHERS);
    await held("endless");
    expect(finalizers("endless")).toEqual([...OTHERS, FINALIZER]);
    setFinalizers("endless", [OTHERS[0], FINALIZER, OTHERS[1]]);
    await prune("endless");
    await until("ours to go", () => !finalizers("endless").includes(FINALIZER));
    expect(finalizers("endless")).toEqual(OTHERS);
    const { deletionTimestamp = "" } = stored("endless")?.metadata ?? {};
    // The API server's times are whole seconds, so it waits up to a second less.
    expect(Date.now() - Date.parse(deletionTimestamp)).toBeGreaterThanOrEqual(2_000);
    setFinalizers("endless", []);
    await gone("endless");
  });

  test("two collectors and others who change the TaskRun all the time get along", async () => {
    collect({ finalizerSeconds: 600 });
    collect({ finalizerSeconds: 600 });
    world.simulator.run(taskRun("busy", 100));
    const annotate = setInterval(() => {
      if (stored("busy"))
        world.simulator.store.update(resources.taskruns, "default", "busy", (found) => ({
          ...found,
          metadata: { ...found.metadata, annotations: { at: String(process.hrtime.bigint()) } },
        }));
    }, 20);
    try {
      await held("busy");
      await prune("busy");
      await gone("busy");
    } finally {
      clearInterval(annotate);
    }
    const record = await world.finished("TaskRun", "busy");
    const log = (await world.logs(record)).find(({ where }) => where.includes("step-print"));
    expect([log?.state, log?.archived]).toEqual(["whole", log?.truth]);
  });

  test("without the right to patch there is one warning that names it, and everything else goes on", async () => {
    world.simulator.faults.add({
      on: "write",
      verb: "patch",
      resource: "taskruns",
      fault: { kind: "status", code: 403 },
      times: 1_000_000,
    });
    const { warnings, logger } = listening();
    collect({ finalizerSeconds: 600, logger });
    for (const name of ["a", "b", "c"]) world.simulator.run(taskRun(name));
    for (const name of ["a", "b", "c"]) expect((await world.finished("TaskRun", name)).run.status).toBe("succeeded");
    expect(warnings).toEqual([expect.stringMatching(/grant patch on taskruns \(tekton.dev\)/)]);
  });

  test("a right that comes later is used", async () => {
    const write = { on: "write", verb: "patch", resource: "taskruns" } as const;
    world.simulator.faults.add({ ...write, fault: { kind: "status", code: 403 }, times: 2 });
    world.simulator.faults.add({ ...write, fault: { kind: "drop" } });
    collect({ finalizerSeconds: 600 });
    world.simulator.run(taskRun("late", 500));
    await held("late");
  });

  test("one that was put on earlier is taken off when the feature is off, from archived runs too", async () => {
    const first = collect({ finalizerSeconds: 600 });
    world.simulator.run(taskRun("old"));
    await world.finished("TaskRun", "old");
    await until("it to be free", () => !finalizers("old").includes(FINALIZER));
    await eventually("tidying up", async () =>
      (await Array.fromAsync(world.store.list("v1/index/open/"))).length === 0 ? true : undefined,
    );
    await first.stop();
    setFinalizers("old", [OTHERS[0], FINALIZER]);
    world.simulator.run(taskRun("new", 500));
    setFinalizers("new", [FINALIZER]);
    collect({ finalizerSeconds: 0 });
    await until("both to be free", () => ![...finalizers("old"), ...finalizers("new")].includes(FINALIZER));
    expect(finalizers("old")).toEqual([OTHERS[0]]);
  });

  test("all can be taken off by a command, which names those that it could not free", async () => {
    for (let n = 0; n < 7; n++) {
      world.simulator.run(taskRun(`t${n}`, 1_000));
      setFinalizers(`t${n}`, n === 6 ? OTHERS : [OTHERS[0], FINALIZER, OTHERS[1]]);
    }
    const fault = { kind: "status", code: 403 } as const;
    world.simulator.faults.add({ on: "write", verb: "patch", name: "t3", fault });
    const remove = () => removeFinalizers(clientOf(world.simulator), ["default"], AbortSignal.timeout(5_000));
    const first = await remove();
    expect(first.removed).toBe(5);
    expect(first.failed.map(({ name }) => name)).toEqual(["default/t3"]);
    expect(describeRemoval(first)).toMatch(/from 5 TaskRuns\.\nThese could not .*\n {2}default\/t3: .*forbidden/);
    expect(describeRemoval(await remove())).toBe(`Removed the finalizer ${FINALIZER} from 1 TaskRun.`);
    for (let n = 0; n < 7; n++) expect(finalizers(`t${n}`)).toEqual(OTHERS);
  });

  test("a list that expires is read anew, and a namespace that cannot be read keeps none of the others", async () => {
    for (const name of ["a", "b"]) world.simulator.run(taskRun(name, 1_000));
    for (const name of ["a", "b"]) setFinalizers(name, [FINALIZER]);
    const list = { on: "list", resource: "taskruns" } as const;
    world.simulator.faults.add({ ...list, namespace: "closed", fault: { kind: "status", code: 403 } });
    world.simulator.faults.add({ ...list, namespace: "default", fault: { kind: "status", code: 410 }, times: 2 });
    const client = clientOf(world.simulator);
    const { removed, failed } = await removeFinalizers(client, ["closed", "default"], AbortSignal.timeout(5_000));
    expect(removed).toBe(2);
    expect(failed.map(({ name }) => name)).toEqual(["TaskRuns of closed (not listed to the end)"]);
  });
});
