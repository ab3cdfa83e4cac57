import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Afterlog, missingProgram, startAfterlog, until } from "../cluster.ts";
import { archiving, goesOn, openWorld, step, steps, stop, taskRun, truthIsWhole, type World, whole } from "../world.ts";

const why = missingProgram();

describe.skipIf(why)(`faults of Afterlog itself on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  let world: World;
  const afterlogs: Afterlog[] = [];
  const start = async () => {
    const afterlog = await startAfterlog(world.cluster.namespace, world.store);
    afterlogs.push(afterlog);
    return afterlog;
  };
  beforeAll(async () => {
    world = await openWorld();
  });
  afterEach(async () => {
    for (const afterlog of afterlogs.splice(0)) await afterlog.stop();
  });
  afterAll(() => world?.close());

  test("killed again and again and started on its store: nothing is lost, nothing is there twice", async () => {
    const { oracle } = world;
    const run = await world.cluster.create(taskRun("killed", { steps: [step()] }));
    for (let kills = 0; kills < 2; kills++) {
      const afterlog = await start();
      await goesOn(world, run);
      await afterlog.stop("SIGKILL");
    }
    // Its last lines are printed while nobody reads.
    await stop(world, run);
    const sealing = await start();
    await until("a segment", async () => (await oracle.keys(run.uid)).some((key) => key.endsWith(".log.zst")));
    await sealing.stop("SIGKILL");
    const finishing = await start();
    await oracle.finished(run.uid);
    await finishing.stop("SIGKILL");
    await start();
    await until("the chunks and the entry under open to be gone", async () =>
      (await oracle.keys(run.uid)).every((key) => !/^v1\/(live|index\/open)\//.test(key)),
    );
    const record = await oracle.finished(run.uid);
    await whole(world, record);
    await truthIsWhole(world, record);
  });

  test("killed, and the TaskRun deleted before it is back: the missing end is declared", async () => {
    const { cluster, oracle } = world;
    const run = await cluster.create(taskRun("missed", { steps: [step()] }));
    const afterlog = await start();
    await archiving(world, run);
    await afterlog.stop("SIGKILL");
    const archived = await oracle.lines(run.uid, "step-print");
    await until("more lines than are archived", async () =>
      (await cluster.runs()).some(
        ({ pod, container, lines }) =>
          pod === `${run.name}-pod` && container === "step-print" && lines >= archived + 500,
      ),
    );
    await cluster.remove("taskruns", run.name);
    await until("its pod to be gone", async () => !(await cluster.podNames()).includes(`${run.name}-pod`));
    await start();
    const record = await oracle.finished(run.uid);
    expect(await oracle.violations(record)).toEqual([]);
    expect(steps(record).map(({ log }) => log)).toMatchObject([
      { state: "incomplete", lines: archived, gaps: [{ afterLine: archived }] },
    ]);
  });

  test("two of them at once on one store: every line once", async () => {
    await Promise.all([start(), start()]);
    const run = await world.cluster.create(taskRun("shared", { steps: [step()] }));
    await archiving(world, run, "step-print", 2_000);
    await stop(world, run);
    const record = await world.oracle.finished(run.uid);
    await whole(world, record);
    await truthIsWhole(world, record);
  });
});
