import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LeaseReplicas, leaseName } from "../../collector/lease-replicas.ts";
import { alone, ownerAmong } from "../../collector/replicas.ts";
import fc from "../property.ts";
import { createSimulator, resources, type Simulator } from "../simulator/index.ts";
import { clientOf, eventually, LEASES } from "./harness.ts";

const runs = Array.from({ length: 300 }, (_, i) => `uid-${i}`);

describe("the owner of a run", () => {
  test.each([
    [[], undefined],
    [["a"], "a"],
    [["a", "b"], "a"],
    [["b", "a"], "a"],
    [["b", "c"], "b"],
    [["a", "b", "c", "d"], "d"],
    [["a", "b", "c", "d", "e"], "e"],
  ])("among %j is %s, for ever: replicas of different versions must agree", (members, owner) => {
    expect(ownerAmong(members, "0e4f2c3a-1111-4222-8333-444455556666")).toBe(owner);
  });

  const members = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 8 });

  test("does not depend on the order of the members", () => {
    fc.assert(
      fc.property(members, fc.uuid(), (names, run) => {
        expect(ownerAmong(names.toReversed(), run)).toBe(ownerAmong(names, run));
      }),
    );
  });

  test("moves only with the member that goes", () => {
    fc.assert(
      fc.property(members, fc.nat(), fc.uuid(), (names, which, run) => {
        const gone = names[which % names.length];
        const before = ownerAmong(names, run);
        const after = ownerAmong(
          names.filter((name) => name !== gone),
          run,
        );
        if (before === gone) expect(after).not.toBe(gone);
        else expect(after).toBe(before);
      }),
    );
  });

  test("is each member about as often", () => {
    for (const count of [2, 3, 5]) {
      const names = Array.from({ length: count }, (_, i) => `afterlog-collector-${i}`);
      const owned = names.map((name) => runs.filter((run) => ownerAmong(names, run) === name).length);
      for (const many of owned) expect(many).toBeGreaterThan(runs.length / count / 2);
    }
  });

  test("alone is oneself", () => {
    expect(alone.owns("x")).toBe(true);
  });
});

test.each([
  ["collector-5d8f", "afterlog-collector-5d8f"],
  ["a".repeat(200), `afterlog-${"a".repeat(200)}`],
  ["My_Laptop.local", /^afterlog-my-laptop-local-[0-9a-f]{8}$/],
  ["my-laptop.local", /^afterlog-my-laptop-local-[0-9a-f]{8}$/],
  ["-", /^afterlog-[0-9a-f]{8}$/],
  ["ä".repeat(300), /^afterlog-[0-9a-f]{8}$/],
  ["a".repeat(300), /^afterlog-a{200}-[0-9a-f]{8}$/],
])("the lease of the replica %s is named as Kubernetes allows", (replica, expected) => {
  const name = leaseName(replica);
  expect(name).toMatch(typeof expected === "string" ? new RegExp(`^${expected}$`) : expected);
  expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$/);
});

test("two names that become one for Kubernetes stay two", () => {
  expect(leaseName("My_Laptop.local")).not.toBe(leaseName("my-laptop.local"));
});

