import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseTime } from "./cri-log.ts";
import { kubeletErrors, type LogFault } from "./faults.ts";
import type { Pod } from "./pod.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { getText, openStream } from "./test-client.ts";

let sim: Simulator;
let pod: Pod;
beforeEach(async () => {
  sim = await createSimulator();
  pod = sim.createPod({ namespace: "ci", name: "a-pod", containers: ["step-a", "step-b"] });
});
afterEach(() => sim.close());

const logUrl = (query: string, name = "a-pod") => `${sim.url}/api/v1/namespaces/ci/pods/${name}/log?${query}`;
const read = async (query: string) => (await getText(logUrl(query))).body;
const follow = (query = "container=step-a", name = "a-pod") =>
  openStream(logUrl(`follow=true&timestamps=true&${query}`, name));
const time = (text: string): bigint => parseTime(text) ?? 0n;

describe("faults", () => {
  const strike = async (fault: LogFault) => {
    sim.faults.add({ on: "log", container: "step-a", fault });
    const stream = await follow();
    sim.writeLine(pod, "step-a", "0123456789", { timeNs: time("2026-01-01T00:00:00Z") });
    return stream;
  };
  const start = "2026-01-01T00:00:00.000000000Z 012";

  it("resets after so many bytes", async () => {
    const stream = await strike({ kind: "reset", afterBytes: 34 });
    await expect(stream.ended).rejects.toThrow();
    expect(stream.text()).toBe(start);
  });

  it.each<[LogFault, string]>([
    [{ kind: "clean-eof", afterBytes: 34 }, start],
    [{ kind: "in-band-error", afterBytes: 42, text: kubeletErrors.cancelled }, `${start}3456789\ncontext cancelled`],
  ])("ends the body: %o", async (fault, text) => {
    expect(await (await strike(fault)).ended).toBe(text);
  });

  it("mixes garbage in and goes on", async () => {
    const stream = await strike({ kind: "garbage", afterBytes: 34, bytes: Buffer.from("#") });
    sim.exit(pod, "step-a");
    expect(await stream.ended).toBe(`${start}#3456789\n`);
  });

  it("falls silent until it is cut", async () => {
    const stream = await strike({ kind: "silence", afterBytes: 34 });
    sim.exit(pod, "step-a");
    await stream.until(start);
    expect(sim.openFollows({ container: "step-a" })).toHaveLength(1);
    sim.dropConnections();
    await expect(stream.ended).rejects.toThrow();
  });

  it("delays headers, refuses, and is gone after its time", async () => {
    sim.faults.add({ on: "log", fault: { kind: "delayed-headers", delayMs: 30 } });
    const begun = performance.now();
    await read("container=step-a");
    expect(performance.now() - begun).toBeGreaterThan(25);
    sim.faults.add({ on: "log", times: 2, fault: { kind: "status", code: 503 } });
    sim.faults.add({ on: "log", fault: { kind: "unknown-to-kubelet" } });
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn++) statuses.push((await getText(logUrl("container=step-a"))).status);
    expect(statuses).toEqual([503, 503, 404, 200]);
  });

  it("writes slowly but all", async () => {
    const stream = await strike({ kind: "slow", bytesPerSecond: 400 });
    sim.exit(pod, "step-a");
    expect(await stream.ended).toBe(sim.truth(pod, "step-a").bytes.toString());
  });

  it("gives a line without end, then resets", async () => {
    const stream = await strike({ kind: "endless-line", afterBytes: 34, bytes: 1_000_000 });
    await expect(stream.ended).rejects.toThrow();
    expect(stream.text()).toBe(`${start}${"x".repeat(1_000_000)}`);
  });

  it.each([
    ["true", 1_000_000],
    ["false", 1_000_000],
    ["true", 65_537],
  ])("strikes at the byte, also in the middle of much: follow=%s, %d bytes", async (followed, afterBytes) => {
    for (let line = 0; line < 20_000; line++) sim.writeLine(pod, "step-a", "x".repeat(60));
    for (const kind of ["clean-eof", "reset"] as const) {
      sim.faults.add({ on: "log", fault: { kind, afterBytes } });
      const stream = await openStream(logUrl(`container=step-a&timestamps=true&follow=${followed}`));
      if (kind === "reset") await expect(stream.ended).rejects.toThrow();
      else await stream.ended;
      expect(stream.text() === sim.truth(pod, "step-a").bytes.subarray(0, afterBytes).toString()).toBe(true);
    }
  });

  it("cuts a slow follow short", async () => {
    const stream = await strike({ kind: "slow", bytesPerSecond: 400 });
    await stream.until("2026");
    sim.cutFollows({ kind: "clean-eof", afterBytes: 0 });
    expect((await stream.ended).length).toBeLessThan(sim.truth(pod, "step-a").bytes.length);
  });

  it("cuts open follows on demand", async () => {
    const stream = await follow();
    expect(sim.cutFollows({ kind: "clean-eof", afterBytes: 0 }, { container: "step-a" })).toBe(1);
    expect(await stream.ended).toBe("");
  });

  it("strikes by chance, the same way for the same seed", async () => {
    const statuses = async () => {
      sim.faults.randomly({ rate: 0.5, seed: 7, log: [{ kind: "status", code: 500 }] });
      const seen: number[] = [];
      for (let turn = 0; turn < 12; turn++) seen.push((await getText(logUrl("container=step-a"))).status);
      return seen;
    };
    const first = await statuses();
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await statuses()).toEqual(first);
  });
});

