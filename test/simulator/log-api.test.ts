import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatTime, parseTime } from "./cri-log.ts";
import { kubeletErrors } from "./faults.ts";
import type { Pod } from "./pod.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { getJson, getText, openStream } from "./test-client.ts";

let sim: Simulator;
let pod: Pod;
beforeEach(async () => {
  sim = await createSimulator();
  pod = sim.createPod({
    namespace: "ci",
    name: "a-pod",
    initContainers: ["prepare"],
    containers: ["step-a", "step-b"],
  });
});
afterEach(() => sim.close());

const logUrl = (query: string, name = "a-pod") => `${sim.url}/api/v1/namespaces/ci/pods/${name}/log?${query}`;
const read = async (query: string) => (await getText(logUrl(query))).body;
const follow = (query = "container=step-a") => openStream(logUrl(`follow=true&timestamps=true&${query}`));
const time = (text: string): bigint => parseTime(text) ?? 0n;

describe("a request", () => {
  it.each([
    ["container=zz", 400, "container zz is not valid for pod a-pod"],
    ["", 400, "a container name must be specified for pod a-pod, choose one of: [prepare step-a step-b]"],
    ["container=step-a&previous=true", 400, 'previous terminated container "step-a" in pod "a-pod" not found'],
    [
      "container=step-a&tailLines=-1",
      422,
      'PodLogOptions "a-pod" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      "container=step-a&sinceTime=foo",
      400,
      'parsing time "foo" as "2006-01-02T15:04:05Z07:00": cannot parse "foo" as "2006"',
    ],
  ])("%s is refused with %d", async (query, code, message) => {
    expect(await getJson(logUrl(query))).toMatchObject({ kind: "Status", code, message });
  });

  it("tells the API server's 404 from kubelet's", async () => {
    expect((await getJson(logUrl("container=x", "gone"))).details).toEqual({ name: "gone", kind: "pods" });
    sim.kubelet.stop("node-1");
    expect((await getJson(logUrl("container=step-a"))).details).toEqual({ name: "a-pod", kind: "pods/log" });
    sim.kubelet.started("node-1");
    expect((await getText(logUrl("container=step-a"))).status).toBe(200);
  });

  it("is empty and fine while the pod is not scheduled, and refused while the container waits", async () => {
    const waiting = sim.createPod({ namespace: "ci", name: "w", containers: ["c"], nodeName: null });
    expect(await getText(logUrl("container=c", "w"))).toEqual({ status: 200, body: "" });
    sim.schedule(waiting);
    const message = async () => (await getJson(logUrl("container=c", "w"))).message;
    expect(await message()).toBe('container "c" in pod "w" is waiting to start: PodInitializing');
    sim.setWaiting(waiting, "c", { reason: "ImagePullBackOff", message: "Back-off" });
    expect(await message()).toBe('container "c" in pod "w" is waiting to start: trying and failing to pull image');
  });

  it("cuts sinceTime to whole seconds, inclusive", async () => {
    for (const fraction of ["00.9", "01.1", "01.2", "02"])
      sim.writeLine(pod, "step-a", fraction, { timeNs: time(`2026-01-01T00:00:${fraction}Z`) });
    expect(await read("container=step-a&sinceTime=2026-01-01T00:00:01.15Z")).toBe("01.1\n01.2\n02\n");
  });

  it("gives the run before a restart as previous until it is removed", async () => {
    sim.writeLine(pod, "step-a", "first");
    sim.restartContainer(pod, "step-a");
    sim.writeLine(pod, "step-a", "second");
    expect(await read("container=step-a&previous=true")).toBe("first\n");
    expect(await read("container=step-a")).toBe("second\n");
    expect(sim.truth(pod, "step-a", 0).lines[0]).toMatch(/ first$/);
    sim.removePrevious(pod);
    expect((await getText(logUrl("container=step-a&previous=true"))).status).toBe(400);
  });

  it("shows the node's time zone", async () => {
    const east = await createSimulator({ offsetMinutes: 120 });
    const there = east.createPod({ name: "p" });
    east.writeLine(there, "step-main", "x", { timeNs: time("2026-01-01T00:00:00Z") });
    const url = `${east.url}/api/v1/namespaces/default/pods/p/log?timestamps=true`;
    expect((await getText(url)).body).toBe("2026-01-01T02:00:00.000000000+02:00 x\n");
    await east.close();
  });
});

