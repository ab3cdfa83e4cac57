import { setTimeout as delay } from "node:timers/promises";
import { podOf, type SingleFault, step } from "../single-fault.ts";

export const pods: SingleFault[] = [
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
