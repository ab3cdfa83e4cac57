import { setTimeout as delay } from "node:timers/promises";
import { disturb, kubeletErrors, type LogFault, type RunHandle, type SimulatorOptions } from "../simulator/index.ts";
import { generator } from "../simulator/random.ts";
import type { StoreFault } from "../storage-adapters/faulty-store.ts";
import type { ChaosWorld } from "./world.ts";
import { type WriterOptions, writer } from "./writers.ts";

type Random = () => number;
type Event = { name: string; act: (world: ChaosWorld, runs: RunHandle[], random: Random) => Promise<void> | void };

const pick = <T>(random: Random, choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
const between = (random: Random, from: number, to: number) => from + random() * (to - from);
const podOf = (run: RunHandle) => run.pods().at(-1);

const logFaults: readonly LogFault[] = [
  { kind: "reset", afterBytes: 0 },
  { kind: "clean-eof", afterBytes: 0 },
  { kind: "silence", afterBytes: 0 },
  { kind: "in-band-error", afterBytes: 0, text: kubeletErrors.containerGone("containerd://1") },
  { kind: "in-band-error", afterBytes: 0, text: kubeletErrors.tooManyOpenFiles },
];

const storeFaults: readonly StoreFault[] = [
  { kind: "unavailable" },
  { kind: "conflict-409" },
  { kind: "lost-answer" },
  { kind: "slow", ms: 60 },
];

/** Everything that a reader of the log endpoint can see, or survive without seeing it. */
const events: readonly Event[] = [
  { name: "cut follows", act: ({ simulator }, _, random) => void simulator.cutFollows(pick(random, logFaults)) },
  {
    name: "fail requests for logs",
    act: ({ simulator }, _, random) => {
      const faults: LogFault[] = [
        { kind: "status", code: 503 },
        { kind: "unknown-to-kubelet" },
        { kind: "reset", afterBytes: 300 },
      ];
      simulator.faults.add({ on: "log", fault: pick(random, faults), times: 1 + Math.floor(random() * 6) });
    },
  },
  {
    name: "fail watches",
    act: ({ simulator }, _, random) =>
      simulator.faults.add({
        on: "watch",
        fault: { kind: pick(random, ["drop", "gone", "malformed-line"]), afterEvents: 1 },
        times: 2,
      }),
  },
  { name: "drop connections", act: ({ simulator }) => simulator.dropConnections() },
  { name: "compact", act: ({ simulator }) => simulator.compact() },
  {
    name: "restart kubelet",
    act: ({ simulator }, _, random) => disturb(simulator, { kind: "restart-kubelet", downMs: between(random, 0, 200) }),
  },
  { name: "rotate", act: ({ simulator }) => disturb(simulator, { kind: "rotate" }) },
  { name: "rotate inside a line", act: ({ simulator }) => disturb(simulator, { kind: "rotate-inside-a-line" }) },
  {
    name: "rotate while follows are cut",
    act: async ({ simulator }, _, random) => {
      simulator.faults.add({ on: "log", fault: { kind: "status", code: 503 }, times: 8 });
      simulator.cutFollows({ kind: "reset", afterBytes: 0 });
      await delay(between(random, 5, 60));
      await disturb(simulator, { kind: "rotate" });
    },
  },
  { name: "step the clock", act: ({ simulator }, _, random) => simulator.stepClock(between(random, -5_000, 5_000)) },
  {
    name: "outage of the store",
    act: async ({ faults }, _, random) => {
      const back = faults.outage();
      await delay(between(random, 50, 500));
      back();
    },
  },
  {
    name: "fail the store",
    act: ({ faults }, _, random) => {
      const on = pick(random, ["put", "put", "get", "list"] as const);
      faults.add({ on, fault: pick(random, storeFaults), times: 1 + Math.floor(random() * 10) });
    },
  },
  {
    name: "kill a collector and start another",
    act: async (world, _, random) => {
      await world.kill();
      await delay(between(random, 0, 150));
      world.collect();
    },
  },
  { name: "start one more collector", act: (world) => world.collect() },
  {
    name: "cancel",
    act: ({ simulator }, runs, random) => {
      const run = pick(random, runs);
      if (simulator.exists(run)) run.cancel();
    },
  },
  {
    name: "delete",
    act: ({ simulator }, runs, random) => {
      const run = pick(random, runs);
      if (simulator.exists(run)) run.delete();
    },
  },
  {
    name: "evict",
    act: ({ simulator }, runs, random) => {
      const pod = podOf(pick(random, runs));
      if (pod && simulator.owns(pod)) simulator.evict(pod);
    },
  },
  {
    name: "kill for memory",
    act: ({ simulator }, runs, random) => {
      const pod = podOf(pick(random, runs));
      if (pod?.container("step-print-1").current?.running) simulator.oomKill(pod, "step-print-1");
    },
  },
];

export type Schedule = { seed: number; told: string[] };

/** Runs and events that follow from a seed alone; how they meet depends on the machine, as in life. */
export async function play(world: ChaosWorld, seed: number): Promise<Schedule> {
  const random = generator(seed);
  const told: string[] = [];
  const runs: RunHandle[] = [];
  for (let n = 0; n < 1 + Math.floor(random() * 3); n++) {
    const options: WriterOptions = {
      lines: Math.round(between(random, 60, 700)),
      paceMs: between(random, 1, 8),
      steps: 1 + Math.floor(random() * 2),
      sidecar: random() < 0.3,
      unfinished: random() < 0.3,
      long: random() < 0.2,
    };
    told.push(`run-${n} ${JSON.stringify(options)}`);
    runs.push(world.run(writer(`run-${n}`, seed + n, options)));
  }
  const count = 2 + Math.floor(random() * 8);
  for (let n = 0; n < count; n++) {
    const wait = between(random, 10, 400);
    const event = pick(random, events);
    told.push(`after ${Math.round(wait)} ms: ${event.name}`);
    await delay(wait);
    await event.act(world, runs, random);
  }
  world.faults.clear();
  world.simulator.faults.clear();
  return { seed, told };
}

/** A cluster as the seed wants it. */
export function clusterOf(seed: number): SimulatorOptions {
  const random = generator(seed ^ 0x5bd1e995);
  return {
    // Kubernetes tells starts in whole seconds, and kubelet looks at logs every ten: a second is the least that is fair.
    minRotationMs: 1_300,
    ...(random() < 0.3 && { maxLogFileBytes: Math.round(between(random, 2_000, 12_000)) }),
    ...(random() < 0.2 && { maxFollowMs: Math.round(between(random, 80, 300)) }),
    ...(random() < 0.1 && { watcherLimit: 1 }),
    ...(random() < 0.2 && { offsetMinutes: 120 }),
    nodeProxy: random() < 0.3,
  };
}
