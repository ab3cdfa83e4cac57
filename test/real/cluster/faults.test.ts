import type { V1Pod } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { containersOf, type RunRecord } from "../../../archive/record.ts";
import { type Afterlog, type Cluster, missingProgram, startAfterlog, until } from "./cluster.ts";
import type { Oracle } from "./oracle.ts";
import {
  archiving,
  givenUpOrStopped,
  goesOn,
  openWorld,
  PRINT,
  printUntil,
  program,
  step,
  steps,
  stop,
  taskRun,
  touch,
  truthIsWhole,
  type World,
  whole,
} from "./world.ts";

const why = missingProgram();

describe.skipIf(why)(`faults on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  describe("of a pod", () => {
    let world: World;
    let cluster: Cluster;
    let oracle: Oracle;
    let afterlog: Afterlog;
    beforeAll(async () => {
      world = await openWorld();
      ({ cluster, oracle } = world);
      afterlog = await startAfterlog(cluster.namespace, world.store);
    });
    afterAll(async () => {
      await afterlog?.stop();
      await world?.close();
    });

    const readPod = (run: { name: string }): Promise<V1Pod> =>
      cluster.core.readNamespacedPod({ name: `${run.name}-pod`, namespace: cluster.namespace });
    /** Tekton makes a new pod of the same name for the one that was taken away. */
    const otherPod = (run: { name: string }, uid: string | undefined) =>
      until(`another pod ${run.name}-pod`, async () => {
        const pod = await readPod(run).catch(() => undefined);
        return pod !== undefined && pod.metadata?.uid !== uid && pod.status?.phase === "Running";
      });

    test.concurrent("deleted by force: both pods of that name are there, each with every line", async () => {
      const run = await cluster.create(taskRun("forced", { steps: [step()] }));
      await archiving(world, run);
      const first = (await readPod(run)).metadata?.uid;
      await cluster.core.deleteNamespacedPod({
        name: `${run.name}-pod`,
        namespace: cluster.namespace,
        gracePeriodSeconds: 0,
      });
      await otherPod(run, first);
      await goesOn(world, run);
      await stop(world, run);
      const record = await oracle.finished(run.uid);
      await whole(world, record);
      const uids = await truthIsWhole(world, record);
      expect(uids).toHaveLength(2);
      expect(steps(record).map(({ podUid }) => podUid)).toEqual([first, uids.find((uid) => uid !== first)]);
    });

    test.concurrent("evicted over the API", async () => {
      const run = await cluster.create(taskRun("evicted", { steps: [step()] }));
      await archiving(world, run);
      const name = `${run.name}-pod`;
      const { namespace } = cluster;
      const first = (await readPod(run)).metadata?.uid;
      const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
      await cluster.core.createNamespacedPodEviction({ name, namespace, body });
      await until("its pod to be gone", async () => {
        const pod = await readPod(run).catch(() => undefined);
        return pod?.metadata?.uid !== first;
      });
      const record = await givenUpOrStopped(world, run);
      await whole(world, record);
      await truthIsWhole(world, record);
    });

    test.concurrent("evicted by kubelet because its logs outgrew its storage", async () => {
      const limits = { "ephemeral-storage": "256Ki" };
      const run = await cluster.create(taskRun("outgrown", { steps: [step(PRINT, { computeResources: { limits } })] }));
      await until(
        "the eviction",
        async () => (await readPod(run).catch(() => undefined))?.status?.reason === "Evicted",
        120_000,
      );
      const record = await oracle.finished(run.uid);
      expect(await oracle.violations(record)).toEqual([]);
      expect(steps(record)[0]?.log.lines).toBeGreaterThan(200);
      expect(record.run.status).toBe("failed");
      await truthIsWhole(world, record);
    });

    test.concurrent("cancelled", async () => {
      const run = await cluster.create(taskRun("cancelled", { steps: [step()] }));
      await archiving(world, run);
      await cluster.cancel(run.name);
      const record = await oracle.finished(run.uid);
      expect(record.run.status).toBe("cancelled");
      await whole(world, record);
      await truthIsWhole(world, record);
    });

    test.concurrent("timed out", async () => {
      const run = await cluster.create(taskRun("late", { steps: [step()] }, { timeout: "40s" }));
      const record = await oracle.finished(run.uid);
      expect(record.run.status).toBe("timed-out");
      expect(steps(record)[0]?.log.lines).toBeGreaterThan(200);
      await whole(world, record);
      await truthIsWhole(world, record);
    });

    test.concurrent("its TaskRun deleted while it prints", async () => {
      const run = await cluster.create(taskRun("deleted", { steps: [step()] }));
      await archiving(world, run);
      await cluster.remove("taskruns", run.name);
      const record = await oracle.finished(run.uid);
      expect(record.run.deletedAt).toBeDefined();
      await whole(world, record);
      await truthIsWhole(world, record);
    });

    /** The second run as soon as the API takes its name. */
    async function createAgain(name: string): Promise<{ name: string; uid: string }> {
      let run: { name: string; uid: string } | undefined;
      await until("the name to be free", async () => {
        run = await cluster.create(taskRun(name, { steps: [step()] })).catch((error: unknown) => {
          if ((error as { code?: number }).code !== 409) throw error;
          return undefined;
        });
        return run !== undefined;
      });
      return run as { name: string; uid: string };
    }

    test.concurrent("its TaskRun deleted and the name used again at once: no line is in both runs", async () => {
      const first = await cluster.create(taskRun("hasty", { steps: [step()] }));
      await archiving(world, first);
      await cluster.remove("taskruns", first.name);
      const second = await createAgain(first.name);
      // Tekton 1.15 takes the first run's dying pod for the second's and fails it.
      const records = [await oracle.finished(first.uid), await givenUpOrStopped(world, second)] as const;
      await whole(world, records[0]);
      expect(await oracle.violations(...records)).toEqual([]);
      for (const { podUid, log } of steps(records[1])) {
        if (podUid === undefined)
          expect(log).toMatchObject({ state: "none", lines: 0, words: expect.stringMatching(/./) });
      }
      await truthIsWhole(world, records[0]);
    });

    test.concurrent("its TaskRun deleted and the name used again when its pod has gone: both runs whole", async () => {
      const first = await cluster.create(taskRun("again", { steps: [step()] }));
      await archiving(world, first);
      await cluster.remove("taskruns", first.name);
      await until("its pod to be gone", async () => !(await cluster.podNames()).includes(`${first.name}-pod`));
      const second = await createAgain(first.name);
      await archiving(world, second);
      await stop(world, second);
      const records = [await oracle.finished(first.uid), await oracle.finished(second.uid)] as const;
      expect(records.map(({ run }) => run.uid)).toEqual([first.uid, second.uid]);
      await whole(world, ...records);
      const uids = await truthIsWhole(world, records[0]);
      expect(uids.sort()).toEqual(records.flatMap((record) => steps(record).map(({ podUid }) => podUid)).sort());
    });

    test.concurrent("its step killed for want of memory", async () => {
      const script = `${PRINT.replace("30000", "1000")}\ntail /dev/zero; echo "tail ended with $?"; exit 3`;
      const limits = { memory: "64Mi" };
      const run = await cluster.create(taskRun("hungry", { steps: [step(script, { computeResources: { limits } })] }));
      const record = await oracle.finished(run.uid);
      const [status] = (await readPod(run)).status?.containerStatuses ?? [];
      expect(status?.state?.terminated?.reason).toBe("OOMKilled");
      expect(steps(record)[0]).toMatchObject({ status: "failed", reason: "OOMKilled" });
      expect(record.why).toMatch(/memory|OOMKilled/);
      await whole(world, record);
    });

    test.concurrent("a sidecar is stopped when its task ends", async () => {
      const sidecar = { ...step(`trap "exit 0" TERM\n${PRINT}`), name: "server" };
      const run = await cluster.create(taskRun("served", { steps: [step()], sidecars: [sidecar] }));
      await archiving(world, run);
      await archiving(world, run, "sidecar-server");
      await stop(world, run);
      const record = await oracle.finished(run.uid);
      await whole(world, record);
      await truthIsWhole(world, record, "step-print");
      await truthIsWhole(world, record, "sidecar-server");
      const sidecars = [...containersOf(record)].flatMap(({ container: { kind, restart, log } }) =>
        kind === "sidecar" ? { restart, state: log.state } : [],
      );
      expect(sidecars).toEqual([{ restart: 0, state: "whole" }]);
    });
  });

  describe("of a rotating node", () => {
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

  describe("of Afterlog itself", () => {
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

  describe("of the node's and the cluster's parts", () => {
    const PARTS = ["etcd", "containerd", "apiserver", "controllers", "scheduler", "kubelet", "webhook", "tekton"];
    let world: World;
    let afterlog: Afterlog;
    beforeAll(async () => {
      world = await openWorld();
      afterlog = await startAfterlog(world.cluster.namespace, world.store);
    });
    afterAll(async () => {
      for (const part of PARTS) await program("start", part); // does nothing to one that runs
      await afterlog?.stop();
      await world?.close();
    });

    const ready = (what: string) =>
      until(
        `the node to be ready after ${what}`,
        async () => {
          const nodes = await world.cluster.core.listNode().catch(() => undefined); // the API server may be away
          return nodes?.items[0]?.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
        },
        120_000,
      );

    test.each<[string, string, ...(readonly string[])[]]>([
      ["kubelet killed and started again", "kubelet-gone", ["kill", "kubelet"], ["start", "kubelet"]],
      ["containerd started again", "containerd-gone", ["restart", "containerd"]],
      ["containerd killed and started again", "containerd-killed", ["kill", "containerd"], ["start", "containerd"]],
      ["the API server started again", "apiserver-gone", ["restart", "apiserver"]],
    ])("%s in the middle: every line", async (what, name, ...commands) => {
      const run = await world.cluster.create(taskRun(name, { steps: [step()] }));
      await archiving(world, run);
      for (const command of commands) await program(...command);
      await ready(what);
      await goesOn(world, run);
      await stop(world, run);
      const record = await world.oracle.finished(run.uid);
      await whole(world, record);
      await truthIsWhole(world, record);
    });
  });
});
