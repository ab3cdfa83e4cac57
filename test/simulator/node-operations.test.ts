import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import type { Pod } from "./pod.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { getJson, getText, openStream } from "./test-client.ts";

let sim: Simulator;
let pod: Pod;
beforeEach(async () => {
  sim = await createSimulator({ startupMs: 0, nodeProxy: true });
  pod = sim.createPod({ name: "p", containers: ["c", "d"] });
});
afterEach(() => sim.close());

const podUrl = (name = "p") => `${sim.url}/api/v1/namespaces/default/pods/${name}`;
const condition = async (type: string) => {
  const { conditions } = (await getJson(podUrl())).status;
  return (conditions as { type?: string }[]).find((found) => found.type === type);
};
const events = (text: string): { type: string; object: { status: { phase: string } } }[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("a lost node", () => {
  it("silences its follows for ever and answers nothing", async () => {
    const stream = await openStream(`${podUrl()}/log?container=c&follow=true`);
    const other = sim.createPod({ name: "q", nodeName: "node-2" });
    const there = await openStream(`${podUrl("q")}/log?follow=true`);
    sim.writeLine(pod, "c", "seen");
    await stream.until("seen");
    sim.loseNode("node-1");
    sim.writeLine(pod, "c", "unseen");
    sim.writeLine(other, "step-main", "elsewhere");
    sim.collectOrphans("node-1");
    await there.until("elsewhere");
    expect(sim.openFollows({ pod: "p" })).toHaveLength(1);
    expect(stream.text()).toBe("seen\n");
    expect(sim.truth(pod, "c").lines.map((line) => line.slice(31))).toEqual(["seen", "unseen"]);
  });

  it("is in the way of every new request", async () => {
    sim.loseNode("node-1");
    expect(await getJson(`${podUrl()}/log?container=c&timestamps=true`)).toMatchObject({
      code: 500,
      reason: "InternalError",
      message:
        'Get "https://10.0.0.7:10250/containerLogs/default/p/c?container=c&timestamps=true": dial tcp 10.0.0.7:10250: connect: no route to host',
    });
    const proxied = await getJson(`${sim.url}/api/v1/nodes/node-1/proxy/logs/pods/default_p_${pod.uid}/c/`);
    expect(proxied).toMatchObject({ code: 503, message: expect.stringContaining("no route to host") });
  });

  it("leaves its pods marked for deletion, as they were last seen, until they are collected", async () => {
    sim.loseNode("node-1");
    sim.exit(pod, "c", 0);
    const marked = await getJson(podUrl());
    expect(marked.metadata.deletionTimestamp).toBeDefined();
    expect(marked.status.containerStatuses[0]?.state).toHaveProperty("running");
    expect(await condition("Ready")).toMatchObject({ status: "False" });
    expect(await condition("DisruptionTarget")).toMatchObject({ status: "True", reason: "DeletionByTaintManager" });
    await getJson(podUrl(), { method: "DELETE" });
    expect((await getText(podUrl())).status).toBe(200);

    const watch = await openStream(`${sim.url}/api/v1/pods?watch=true&resourceVersion=${sim.store.version}`);
    sim.collectOrphans("node-1");
    await watch.until("DELETED");
    expect(events(watch.text()).map(({ type, object }) => `${type} ${object.status.phase}`)).toEqual(
      expect.arrayContaining(["MODIFIED Failed", "DELETED Failed"]),
    );
    expect(pod.container("d").current?.running).toBe(false);
    expect((await getText(podUrl())).status).toBe(404);
  });

  it("loses at once the pods that had ended, and gets no new ones", async () => {
    sim.exit(pod, "c");
    sim.exit(pod, "d");
    sim.loseNode("node-1");
    expect((await getText(podUrl())).status).toBe(404);
    expect(sim.createPod({ name: "next" }).nodeName).toBe("node-2");
  });

  it("fails its TaskRun when the pod is collected, not before", async () => {
    const handle = sim.run({
      kind: "TaskRun",
      name: "t",
      task: {
        name: "t",
        steps: [
          {
            name: "s",
            *lines() {
              sim.loseNode("node-1");
              yield "unseen";
            },
          },
        ],
      },
    });
    await expect.poll(() => handle.pods()[0]?.containers.get("step-s")?.current?.running).toBe(false);
    const status = async () =>
      (await getJson(`${sim.url}/apis/tekton.dev/v1/namespaces/default/taskruns/t`)).status.conditions[0];
    expect(await status()).toMatchObject({ status: "Unknown" });
    sim.collectOrphans("node-1");
    await handle.done;
    expect(await status()).toMatchObject({ status: "False", reason: "Failed" });
  });
});

it("preempts: marks, kills after the grace, deletes", async () => {
  const stream = await openStream(`${podUrl()}/log?container=c&follow=true`);
  const over = sim.preempt(pod, { graceMs: 50 });
  const marked = await getJson(podUrl());
  expect(marked.metadata.deletionTimestamp).toBeDefined();
  expect(await condition("DisruptionTarget")).toMatchObject({ reason: "PreemptionByScheduler" });
  sim.writeLine(pod, "c", "last words");
  await over;
  expect(await stream.ended).toBe("last words\n");
  expect((await getText(podUrl())).status).toBe(404);
});

it("kills a container for its memory", async () => {
  sim.disrupt(pod, "PreemptionByScheduler", "");
  sim.oomKill(pod, "c");
  expect((await getJson(podUrl())).status.containerStatuses[0]?.state).toMatchObject({
    terminated: { exitCode: 137, reason: "OOMKilled" },
  });
  // kubelet's report leaves the scheduler's condition where it is.
  expect(await condition("DisruptionTarget")).toBeDefined();
});

describe("a node's clock", () => {
  const second = 1000;
  const startMs = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    ["back by an hour", -3600 * second, "2025-12-31T23:00:00.0"],
    ["forward by a day", 24 * 3600 * second, "2026-01-02T00:00:00.0"],
    ["to 1970", -startMs, "1970-01-01T00:00:00.0"],
    ["to 2100", Date.parse("2100-01-01T00:00:00Z") - startMs, "2100-01-01T00:00:00.0"],
  ])("steps %s for what is written from then on", async (_, ms, time) => {
    const stepped = await createSimulator({ clock: manualClock(startMs) });
    const there = stepped.createPod({ name: "p" });
    stepped.writeLine(there, "step-main", "before");
    stepped.stepClock(ms);
    stepped.writeLine(there, "step-main", "after");
    stepped.stepClock(-ms);
    stepped.writeLine(there, "step-main", "again");
    const { lines } = stepped.truth(there, "step-main");
    expect(lines.map((line) => [line.slice(0, time.length), line.slice(31)])).toEqual([
      ["2026-01-01T00:00:00.0", "before"],
      [time, "after"],
      ["2026-01-01T00:00:00.0", "again"],
    ]);
    const url = `${stepped.url}/api/v1/namespaces/default/pods/p/log?timestamps=true`;
    expect((await getText(url)).body).toBe(`${lines.join("\n")}\n`);
    await stepped.close();
  });
});
