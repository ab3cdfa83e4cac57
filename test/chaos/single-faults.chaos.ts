import { afterEach, expect, test } from "vitest";
import { collectors } from "./faults/collectors.ts";
import { nodes } from "./faults/nodes.ts";
import { pods } from "./faults/pods.ts";
import { requests, watches } from "./faults/requests.ts";
import { stores } from "./faults/stores.ts";
import { ChaosWorld } from "./world.ts";
import { writer } from "./writers.ts";

/** Every row of the test list in kubernetes-logs.md §15, every fault of a store, every way a pod or collector ends. */
const singleFaults = [...requests, ...watches, ...nodes, ...pods, ...stores, ...collectors];

let world: ChaosWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

test.each(singleFaults.map((fault) => [fault.cost, fault.name, fault] as const))(
  "costs %s: %s",
  async (cost, _name, fault) => {
    world = await ChaosWorld.open(fault.simulator);
    fault.before?.(world);
    for (let n = 0; n < (fault.collectors ?? 1); n++) world.collect();
    const run = world.run(writer("struck", 7, fault.writer));
    if (fault.during) {
      if (fault.collectors !== 0) await world.archived(run, 20);
      await fault.during(world, run);
    }
    const verdict = await world.judge();
    expect(verdict.lines).toBeGreaterThan(20);
    if (cost === "nothing") expect(verdict).toMatchObject({ problems: [], missing: 0, feared: 0 });
    else if (cost === "declared") expect(verdict).toMatchObject({ problems: [], undeclared: 0 });
    else if (cost === "invisible") expect(verdict).toMatchObject({ foreign: 0 });
    else {
      expect(verdict.foreign).toBeLessThanOrEqual(2);
      expect(verdict.missing).toBeLessThanOrEqual(2);
    }
  },
);
