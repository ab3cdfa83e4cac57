import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kubeletErrors, type LogFault } from "../simulator/index.ts";
import { type CollectorOptions, eventually, openWorld, type World } from "./harness.ts";
import { numbered, pipelineRun, taskRun } from "./scripts.ts";

let world: World;
const collect = (more?: CollectorOptions) => world.collect(more);

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

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
    world.simulator.run(taskRun("struck", { steps: [{ name: "print", lines: numbered(150), paceMs: 2 }] }));
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
    world.simulator.run(taskRun("moved", { steps: [{ name: "print", lines: numbered(200), paceMs: 3 }] }));
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

/** A step that has printed 50 lines, all of them archived, and is silent; its log cannot be read any more. */
async function unreadable(name: string) {
  const { simulator } = world;
  collect();
  const lines = function* () {
    yield* numbered(50);
    for (;;) yield { text: "later", afterMs: 60_000 };
  };
  const run = simulator.run(taskRun(name, { steps: [{ name: "print", lines }] }));
  const logWith = (line: string) =>
    eventually(`${line} in the archive`, async () => {
      const record = await world.record("TaskRun", name);
      const log = record && (await world.logs(record)).find(({ where }) => where.includes("step-print"));
      return log?.archived.includes(`${line}\n`) ? log : undefined;
    });
  await logWith("line 50");
  const pod = run.pods()[0] as NonNullable<ReturnType<typeof run.pods>[0]>;
  simulator.faults.add({ on: "log", container: "step-print", fault: { kind: "status", code: 503 }, times: 1_000_000 });
  simulator.cutFollows({ kind: "reset", afterBytes: 0 }, { container: "step-print" });
  const finished = async () => {
    const record = await world.finished("TaskRun", name);
    return record.tasks[0]?.attempts[0]?.containers.find((container) => container.name === "step-print")?.log;
  };
  return { run, pod, logWith, finished };
}

test("what the node rotated away while nobody could read it is a gap, and everything else is there", async () => {
  const { simulator } = world;
  const { run, pod, logWith, finished } = await unreadable("rotated");
  for (const text of numbered(10, 51)) simulator.writeLine(pod, "step-print", text);
  simulator.rotate(pod, "step-print");
  for (const text of numbered(10, 61)) simulator.writeLine(pod, "step-print", text);
  simulator.faults.clear();
  const archived = await logWith("line 70");
  run.cancel();
  const truth = archived.truth.split("\n");
  expect(await finished()).toMatchObject({
    state: "incomplete",
    lines: 60,
    gaps: [{ afterLine: 50, from: truth[49]?.slice(0, 30), to: truth[60]?.slice(0, 30), cause: "rotated" }],
  });
  expect(archived.archived.split("\n")).toEqual([...truth.slice(0, 50), ...truth.slice(60)]);
});

test("so it is where the container ends before it prints anything into the new file", async () => {
  const { simulator } = world;
  const { pod, finished } = await unreadable("ended");
  for (const text of numbered(10, 51)) simulator.writeLine(pod, "step-print", text);
  simulator.rotate(pod, "step-print");
  simulator.oomKill(pod, "step-print");
  simulator.faults.clear();
  expect(await finished()).toMatchObject({
    state: "incomplete",
    lines: 50,
    gaps: [{ afterLine: 50, cause: "rotated" }],
  });
});

test("a log that could not be read while its container ended is whole if nothing was rotated", async () => {
  const { simulator } = world;
  const { pod, finished } = await unreadable("there");
  simulator.oomKill(pod, "step-print");
  simulator.faults.clear();
  expect(await finished()).toMatchObject({ state: "whole", lines: 50 });
});
