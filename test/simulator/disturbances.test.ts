import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Disturbance, disturb, disturbAtRandom } from "./disturbances.ts";
import type { Pod } from "./pod.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { openStream } from "./test-client.ts";

let sim: Simulator;
let pod: Pod;
beforeEach(async () => {
  sim = await createSimulator();
  pod = sim.createPod({ name: "p", containers: ["c"] });
});
afterEach(() => sim.close());

const follow = () => openStream(`${sim.url}/api/v1/namespaces/default/pods/p/log?follow=true&container=c`);

/** The follow's text for a container that writes `1` before, `2` during and `3` after the disturbance. */
async function textAround(disturbance: Disturbance): Promise<string> {
  const stream = await follow();
  sim.writeLine(pod, "c", "1");
  await stream.until("1");
  const over = disturb(sim, disturbance);
  sim.writeLine(pod, "c", "2");
  if (disturbance.kind !== "rotate-before-exit") await over;
  sim.writeLine(pod, "c", "3");
  sim.exit(pod, "c");
  await over;
  return (await stream.ended).replaceAll("\n", "");
}

it.each<[Disturbance, string]>([
  [{ kind: "rotate" }, "123"],
  [{ kind: "rotate-with-late-writes", forMs: 5 }, "13"],
  [{ kind: "rotate-before-exit" }, "1"],
  [{ kind: "cut-follows", fault: { kind: "clean-eof", afterBytes: 0 } }, "1"],
  [{ kind: "compact" }, "123"],
  [{ kind: "step-clock", ms: -3_600_000 }, "123"],
])("%o lets through", async (disturbance, expected) => {
  expect(await textAround(disturbance)).toBe(expected);
});

it("loses the file between two rotations, and may give the newest one twice", async () => {
  const stream = await follow();
  sim.writeLine(pod, "c", "1");
  await stream.until("1");
  const over = disturb(sim, { kind: "rotate-twice-unseen", forMs: 5 });
  sim.writeLine(pod, "c", "2");
  await over;
  sim.writeLine(pod, "c", "3");
  sim.exit(pod, "c");
  expect((await stream.ended).replaceAll("\n", "")).toBe("13");
});

it("makes a follow give the newest file twice in one stream, when it handles two rotations late", async () => {
  const stream = await follow();
  sim.writeLine(pod, "c", "1");
  await stream.until("1");
  const over = disturb(sim, { kind: "rotate-twice-reread", forMs: 60_000 });
  sim.writeLine(pod, "c", "2");
  await expect.poll(() => pod.container("c").current?.rotatedFiles.length).toBe(2);
  sim.writeLine(pod, "c", "3");
  await nextTurn();
  sim.writeLine(pod, "c", "4");
  await over;
  sim.writeLine(pod, "c", "5");
  sim.exit(pod, "c");
  expect((await stream.ended).replaceAll("\n", "")).toBe("134345");
});

it("does not wait for ever for a silent container", async () => {
  await disturb(sim, { kind: "rotate-twice-reread", forMs: 1 });
  expect(pod.container("c").current?.rotatedFiles.length).toBe(2);
});

it("breaks connections", async () => {
  for (const disturbance of [{ kind: "restart-kubelet", downMs: 1 }, { kind: "drop-connections" }] as const) {
    const stream = await follow();
    await disturb(sim, disturbance);
    await expect(stream.ended).rejects.toThrow();
  }
});

it("steps the clock of what is written", async () => {
  sim.writeLine(pod, "c", "later");
  await disturb(sim, { kind: "step-clock", ms: -1_000 });
  sim.writeLine(pod, "c", "earlier");
  const [later = "", earlier = ""] = sim.truth(pod, "c").lines;
  expect(earlier < later).toBe(true);
});

it("goes on by chance until it is told to stop", async () => {
  const stop = new AbortController();
  const over = disturbAtRandom(sim, { choices: [{ kind: "rotate" }], seed: 1, everyMs: 1, signal: stop.signal });
  await expect.poll(() => pod.container("c").current?.rotatedFiles.length).toBe(4);
  stop.abort();
  await over;
});
