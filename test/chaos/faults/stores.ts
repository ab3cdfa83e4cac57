import { setTimeout as delay } from "node:timers/promises";
import type { StoreFault } from "../../storage-adapters/faulty-store.ts";
import type { SingleFault } from "../single-fault.ts";

const onStore = (name: string, fault: StoreFault, on: "put" | "get" | "list" = "put", times = 12): SingleFault => ({
  name,
  cost: "nothing",
  during: ({ faults }) => faults.add({ on, fault, times }),
});

export const stores: SingleFault[] = [
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
