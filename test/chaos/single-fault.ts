import { setTimeout as delay } from "node:timers/promises";
import type { RunHandle, SimulatorOptions } from "../simulator/index.ts";
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

/** The one that the faults are aimed at. */
export const step = { container: "step-print-1" };
export const podOf = (run: RunHandle) => {
  const pod = run.pods().at(-1);
  if (!pod) throw new Error(`${run.name} has no pod`);
  return pod;
};

/** Resolves when the run's step has written so many more lines. */
export async function printedSince(run: RunHandle, simulator: ChaosWorld["simulator"], count: number): Promise<void> {
  const lines = () => (run.pods().length > 0 ? simulator.truth(podOf(run), step.container, 0).lines.length : 0);
  const started = () => simulator.runningContainers({ pod: run.pods().at(-1)?.name ?? "", ...step }).length > 0;
  while (!started()) await delay(5);
  for (const end = lines() + count; lines() < end && started(); ) await delay(2);
}
