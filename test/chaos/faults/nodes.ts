import { setTimeout as delay } from "node:timers/promises";
import { disturb, type RunHandle } from "../../simulator/index.ts";
import { podOf, printedSince, type SingleFault, step } from "../single-fault.ts";
import type { ChaosWorld } from "../world.ts";

export const nodes: SingleFault[] = [
  { name: "kubelet's limit of a connection's age", cost: "nothing", simulator: { maxFollowMs: 150 } },
  {
    name: "a kubelet that restarts",
    cost: "nothing",
    during: ({ simulator }) => disturb(simulator, { kind: "restart-kubelet", downMs: 250 }),
  },
  { name: "no inotify instance left", cost: "nothing", simulator: { watcherLimit: 0 } },
  {
    name: "a rotation that the follower sees",
    cost: "nothing",
    during: ({ simulator }) => disturb(simulator, { kind: "rotate" }),
  },
  {
    name: "rotations inside the lines of a fast log",
    cost: "nothing",
    writer: { lines: 4_000, paceMs: 0.4 },
    during: async ({ simulator }) => {
      for (let rotation = 0; rotation < 12; rotation++) {
        await disturb(simulator, { kind: "rotate-inside-a-line" });
        await delay(60);
      }
    },
  },
  { name: "rotations of small files all the time", cost: "nothing", simulator: { maxLogFileBytes: 1_500 } },
  {
    name: "a rotation while no stream is open",
    cost: "declared",
    during: (world, run) => rotateUnseen(world, run, 1),
  },
  {
    name: "rotations while no stream is open, and the node's files may be read",
    cost: "nothing",
    simulator: { nodeProxy: true },
    during: (world, run) => rotateUnseen(world, run, 3),
  },
  {
    name: "a container that ends right after a rotation",
    cost: "declared",
    during: ({ simulator }) => disturb(simulator, { kind: "rotate-before-exit" }),
  },
  {
    name: "writes into the old file after a rotation",
    cost: "invisible",
    during: ({ simulator }) => disturb(simulator, { kind: "rotate-with-late-writes", forMs: 40 }),
  },
  {
    name: "two rotations while kubelet's reader stands still",
    cost: "invisible",
    during: ({ simulator }) => disturb(simulator, { kind: "rotate-twice-unseen", forMs: 40 }),
  },
  {
    name: "rotations of a fast log while what is open of it stands still",
    cost: "declared",
    writer: { lines: 4_000, paceMs: 0.4 },
    during: async ({ simulator }) => {
      const goOn = simulator.pauseFollows(step);
      for (let rotation = 0; rotation < 4; rotation++) {
        await delay(150);
        await disturb(simulator, { kind: rotation % 2 === 0 ? "rotate" : "rotate-inside-a-line" });
      }
      goOn();
    },
  },
  {
    name: "a file that kubelet reads twice in one stream",
    cost: "invisible",
    during: ({ simulator }) => disturb(simulator, { kind: "rotate-twice-reread", forMs: 200 }),
  },
  { name: "a clock that steps back", cost: "nothing", during: ({ simulator }) => simulator.stepClock(-3_600_000) },
  { name: "a clock that steps forward", cost: "nothing", during: ({ simulator }) => simulator.stepClock(3_600_000) },
  { name: "a clock in 1970", cost: "nothing", before: ({ simulator }) => simulator.stepClock(3_600_000 - Date.now()) },
  {
    name: "a clock in 2100",
    cost: "nothing",
    before: ({ simulator }) => simulator.stepClock(Date.UTC(2100, 0, 1) - Date.now()),
  },
  {
    name: "a clock that jumps to 1970 and back",
    cost: "nothing",
    during: async ({ simulator }, run) => {
      const ms = Date.now() - 1_000_000;
      simulator.stepClock(-ms);
      await printedSince(run, simulator, 20);
      simulator.stepClock(ms);
    },
  },
  { name: "a node in another time zone", cost: "nothing", simulator: { offsetMinutes: 330 } },
  {
    name: "a node that is lost",
    cost: "declared",
    during: async ({ simulator }, run) => {
      const node = podOf(run).nodeName ?? "";
      simulator.loseNode(node);
      await delay(300);
      simulator.collectOrphans(node);
    },
  },
];

async function rotateUnseen({ simulator }: ChaosWorld, run: RunHandle, times: number): Promise<void> {
  simulator.faults.add({ on: "log", ...step, fault: { kind: "status", code: 503 }, times: 1e6 });
  simulator.cutFollows({ kind: "reset", afterBytes: 0 }, step);
  for (let rotation = 0; rotation < times; rotation++) {
    await printedSince(run, simulator, 30);
    await disturb(simulator, { kind: "rotate" });
  }
  simulator.faults.clear();
}
