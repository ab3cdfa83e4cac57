import { afterAll, beforeAll, describe, test } from "vitest";
import { type Afterlog, missingProgram, startAfterlog, until } from "../cluster.ts";
import {
  archiving,
  goesOn,
  openWorld,
  program,
  step,
  stop,
  taskRun,
  truthIsWhole,
  type World,
  whole,
} from "../world.ts";

const why = missingProgram();

describe.skipIf(why)(
  `faults of the node's and the cluster's parts on the real cluster${why ? ` (skipped: ${why})` : ""}`,
  () => {
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
  },
);
