import { afterEach, beforeEach, expect, test } from "vitest";
import type { CollectorDeps } from "../../collector/collector.ts";
import { leaseName } from "../../collector/lease-replicas.ts";
import { ownerAmong } from "../../collector/replicas.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import type { RunHandle, TaskRunScript } from "../simulator/index.ts";
import { eventually, LEASES, openWorld, SETTINGS, type World } from "./harness.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

/** Its lease lasts a minute: whatever is quicker was not brought about by an expired one. */
const LASTING = { ...LEASES, leaseSeconds: 60 };

const collect = (
  replica: string,
  leases = LEASES,
  store: ObjectStore = world.store,
  settings: Partial<CollectorDeps["settings"]> = {},
) => {
  const more = { replica, leases, settings: { ...SETTINGS, ...settings } };
  const started = world.collect(more, store);
  return {
    ...started,
    /** As a process that is killed: its lease stays. */
    kill: async () => {
      world.simulator.faults.add({ on: "write", verb: "delete", name: leaseName(replica), fault: { kind: "drop" } });
      await started.stop();
    },
  };
};

/** Runs that print until `finish` is called. */
function start(count: number, prefix = "run") {
  let over = false;
  const script = (name: string): TaskRunScript => {
    const lines = function* () {
      for (let n = 0; !over || n < 5; n++) yield `${name} says ${n}`;
    };
    return { kind: "TaskRun", name, task: { name: "print", steps: [{ name: "print", lines, paceMs: 10 }] } };
  };
  const runs = Array.from({ length: count }, (_, n) => world.simulator.run(script(`${prefix}-${n}`)));
  return {
    runs,
    finish: () => {
      over = true;
    },
  };
}

const follows = () => world.simulator.openFollows({ container: "step-print" });

/** Everyone follows the runs that are its own, each container is followed, and none twice. */
const shared = (runs: RunHandle[], members: Record<string, { collector: { openLogs: number } }>) =>
  eventually(
    "the runs to be shared",
    async () => {
      const leases = Object.keys(members).map(leaseName);
      const owned = (replica: string) =>
        runs.filter(({ uid }) => ownerAmong(leases, uid) === leaseName(replica)).length;
      const open = follows().map(({ pod }) => pod.name);
      const once = open.length === runs.length && new Set(open).size === runs.length;
      const each = Object.entries(members).every(([name, { collector }]) => collector.openLogs === owned(name));
      return once && each ? Object.keys(members).map(owned) : undefined;
    },
    30_000,
  );

async function allWhole(runs: RunHandle[]): Promise<void> {
  for (const { name } of runs) {
    const record = await world.finished("TaskRun", name);
    const [log] = (await world.logs(record)).filter(({ where }) => where.includes("step-print"));
    expect([name, log?.state, log?.archived]).toEqual([name, "whole", log?.truth]);
    expect(log?.truth).toContain(`${name} says 4\n`);
  }
}

test("two collectors share the runs, and when one is killed the other takes over and every log is whole", async () => {
  const one = collect("one");
  const two = collect("two");
  const { runs, finish } = start(40);
  const owned = await shared(runs, { one, two });
  for (const many of owned) expect(many).toBeGreaterThan(5);
  await two.kill();
  await shared(runs, { one });
  finish();
  await allWhole(runs);
}, 60_000);

test("a collector that comes gets its part of what runs, and gives it back at once when it is stopped", async () => {
  const one = collect("one", LASTING);
  const { runs, finish } = start(16);
  await shared(runs, { one });
  const two = collect("two", LASTING);
  const [, given] = await shared(runs, { one, two });
  expect(given).toBeGreaterThan(0);
  await two.stop();
  await shared(runs, { one });
  finish();
  await allWhole(runs);
}, 60_000);

test("what another replica has archived is known when it goes, without a read for each run", async () => {
  const read: string[] = [];
  const one = collect("one", LEASES, {
    ...world.store,
    get: (...args) => {
      read.push(args[0]);
      return world.store.get(...args);
    },
  });
  const two = collect("two");
  const { runs, finish } = start(10);
  await shared(runs, { one, two });
  finish();
  await allWhole(runs);
  await eventually("tidying up", async () =>
    (await Array.fromAsync(world.store.list("v1/index/open/"))).length === 0 ? true : undefined,
  );
  read.length = 0;
  await two.stop();
  const late = start(10, "late");
  await shared(late.runs, { one });
  late.finish();
  await allWhole(late.runs);
  expect(read.filter((key) => runs.some(({ uid }) => key.includes(uid)))).toEqual([]);
}, 30_000);

test("a run of which one replica dies and whose objects go meanwhile is finished by the other", async () => {
  const one = collect("one");
  const two = collect("two");
  const { runs } = start(10);
  await shared(runs, { one, two });
  await two.kill();
  for (const run of runs) run.delete();
  for (const { name } of runs) expect((await world.finished("TaskRun", name)).run.status).toBe("unknown");
}, 30_000);

test("what was read is stored before a run is given away", async () => {
  // So long that only giving it away can bring a line into the store.
  const one = collect("one", LASTING, world.store, { flushMs: () => 3_600_000 });
  const { runs, finish } = start(16);
  await shared(runs, { one });
  await eventually("some lines of each", async () =>
    follows().every(({ pod }) => world.simulator.truth(pod, "step-print").lines.length > 20) ? true : undefined,
  );
  const stored = async () =>
    (await Array.fromAsync(world.store.list("v1/live/"))).map(({ key }) => key).filter((key) => key.includes("step-"));
  expect(await stored()).toEqual([]);
  const two = collect("two", LASTING, world.store, { flushMs: () => 3_600_000 });
  await shared(runs, { one, two });
  const given = runs.filter(({ uid }) => ownerAmong([leaseName("one"), leaseName("two")], uid) === leaseName("two"));
  expect(given.length).toBeGreaterThan(0);
  const keys = await stored();
  for (const { uid } of given) expect(keys.filter((key) => key.includes(uid))).not.toEqual([]);
  finish();
  await allWhole(runs);
}, 30_000);
