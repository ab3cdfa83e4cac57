import { pino } from "pino";
import { beforeEach, expect, test } from "vitest";
import { LogWriter } from "../../archive/log-writer.ts";
import { type Attempt, type Container, type ContainerRow, logIdOf, type Task } from "../../archive/record.ts";
import { LogSearch } from "../../collector/log-search.ts";
import { RunFindings } from "../../collector/run-findings.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { type FaultyStore, faultyStore } from "../storage-adapters/faulty-store.ts";
import { eventually } from "./harness.ts";

const run = { namespace: "ci", runUid: "0f6b" };
const TIME = "2026-07-30T10:00:00.000000001Z";

let memory: ObjectStore;
let faulty: FaultyStore;
beforeEach(() => {
  memory = memoryStore();
  faulty = faultyStore(memory);
});

function findings(store = faulty.store) {
  let changes = 0;
  const stopped = new AbortController();
  const found = new RunFindings(run, {
    search: new LogSearch(store),
    logger: pino({ level: "silent" }),
    signal: stopped.signal,
    changed: () => changes++,
    searchAgainMs: 10,
  });
  const settled = (count = 1) => eventually("the search", async () => (changes >= count ? true : undefined));
  return { found, settled, stop: () => stopped.abort() };
}

async function rowOf(name: string, lines: string[], more: Partial<Container> = {}): Promise<ContainerRow> {
  const container: Container = {
    name: `step-${name}`,
    title: name,
    kind: "step",
    restart: 0,
    status: "failed",
    exitCode: 1,
    log: { state: "open", lines: 0, bytes: 0, gaps: [], segments: [] },
    ...more,
  };
  const attempt: Attempt = { number: 0, status: "failed", containers: [container] };
  const task: Task = { name: "t", taskRun: { name: "t", uid: "t" }, status: "failed", attempts: [attempt] };
  const row: ContainerRow = { task, attempt, container };
  const writer = await LogWriter.open(memory, logIdOf(run, row), "pod", { intervalMs: () => 1e9 });
  writer.append(Buffer.from(lines.map((line) => `${TIME} ${line}\n`).join("")));
  container.log = await writer.finish({ state: "whole" });
  return row;
}

const GO = ["=== RUN   TestAdd", "a.go:3:1: undefined: x", "FAIL"];

test("a failed step has findings, another one counts alone, a sidecar nothing", async () => {
  const rows = [
    await rowOf("unit", GO),
    await rowOf("fine", ["ERROR: a.go:3:1: undefined: x", "  here", "WARN slow"], { status: "succeeded", exitCode: 0 }),
    await rowOf("server", GO, { kind: "sidecar" }),
    await rowOf("silent", []),
  ];
  const { found, settled } = findings();
  expect(found.attend(rows)).toBe(false);
  await settled();
  expect(found.attend(rows)).toBe(true);
  const [unit, fine, server, silent] = rows.map(({ container }) => container.log.findings);
  expect(unit?.leading).toMatchObject({ line: 2, time: TIME, excerpt: "a.go:3:1: undefined: x" });
  expect(fine).toEqual({ findings: [], total: 0, severities: { error: 2, warning: 1 } });
  expect([server, silent]).toEqual([undefined, undefined]);
});

test("a store that fails for a while only delays them", async () => {
  const rows = [await rowOf("unit", GO)];
  faulty.add({ on: "get", times: 2, fault: { kind: "unavailable" } });
  const { found, settled } = findings();
  for (let tries = 1; tries <= 3; tries++) {
    expect(found.attend(rows)).toBe(false);
    await settled(tries);
  }
  expect(found.attend(rows)).toBe(true);
  expect(rows[0]?.container.log.findings?.leading?.line).toBe(2);
  expect(faulty.counters.get.faults).toBe(2);
});

test.each([
  ["is damaged", (key: string) => memory.put(key, Buffer.alloc(1_000))],
  ["has gone", (key: string) => memory.delete(key)],
])("a log that %s keeps no run from its end", async (_, harm) => {
  const rows = [await rowOf("unit", GO), await rowOf("lint", GO)];
  await harm(rows[0]?.container.log.segments[0]?.key as string);
  const { found, settled } = findings();
  expect(found.attend(rows)).toBe(false);
  await settled();
  expect(found.attend(rows)).toBe(true);
  expect(rows.map(({ container }) => container.log.findings?.leading?.line)).toEqual([undefined, 2]);
});

test("what is stopped tells nothing any more", async () => {
  const rows = [await rowOf("unit", GO)];
  faulty.add({ on: "get", fault: { kind: "hang" } });
  const { found } = findings();
  found.attend(rows);
  await eventually("the read", async () => (faulty.hanging() === 1 ? true : undefined));
  found.stop();
  await eventually("its end", async () => (faulty.hanging() === 0 ? true : undefined));
  expect(found.attend(rows)).toBe(false);
  expect(rows[0]?.container.log.findings).toBeUndefined();
});

test("one log is read at a time, and others get their turn meanwhile", async () => {
  const long = Array.from({ length: 40_000 }, (_, i) => `compiling file ${i} of a project that has very many of them`);
  const rows = [await rowOf("one", [...long, ...GO]), await rowOf("two", [...long, ...GO])];
  let open = 0;
  let most = 0;
  const counting: ObjectStore = {
    ...memory,
    get: async (...args) => {
      const stream = await memory.get(...args);
      most = Math.max(most, ++open);
      stream.once("close", () => open--);
      return stream;
    },
  };
  const { found, settled } = findings(counting);
  let turns = 0;
  const turn = setInterval(() => turns++, 0);
  found.attend(rows);
  await settled();
  clearInterval(turn);
  expect(found.attend(rows)).toBe(true);
  expect(rows.map(({ container }) => container.log.findings?.leading?.line)).toEqual([40_002, 40_002]);
  expect(most).toBe(1);
  expect(turns).toBeGreaterThan(10);
});
