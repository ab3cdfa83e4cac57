import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import type { Pod } from "./pod.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { getJson, openStream } from "./test-client.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");
const ns = (seconds: number): bigint => BigInt(Math.round((startMs + seconds * 1000) * 1000)) * 1000n;

let sim: Simulator;
let pod: Pod;
beforeEach(async () => {
  sim = await createSimulator({ nodeProxy: true, clock: manualClock(startMs) });
  pod = sim.createPod({ namespace: "ci", name: "p", containers: ["step-a"] });
});
afterEach(() => sim.close());

const url = (rest: string, node = "node-1") =>
  `${sim.url}/api/v1/nodes/${node}/proxy/logs/pods/ci_p_${pod.uid}/${rest}`;

async function get(rest: string, headers: Record<string, string> = {}) {
  const response = await fetch(url(rest), { headers, redirect: "manual" });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}
const names = async (): Promise<string[]> =>
  [...(await get("step-a/")).bytes.toString().matchAll(/<a href="([^"]+)">\1<\/a>/g)].map(([, name]) => name ?? "");

it("is forbidden without the right", async () => {
  const closed = await createSimulator();
  closed.createPod({ name: "p" });
  expect(await getJson(`${closed.url}/api/v1/nodes/node-1/proxy/logs/pods/x/y/`)).toMatchObject({
    kind: "Status",
    code: 403,
    reason: "Forbidden",
    message: expect.stringContaining('cannot get resource "nodes/proxy"'),
  });
  await closed.close();
});

it("lists a container's files as Go's file server does, each rotation under a name of its own", async () => {
  expect((await get("step-a/")).bytes.toString()).toBe(
    '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="0.log">0.log</a>\n</pre>\n',
  );
  for (let rotation = 0; rotation < 6; rotation++) sim.rotate(pod, "step-a");
  expect(await names()).toEqual([
    "0.log",
    "0.log.20260101-000002.gz",
    "0.log.20260101-000003.gz",
    "0.log.20260101-000004.gz",
    "0.log.20260101-000005",
  ]);
  sim.restartContainer(pod, "step-a");
  expect((await names()).at(-1)).toBe("1.log");
});

it("gives the CRI files, the zeros of a time trimmed, in the order they were written", async () => {
  sim.writeLine(pod, "step-a", "a", { timeNs: ns(1) });
  sim.rotate(pod, "step-a");
  sim.writeLine(pod, "step-a", "b".repeat(20_000), { timeNs: ns(2.5), stream: "stderr" });
  sim.rotate(pod, "step-a");
  sim.writeLine(pod, "step-a", "c", { timeNs: ns(10) + 1n });
  const [newest = "", old = "", rotated = ""] = await names();
  const zipped = await get(`step-a/${old}`);
  expect([zipped.status, zipped.type]).toEqual([200, "application/gzip"]);
  expect(gunzipSync(zipped.bytes).toString()).toBe("2026-01-01T00:00:01Z stdout F a\n");
  const plain = await get(`step-a/${rotated}`);
  expect([plain.status, plain.type]).toEqual([200, "text/plain; charset=utf-8"]);
  expect(plain.bytes.toString()).toBe(
    `2026-01-01T00:00:02.5Z stderr P ${"b".repeat(16_384)}\n2026-01-01T00:00:02.5Z stderr F ${"b".repeat(3_616)}\n`,
  );
  expect((await get(`step-a/${newest}`)).bytes.toString()).toBe("2026-01-01T00:00:10.000000001Z stdout F c\n");
});

it.each([
  ["bytes=21-", 206, "stdout F a\n", "bytes 21-31/32"],
  ["bytes=0-19", 206, "2026-01-01T00:00:01Z", "bytes 0-19/32"],
  ["bytes=32-", 416, "invalid range: failed to overlap\n", "bytes */32"],
])("answers the range %s with %d", async (range, status, text, contentRange) => {
  sim.writeLine(pod, "step-a", "a", { timeNs: ns(1) });
  const answer = await get("step-a/0.log", { range });
  expect([answer.status, answer.bytes.toString(), answer.headers.get("content-range")]).toEqual([
    status,
    text,
    contentRange,
  ]);
});

it.each([
  ["step-a", 301, "step-a/"],
  ["step-a/0.log/", 301, "../0.log"],
  ["step-a/9.log", 404, null],
  ["step-b/", 404, null],
])("answers %s with %d", async (path, status, location) => {
  const answer = await get(path);
  expect([answer.status, answer.headers.get("location")]).toEqual([status, location]);
});

it("finds nothing once kubelet has removed the files, and no kubelet while that is down", async () => {
  expect((await getJson(url("step-a/", "node-9"))).message).toBe('nodes "node-9" not found');
  sim.kubelet.stop("node-1");
  expect(await getJson(url("step-a/"))).toMatchObject({ code: 503, reason: "ServiceUnavailable" });
  sim.kubelet.started("node-1");
  sim.evict(pod);
  expect((await get("step-a/")).status).toBe(404);
});

it("injects what its faults say", async () => {
  sim.writeLine(pod, "step-a", "a", { timeNs: ns(1) });
  sim.faults.add({ on: "node-log", container: "step-b", fault: { kind: "status", code: 500 } });
  sim.faults.add({ on: "node-log", pod: "p", container: "step-a", fault: { kind: "status", code: 503 } });
  expect((await get("step-a/")).status).toBe(503);
  for (const kind of ["reset", "silence"] as const) {
    sim.faults.add({ on: "node-log", fault: { kind, afterBytes: 20 } });
    const stream = await openStream(url("step-a/0.log"));
    await stream.until("2026-01-01T00:00:01Z");
    if (kind === "silence") sim.dropConnections();
    await expect(stream.ended).rejects.toThrow();
    expect(stream.text()).toBe("2026-01-01T00:00:01Z");
  }
  expect((await get("step-a/0.log")).bytes.toString()).toBe("2026-01-01T00:00:01Z stdout F a\n");
});

it("names rotated files in the node's time zone", async () => {
  const east = await createSimulator({ nodeProxy: true, offsetMinutes: 120, clock: manualClock(startMs) });
  const there = east.createPod({ name: "p" });
  east.writeLine(there, "step-main", "x");
  east.rotate(there, "step-main");
  const folder = `${east.url}/api/v1/nodes/node-1/proxy/logs/pods/default_p_${there.uid}/step-main`;
  const file = await fetch(`${folder}/0.log.20260101-020000`);
  expect(await file.text()).toBe("2026-01-01T02:00:00+02:00 stdout F x\n");
  await east.close();
});