describe("one container of many", () => {
  type Where = { pod?: string; container?: string };
  const all = ["a-pod/step-a", "a-pod/step-b", "b-pod/step-a", "b-pod/step-b"];
  beforeEach(() => {
    sim.createPod({ namespace: "ci", name: "b-pod", containers: ["step-a", "step-b"] });
  });
  const each = <T>(act: (podName: string, container: string) => Promise<T>): Promise<T[]> =>
    Promise.all(
      all.map((where) => {
        const [podName = "", container = ""] = where.split("/");
        return act(podName, container);
      }),
    );
  const wheres: [Where, string[]][] = [
    [{ pod: "a-pod", container: "step-b" }, ["a-pod/step-b"]],
    [{ pod: "b-pod" }, ["b-pod/step-a", "b-pod/step-b"]],
    [{ container: "step-a" }, ["a-pod/step-a", "b-pod/step-a"]],
    [{}, all],
  ];

  it.each(wheres)("a rule for %o hits it alone", async (where, expected) => {
    sim.faults.add({ on: "log", ...where, times: 4, fault: { kind: "status", code: 503 } });
    const statuses = await each(
      async (name, container) => (await getText(logUrl(`container=${container}`, name))).status,
    );
    expect(all.filter((_, index) => statuses[index] === 503)).toEqual(expected);
  });

  it.each(wheres)("a cut, a silence and a pause of %o hit it alone", async (where, expected) => {
    const streams = await each((name, container) => follow(`container=${container}`, name));
    const say = (text: string) => {
      for (const run of sim.runningContainers()) run.writeLine(text);
    };
    const hit = (text: string) => all.filter((_, index) => !streams[index]?.text().includes(text));
    const unhit = streams.filter((_, index) => !expected.includes(all[index] ?? ""));

    const goOn = sim.pauseFollows(where);
    say("paused");
    await Promise.all(unhit.map((stream) => stream.until("paused")));
    expect(hit("paused")).toEqual(expected);
    goOn();
    await Promise.all(streams.map((stream) => stream.until("paused")));

    expect(sim.cutFollows({ kind: "silence", afterBytes: 0 }, where)).toBe(expected.length);
    say("unheard");
    await Promise.all(unhit.map((stream) => stream.until("unheard")));
    expect(hit("unheard")).toEqual(expected);
    expect(sim.openFollows(where)).toHaveLength(expected.length);
  });
});