describe("a follow", () => {
  it("is byte for byte the truth when nothing goes wrong, rotations included", async () => {
    sim.writeLine(pod, "step-a", "before");
    const stream = await follow();
    for (let line = 0; line < 100; line++) {
      sim.writeLine(pod, "step-a", `line ${line}`, { stream: line % 3 === 0 ? "stderr" : "stdout" });
      if (line % 30 === 0) sim.rotate(pod, "step-a");
    }
    sim.writeLine(pod, "step-a", "x".repeat(50_000));
    sim.write(pod, "step-a", "no newline");
    sim.exit(pod, "step-a", 1);
    expect(await stream.ended).toBe(sim.truth(pod, "step-a").bytes.toString());
    expect(sim.truth(pod, "step-a").lines).toHaveLength(103);
  });

  it("goes on through a deletion until the container has ended; new requests get 404", async () => {
    const stream = await follow();
    sim.writeLine(pod, "step-a", "running");
    sim.beginDeletion(pod);
    sim.writeLine(pod, "step-a", "terminating");
    sim.forceDeletePod(pod);
    expect((await getText(logUrl("container=step-a"))).status).toBe(404);
    sim.writeLine(pod, "step-a", "last words");
    sim.killContainers(pod);
    expect(await stream.ended).toBe(sim.truth(pod, "step-a").bytes.toString());
  });

  it("belongs to the pod it was opened for when the name is taken again", async () => {
    const stream = await follow();
    sim.forceDeletePod(pod);
    const next = sim.createPod({ namespace: "ci", name: "a-pod", containers: ["step-a"] });
    sim.writeLine(pod, "step-a", "old");
    sim.writeLine(next, "step-a", "new");
    sim.killContainers(pod);
    expect(await stream.ended).toMatch(/ old\n$/);
    expect(await read("container=step-a")).toBe("new\n");
    expect((await getJson(`${sim.url}/api/v1/namespaces/ci/pods/a-pod`)).metadata.uid).toBe(next.uid);
  });

  it("holds one inotify instance of its node until it is closed", async () => {
    sim.kubelet.watcherLimit = 1;
    const first = await follow();
    sim.writeLine(pod, "step-a", "x");
    await first.until("x");
    expect(await (await follow("container=step-b")).ended).toBe(kubeletErrors.tooManyOpenFiles);
    first.close();
    await expect.poll(() => sim.openFollows().length).toBe(0);
    const again = await follow("container=step-b");
    sim.writeLine(pod, "step-b", "y");
    await again.until("y");
  });

  it("dies with kubelet", async () => {
    const stream = await follow();
    await sim.restartKubelet();
    await expect(stream.ended).rejects.toThrow();
  });

  it("is cut after kubelet's limit", async () => {
    const hasty = await createSimulator({ maxFollowMs: 30 });
    const there = hasty.createPod({ name: "p" });
    hasty.writeLine(there, "step-main", "x");
    const stream = await openStream(`${hasty.url}/api/v1/namespaces/default/pods/p/log?follow=true`);
    await expect(stream.ended).rejects.toThrow();
    expect(stream.text()).toBe("x\n");
    await hasty.close();
  });

  it("ends in-band when the files are gone after an eviction", async () => {
    sim.writeLine(pod, "step-a", "x");
    sim.evict(pod);
    expect(await read("container=step-a")).toBe(
      kubeletErrors.containerGone(pod.container("step-a").current?.containerId ?? ""),
    );
    expect((await getJson(`${sim.url}/api/v1/namespaces/ci/pods/a-pod`)).status).toMatchObject({
      phase: "Failed",
      reason: "Evicted",
    });
  });
});

it("stamps lines with its clock, never twice with the same time", () => {
  sim.writeLine(pod, "step-b", "a");
  sim.writeLine(pod, "step-b", "b");
  const [first = "", second = ""] = sim.truth(pod, "step-b").lines;
  expect(first.slice(0, 30) < second.slice(0, 30)).toBe(true);
  expect(first.slice(0, 10)).toBe(formatTime(BigInt(Date.now()) * 1_000_000n).slice(0, 10));
});
