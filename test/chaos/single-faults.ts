import { setTimeout as delay } from "node:timers/promises";
import type { SimulatorOptions } from "../simulator/index.ts";
import { disturb, kubeletErrors, type LogFault, type RunHandle, type WatchFault } from "../simulator/index.ts";
import type { StoreFault } from "../storage-adapters/faulty-store.ts";
import type { ChaosWorld } from "./world.ts";
import type { WriterOptions } from "./writers.ts";

/**
 * What a fault may cost. nothing: every line is archived, and none is feared to be missing. declared: what is missing
 * lies in declared gaps. invisible: lines that Kubernetes' log endpoint gives to nobody and whose loss no client of it
 * can see (kubernetes-logs.md §5); what is archived is still in order and there once. a line: the server itself
 * falsified one; everything else is archived.
 */
export type Cost = "nothing" | "declared" | "invisible" | "a line";

export type SingleFault = {
  name: string;
  cost: Cost;
  simulator?: SimulatorOptions;
  writer?: WriterOptions;
  /** Before the run begins. */
  before?: (world: ChaosWorld) => void;
  /** While it prints. */
  during?: (world: ChaosWorld, run: RunHandle) => Promise<void> | void;
  /** Collectors at once; 1 by default. */
  collectors?: number;
};

const step = { container: "step-print-1" };
const podOf = (run: RunHandle) => {
  const pod = run.pods().at(-1);
  if (!pod) throw new Error(`${run.name} has no pod`);
  return pod;
};

const onRequest = (name: string, fault: LogFault, times = 3, cost: Cost = "nothing"): SingleFault => ({
  name,
  cost,
  before: ({ simulator }) => simulator.faults.add({ on: "log", ...step, fault, times }),
});
const onWatch = (name: string, fault: WatchFault): SingleFault => ({
  name,
  cost: "nothing",
  before: ({ simulator }) => simulator.faults.add({ on: "watch", fault, times: 4 }),
});
const onStore = (name: string, fault: StoreFault, on: "put" | "get" | "list" = "put", times = 12): SingleFault => ({
  name,
  cost: "nothing",
  during: ({ faults }) => faults.add({ on, fault, times }),
});

const requests: SingleFault[] = [
  onRequest("a reset", { kind: "reset", afterBytes: 700 }),
  onRequest("a reset inside a time", { kind: "reset", afterBytes: 731 }),
  onRequest("an end in order while the container runs", { kind: "clean-eof", afterBytes: 700 }),
  onRequest("a connection that falls silent", { kind: "silence", afterBytes: 700 }, 1),
  onRequest("headers that come late", { kind: "delayed-headers", delayMs: 150 }),
  onRequest("a server error", { kind: "status", code: 500 }),
  onRequest("a server that is not available", { kind: "status", code: 503 }, 6),
  onRequest("a kubelet that does not know the pod yet", { kind: "unknown-to-kubelet" }, 6),
  onRequest("a slow connection", { kind: "slow", bytesPerSecond: 30_000 }, 1),
  onRequest("garbage in the stream", { kind: "garbage", afterBytes: 700 }, 1, "a line"),
  onRequest("a line without an end", { kind: "endless-line", afterBytes: 700, bytes: 3_000_000 }, 1, "a line"),
  ...[
    kubeletErrors.containerGone("containerd://1"),
    kubeletErrors.symlinks("/var/log/pods/0.log"),
    kubeletErrors.open("/var/log/pods/0.log"),
    kubeletErrors.watchDirectory("/var/log/pods"),
    kubeletErrors.tooManyOpenFiles,
    kubeletErrors.runtimeNotFound("1"),
    kubeletErrors.cancelled,
  ].flatMap((text) => [
    onRequest(`kubelet's error behind some log: ${text.slice(0, 40)}`, {
      kind: "in-band-error",
      afterBytes: 700,
      text,
    }),
    onRequest(`kubelet's error instead of log: ${text.slice(0, 40)}`, { kind: "in-band-error", afterBytes: 0, text }),
  ]),
];

const watches: SingleFault[] = [
  onWatch("a watch that is cut", { kind: "drop", afterEvents: 1 }),
  onWatch("a watch that ends in order", { kind: "clean-eof", afterEvents: 1 }),
  onWatch("a watch that is too old", { kind: "gone", afterEvents: 1 }),
  onWatch("a watch with broken JSON", { kind: "malformed-line", afterEvents: 1 }),
  onWatch("a watch with odd objects", { kind: "odd-object", afterEvents: 1 }),
  onWatch("a watch that is refused", { kind: "status", code: 503 }),
  {
    name: "lists that are refused",
    cost: "nothing",
    before: ({ simulator }) => simulator.faults.add({ on: "list", fault: { kind: "status", code: 503 }, times: 5 }),
  },
  { name: "etcd's compaction", cost: "nothing", during: ({ simulator }) => simulator.compact() },
  { name: "an API server that restarts", cost: "nothing", during: ({ simulator }) => simulator.dropConnections() },
];