describe("replicas with leases", () => {
  let simulator: Simulator;
  const running: { stop: () => Promise<void> }[] = [];
  beforeEach(async () => {
    simulator = await createSimulator();
  });
  afterEach(async () => {
    for (const { stop } of running.splice(0)) await stop();
    await simulator.close();
  });

  function start(replica: string, timing: object = {}) {
    const stopped = new AbortController();
    const warnings: string[] = [];
    const none = () => {};
    const logger = {
      debug: none,
      info: none,
      error: none,
      warn: (_: object, message: string) => void warnings.push(message),
    };
    const client = clientOf(simulator);
    const replicas = new LeaseReplicas({
      client,
      logger,
      namespace: "afterlog",
      replica,
      timing: { ...LEASES, ...timing },
    });
    let changes = 0;
    replicas.onChange(() => changes++);
    const finished = replicas.run(stopped.signal);
    const started = {
      replicas,
      warnings,
      owned: () => runs.filter((run) => replicas.owns(run)),
      changes: () => changes,
      stop: async () => {
        stopped.abort();
        await finished;
      },
      /** As a process that is killed: its lease stays. */
      kill: async () => {
        simulator.faults.add({ on: "write", verb: "delete", name: leaseName(replica), fault: { kind: "drop" } });
        await started.stop();
      },
    };
    running.push(started);
    return started;
  }
  const leases = () => simulator.store.list(resources.leases, "afterlog");
  const share = (...owners: { owned: () => string[] }[]) =>
    eventually("every run to have one owner", async () => {
      const all = owners.flatMap(({ owned }) => owned());
      return all.length === runs.length && new Set(all).size === runs.length ? true : undefined;
    });
  const ownsAll = (one: { owned: () => string[] }) =>
    eventually("it to own all", async () => (one.owned().length === runs.length ? true : undefined));

  test("share the runs, and one that stops leaves its own to the other at once", async () => {
    const first = start("a", { leaseSeconds: 60 });
    await first.replicas.joined;
    expect(first.owned()).toHaveLength(runs.length);
    const second = start("b", { leaseSeconds: 60 });
    await share(first, second);
    expect(leases().map(({ metadata, spec }) => [metadata.name, metadata.labels, spec?.leaseDurationSeconds])).toEqual([
      ["afterlog-a", { "afterlog.dev/component": "collector" }, 60],
      ["afterlog-b", { "afterlog.dev/component": "collector" }, 60],
    ]);
    expect(leases()[0]?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    await second.stop();
    await ownsAll(first);
    expect(leases().map(({ metadata }) => metadata.name)).toEqual(["afterlog-a"]);
    expect(first.changes()).toBe(2);
  });

  test("one that is killed is missed when its lease has expired, and its lease is deleted in the end", async () => {
    const first = start("a", { forgetMs: 700 });
    const second = start("b");
    await share(first, second);
    await second.kill();
    const since = performance.now();
    await ownsAll(first);
    expect(performance.now() - since).toBeGreaterThan(300);
    await eventually("the dead lease to go", async () => (leases().length === 1 ? true : undefined));
  });

  test("one that starts again takes over the lease that it left behind, with no warning", async () => {
    const first = start("a");
    await first.replicas.joined;
    await first.kill();
    const second = start("a");
    await second.replicas.joined;
    expect(leases()).toHaveLength(1);
    expect(second.warnings).toEqual([]);
    await second.stop();
    expect(leases()).toEqual([]);
  });

  test("two of one name say so", async () => {
    const first = start("a");
    const second = start("a");
    await eventually("the warning", async () =>
      [...first.warnings, ...second.warnings].find((warning) => warning.includes("AFTERLOG_REPLICA")),
    );
  });

  test("without the right to leases everything is its own, with one warning each that names the rights", async () => {
    const fault = { kind: "status", code: 403 } as const;
    const first = start("a");
    const second = start("b");
    await share(first, second);
    simulator.faults.add({ on: "list", resource: "leases", fault, times: 1_000_000 });
    simulator.faults.add({ on: "write", resource: "leases", fault, times: 1_000_000 });
    await ownsAll(first);
    await ownsAll(second);
    const asked = simulator.requests.length;
    await eventually("some more tries", async () => (simulator.requests.length > asked + 10 ? true : undefined));
    expect(first.warnings).toEqual([
      expect.stringMatching(/cannot .*: grant get, list, create, update and delete on leases/),
      expect.stringMatching(/cannot .*: grant get, list, create, update and delete on leases/),
    ]);
    simulator.faults.clear();
    await share(first, second);
  });

  test("while the API server is away each keeps what it has, and so it does when it comes back", async () => {
    const first = start("a");
    const second = start("b");
    await share(first, second);
    const owned = [first.owned(), second.owned()];
    const changes = [first.changes(), second.changes()];
    simulator.faults.add({ on: "list", resource: "leases", fault: { kind: "drop" }, times: 60 });
    simulator.faults.add({ on: "write", resource: "leases", fault: { kind: "drop" }, times: 60 });
    const isAsked = (request: string) => request.includes("/leases");
    const asked = simulator.requests.filter(isAsked).length;
    await eventually("the outage to be over", async () =>
      simulator.requests.filter(isAsked).length > asked + 150 ? true : undefined,
    );
    expect([first.owned(), second.owned()]).toEqual(owned);
    expect([first.changes(), second.changes()]).toEqual(changes);
  });

  test("a lease that somebody deleted is made again", async () => {
    const first = start("a");
    await first.replicas.joined;
    simulator.store.remove(resources.leases, "afterlog", "afterlog-a");
    await eventually("a new lease", async () => leases()[0]);
    expect(first.warnings).toEqual([]);
  });
});
