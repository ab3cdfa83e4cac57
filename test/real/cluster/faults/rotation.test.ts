import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunRecord } from "../../../../archive/record.ts";
import { missingProgram, startAfterlog, until } from "../cluster.ts";
import { openNodeProxy } from "../node-proxy.ts";
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

  test("lines without a pause, so that files begin inside a line: every one", async () => {
    const afterlog = await startAfterlog(world.cluster.namespace, world.store);
    try {
      // Each block ends inside a line, and so does each file: containerd ends it with a partial entry.
      const lines = burst.replace("100000", "700000");
      const script = `${lines} > /tmp/lines
i=0
while [ $i -lt 1100 ]; do
  dd if=/tmp/lines bs=65537 skip=$i count=1 2>/dev/null
  i=$((i+1)); usleep 20000
done`;
      const run = await world.cluster.create(taskRun("endless", { steps: [step(script)] }));
      const record = await world.oracle.finished(run.uid, 240_000);
      await whole(world, record);
      expect(steps(record)[0]?.log.lines).toBe(700_000);
      const row = await printed(run);
      expect(row && world.cluster.logFiles(row)).toBeGreaterThan(1);
    } finally {
      await afterlog.stop();
    }
  });

  test("a line that goes on for longer than the node's files: nothing of it comes twice", async () => {
    const afterlog = await startAfterlog(world.cluster.namespace, world.store);
    try {
      const script = `echo first
awk 'BEGIN { for (i = 1; i <= 3000000; i++) printf "%09d ", i }' > /tmp/line
i=0
while [ $i -lt 458 ]; do
  dd if=/tmp/line bs=65537 skip=$i count=1 2>/dev/null
  i=$((i+1)); usleep 50000
done
echo; echo last`;
      const run = await world.cluster.create(taskRun("long", { steps: [step(script)] }));
      const record = await world.oracle.finished(run.uid, 240_000);
      const row = await printed(run);
      expect(row && world.cluster.logFiles(row)).toBeGreaterThan(1);
      const [log] = steps(record).map((container) => container.log);
      const answer = await afterlog.get(`/logs/${world.cluster.namespace}/${run.name}-pod/step-print`);
      // Not the nanoseconds of a line's time.
      const numbers = Array.from((await answer.text()).matchAll(/(?<![\d.])\d{9} /g), ([number]) => Number(number));
      const leaps = numbers.flatMap((number, i) =>
        i > 0 && number !== (numbers[i - 1] as number) + 1 ? [[numbers[i - 1] as number, number] as const] : [],
      );
      expect(leaps.filter(([before, after]) => after <= before)).toEqual([]);
      // What a reader of kubelet's loses inside a line at a rotation no client of it can see.
      console.info(`${numbers.length} of 3000000 numbers, ${log?.gaps.length} gaps, leaps: ${JSON.stringify(leaps)}`);
    } finally {
      await afterlog.stop();
    }
  });

  test("four such logs at once, on a node that is busy with them: every line is there, or said to be missing", async () => {
    const afterlog = await startAfterlog(world.cluster.namespace, world.store);
    try {
      const script = `for n in 1 2 3 4 5 6; do ${burst}; sleep 3; done`;
      const names = ["first", "second", "third", "fourth"];
      const runs = await Promise.all(
        names.map((name) => world.cluster.create(taskRun(name, { steps: [step(script)] }))),
      );
      for (const run of runs) {
        const record = await world.oracle.finished(run.uid, 240_000);
        expect(await world.oracle.violations(record), run.name).toEqual([]);
        const row = await printed(run);
        expect(row && world.cluster.logFiles(row)).toBeGreaterThan(1);
        const [log] = steps(record).map((container) => container.log);
        console.info(
          `${run.name}: ${log?.lines} of 600000 lines, ${log?.gaps.length} gaps ${JSON.stringify(log?.gaps)}`,
        );
      }
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

  type Env = Record<string, string>;
  const start = (env: Env = {}) => startAfterlog(world.cluster.namespace, world.store, env);

  async function comesAfterTheRotation(name: string, script: string, env?: Env): Promise<RunRecord> {
    const run = await world.cluster.create(taskRun(name, { steps: [step(`${script}\n${PRINT}`)] }));
    await rotated(run, 2);
    const afterlog = await start(env);
    try {
      await archiving(world, run);
      await stop(world, run);
      return await world.oracle.finished(run.uid);
    } finally {
      await afterlog.stop();
    }
  }

  async function isAwayDuringTheRotation(name: string, env?: Env): Promise<{ before: number; record: RunRecord }> {
    const script = `${printUntil("/tmp/burst")}\n${burst}\n${PRINT}`;
    const run = await world.cluster.create(taskRun(name, { steps: [step(script)] }));
    let afterlog = await start(env);
    try {
      await archiving(world, run);
      await afterlog.stop("SIGKILL");
      const before = await world.oracle.lines(run.uid, "step-print");
      await touch(world, run, "/tmp/burst");
      await rotated(run, 2);
      afterlog = await start(env);
      await goesOn(world, run);
      await stop(world, run);
      return { before, record: await world.oracle.finished(run.uid) };
    } finally {
      await afterlog.stop();
    }
  }

  test("a collector that comes after the rotation says that lines before the first one are missing", async () => {
    expect(await oneGap(await comesAfterTheRotation("rotated", `sleep 6\n${burst}`))).toBe(0);
  });

  test("a collector that was away during the rotation says between which lines some are missing", async () => {
    const { before, record } = await isAwayDuringTheRotation("away");
    expect(await oneGap(record)).toBe(before);
  });

  describe("with leave to read the node's own files", () => {
    let proxy: Awaited<ReturnType<typeof openNodeProxy>>;
    beforeAll(async () => {
      proxy = await openNodeProxy(world.cluster);
    });
    afterAll(() => proxy?.close());
    const env = () => ({ AFTERLOG_NODE_PROXY: "true", KUBECONFIG: proxy.kubeconfig });
    test("a collector that comes after the rotation has every line", async () => {
      const record = await comesAfterTheRotation("rotated-files", burst, env());
      expect(await world.oracle.violations(record)).toEqual([]);
      const [log] = steps(record).map((container) => container.log);
      expect(log?.lines).toBeGreaterThan(100_000);
      // Nothing shows that kubelet has deleted no older file: where the first line came late, that is feared.
      for (const { afterLine, cause } of log?.gaps ?? [])
        expect({ afterLine, cause }).toEqual({ afterLine: 0, cause: "read-late" });
    });

    test("a collector that was away during the rotation has every line", async () => {
      const { record } = await isAwayDuringTheRotation("away-files", env());
      await whole(world, record);
      expect(steps(record)[0]?.log.lines).toBeGreaterThan(100_000);
    });
  });
});