const nodes: SingleFault[] = [
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
  { name: "rotations of small files all the time", cost: "nothing", simulator: { maxLogFileBytes: 1_500 } },
  {
    name: "a rotation while no stream is open",
    cost: "declared",
    during: async ({ simulator }, run) => {
      simulator.faults.add({ on: "log", ...step, fault: { kind: "status", code: 503 }, times: 1e6 });
      simulator.cutFollows({ kind: "reset", afterBytes: 0 }, step);
      await printedSince(run, simulator, 30);
      await disturb(simulator, { kind: "rotate" });
      simulator.faults.clear();
    },
  },
  {
    name: "a rotation while no stream is open, and the node's files may be read",
    cost: "nothing",
    simulator: { nodeProxy: true },
    during: async ({ simulator }, run) => {
      simulator.faults.add({ on: "log", ...step, fault: { kind: "status", code: 503 }, times: 1e6 });
      simulator.cutFollows({ kind: "reset", afterBytes: 0 }, step);
      for (let rotation = 0; rotation < 3; rotation++) {
        await printedSince(run, simulator, 15);
        await disturb(simulator, { kind: "rotate" });
      }
      simulator.faults.clear();
    },
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

const pods: SingleFault[] = [
  { name: "a cancelled TaskRun", cost: "nothing", during: (_, run) => run.cancel() },
  { name: "a TaskRun that times out", cost: "nothing", writer: { timeoutMs: 700, lines: 2_000 } },
  { name: "a TaskRun deleted while it prints", cost: "nothing", during: (_, run) => run.delete() },
  {
    name: "a pod deleted with force",
    cost: "nothing",
    during: async ({ simulator }, run) => {
      const pod = podOf(run);
      simulator.forceDeletePod(pod);
      await delay(30);
      simulator.killContainers(pod);
      run.cancel();
    },
  },
  { name: "an evicted pod", cost: "nothing", during: ({ simulator }, run) => simulator.evict(podOf(run)) },
  {
    name: "a preempted pod",
    cost: "nothing",
    during: ({ simulator }, run) => simulator.preempt(podOf(run), { graceMs: 60 }),
  },
  {
    name: "a step out of memory",
    cost: "nothing",
    during: ({ simulator }, run) => simulator.oomKill(podOf(run), step.container),
  },
  { name: "a step that fails", cost: "nothing", writer: { exitCode: 3 } },
  { name: "a log that ends without a newline", cost: "nothing", writer: { unfinished: true } },
  { name: "lines of more than 16 KiB", cost: "nothing", writer: { long: true } },
  { name: "a sidecar that Tekton replaces", cost: "nothing", writer: { sidecar: true } },
  { name: "steps one after the other", cost: "nothing", writer: { steps: 4, lines: 80 } },
];

const stores: SingleFault[] = [
  onStore("a store that refuses puts for a while", { kind: "unavailable" }),
  onStore("a store that does not allow puts for a while", { kind: "denied" }, "put", 2),
  onStore("puts that meet another one (409)", { kind: "conflict-409" }),
  onStore("puts whose answer is lost", { kind: "lost-answer" }),
  onStore("slow puts", { kind: "slow", ms: 120 }),
  onStore("reads that fail", { kind: "unavailable" }, "get"),
  onStore("listings that fail", { kind: "lost-answer" }, "list"),
  {
    name: "a store that is away",
    cost: "nothing",
    writer: { lines: 600 },
    during: async ({ faults }, _run) => {
      const back = faults.outage();
      await delay(1_000);
      back();
    },
  },
  {
    name: "puts that hang",
    cost: "nothing",
    during: async ({ faults }) => {
      faults.add({ on: "put", key: /\/step-print-1\//, fault: { kind: "hang" }, times: 1 });
      await delay(600);
      faults.release();
    },
  },
];

const collectors: SingleFault[] = [
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
    during: async (world, run) => {
      await printedSince(run, world.simulator, 150);
      await delay(1_300);
      await disturb(world.simulator, { kind: "rotate" });
      world.collect();
    },
  },
  {
    name: "a collector that comes late, after a rotation, and may read the node's files",
    cost: "nothing",
    collectors: 0,
    writer: { lines: 1_200 },
    simulator: { nodeProxy: true },
    during: async (world, run) => {
      await printedSince(run, world.simulator, 150);
      await delay(1_300);
      await disturb(world.simulator, { kind: "rotate" });
      world.collect();
    },
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

/** Resolves when the run's step has written so many more lines. */
async function printedSince(run: RunHandle, simulator: ChaosWorld["simulator"], count: number): Promise<void> {
  const lines = () => (run.pods().length > 0 ? simulator.truth(podOf(run), step.container, 0).lines.length : 0);
  const started = () => simulator.runningContainers({ pod: run.pods().at(-1)?.name ?? "", ...step }).length > 0;
  while (!started()) await delay(5);
  for (const end = lines() + count; lines() < end && started(); ) await delay(2);
}

/** Every row of the test list in kubernetes-logs.md §15, every fault of a store, every way a pod or collector ends. */
export const singleFaults: SingleFault[] = [...requests, ...watches, ...nodes, ...pods, ...stores, ...collectors];
