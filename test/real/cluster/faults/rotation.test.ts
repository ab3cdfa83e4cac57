import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunRecord } from "../../../../archive/record.ts";
import { missingProgram, startAfterlog, until } from "../cluster.ts";
import {
  archiving,
  goesOn,
  openWorld,
  PRINT,
  printUntil,
  step,
  steps,
  stop,
  taskRun,
  touch,
  type World,
  whole,
} from "../world.ts";

const why = missingProgram();

describe.skipIf(why)(`faults of a rotating node on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world?.close());

  /** 100,000 lines, about 11 MB: more than kubelet leaves in one file. */
  const burst = `awk 'BEGIN { for (i = 1; i <= 100000; i++) printf "line %09d ${"the quick brown fox ".repeat(4)}\\n", i }'`;
  const printed = async (run: { name: string }) => {
    const runs = await world.cluster.runs();
    return runs.find(({ pod, container }) => pod === `${run.name}-pod` && container === "step-print");
  };
  /** Until kubelet has rotated so often; it looks every ten seconds. */
  const rotated = (run: { name: string }, files: number) =>
    until(
      `${files} files`,
      async () => {
        const row = await printed(run);
        return row !== undefined && world.cluster.logFiles(row) >= files;
      },
      90_000,
    );

  test("400,000 lines, rotated while they are followed: every one", async () => {
    const afterlog = await startAfterlog(world.cluster.namespace, world.store);
    try {
      const script = `for n in 1 2 3 4; do ${burst}; sleep 6; done`;
      const run = await world.cluster.create(taskRun("fast", { steps: [step(script)] }));
      const record = await world.oracle.finished(run.uid, 180_000);
      await whole(world, record);
      expect(steps(record)[0]?.log.lines).toBe(400_000);
      const row = await printed(run);
      expect(row && world.cluster.logFiles(row)).toBeGreaterThan(1);
    } finally {
      await afterlog.stop();
    }
  });

  const oneGap = async (record: RunRecord): Promise<number> => {
    expect(await world.oracle.violations(record)).toEqual([]);
    const [log] = steps(record).map((container) => container.log);
    expect(log).toMatchObject({ state: "incomplete", gaps: [{ afterLine: expect.any(Number) }] });
    expect(log?.lines).toBeLessThan(100_000);
    return log?.gaps[0]?.afterLine ?? -1;
  };

  test("a collector that comes after the rotation says that lines before the first one are missing", async () => {
    const run = await world.cluster.create(taskRun("rotated", { steps: [step(`sleep 6\n${burst}\n${PRINT}`)] }));
    await rotated(run, 2);
    const afterlog = await startAfterlog(world.cluster.namespace, world.store);
    try {
      await archiving(world, run);
      await stop(world, run);
      expect(await oneGap(await world.oracle.finished(run.uid))).toBe(0);
    } finally {
      await afterlog.stop();
    }
  });

  test("a collector that was away during the rotation says between which lines some are missing", async () => {
    const script = `${printUntil("/tmp/burst")}\n${burst}\n${PRINT}`;
    const run = await world.cluster.create(taskRun("away", { steps: [step(script)] }));
    let afterlog = await startAfterlog(world.cluster.namespace, world.store);
    try {
      await archiving(world, run);
      await afterlog.stop("SIGKILL");
      const before = await world.oracle.lines(run.uid, "step-print");
      await touch(world, run, "/tmp/burst");
      await rotated(run, 2);
      afterlog = await startAfterlog(world.cluster.namespace, world.store);
      await goesOn(world, run);
      await stop(world, run);
      expect(await oneGap(await world.oracle.finished(run.uid))).toBe(before);
    } finally {
      await afterlog.stop();
    }
  });
});
