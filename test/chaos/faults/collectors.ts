import { setTimeout as delay } from "node:timers/promises";
import { disturb, type RunHandle } from "../../simulator/index.ts";
import { printedSince, type SingleFault } from "../single-fault.ts";
import type { ChaosWorld } from "../world.ts";

export const collectors: SingleFault[] = [
  {
    name: "a collector killed, and another that goes on",
    cost: "nothing",
    during: async (world) => {
      await world.kill();
      world.collect();
    },
  },
  {
    name: "collectors killed again and again",
    cost: "nothing",
    writer: { lines: 500 },
    during: async (world) => {
      for (let n = 0; n < 5; n++) {
        await delay(60 + n * 17);
        await world.kill();
        world.collect();
      }
    },
  },
  { name: "two collectors at once", cost: "nothing", collectors: 2 },
  { name: "three collectors at once, one killed", cost: "nothing", collectors: 3, during: (world) => world.kill() },
  {
    name: "a collector that comes when the run is over",
    cost: "nothing",
    collectors: 0,
    writer: { lines: 60, paceMs: 1 },
    during: async (world, run) => {
      await run.done;
      world.collect();
    },
  },
  {
    name: "a collector that comes late, after a rotation",
    cost: "declared",
    collectors: 0,
    writer: { lines: 1_200 },
    during: collectAfterRotation,
  },
  {
    name: "a collector that comes late, after a rotation, and may read the node's files",
    cost: "nothing",
    collectors: 0,
    writer: { lines: 1_200 },
    simulator: { nodeProxy: true },
    during: collectAfterRotation,
  },
  {
    name: "a pod that is deleted while no collector runs",
    cost: "declared",
    during: async (world, run) => {
      await world.kill();
      run.delete();
      await run.settled;
      world.collect();
    },
  },
];

async function collectAfterRotation(world: ChaosWorld, run: RunHandle): Promise<void> {
  await printedSince(run, world.simulator, 150);
  await delay(1_300);
  await disturb(world.simulator, { kind: "rotate" });
  world.collect();
}
