import type { V1Pod } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { containersOf } from "../../../../archive/record.ts";
import { type Afterlog, type Cluster, missingProgram, startAfterlog, until } from "../cluster.ts";
import type { Oracle } from "../oracle.ts";
import {
  archiving,
  givenUpOrStopped,
  goesOn,
  openWorld,
  PRINT,
  step,
  steps,
  stop,
  taskRun,
  truthIsWhole,
  type World,
  whole,
} from "../world.ts";

const why = missingProgram();

describe.skipIf(why)(`faults of a pod on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
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
    // On a busy machine it may be followed late: then its beginning is feared for, though all lines are there.
    const sidecars = [...containersOf(record)].flatMap(({ container: { kind, restart, log } }) =>
      kind === "sidecar" ? { restart, isCut: log.state === "cut", gaps: log.gaps.map(({ cause }) => cause) } : [],
    );
    expect(sidecars).toHaveLength(1);
    expect(sidecars[0]).toMatchObject({ restart: 0, isCut: false });
    expect(sidecars[0]?.gaps.filter((cause) => cause !== "read-late")).toEqual([]);
  });
});
