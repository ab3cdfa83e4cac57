import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { offsetOf, type RecordedLog, recordLog } from "./recorded-log.ts";

const START = "2026-01-02T03:04:05";
const lines = ["first", "", "\u001b[31mthird\u001b[0m"].map((line) => Buffer.from(line));
let folder: string;
let log: RecordedLog;
let text: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "afterlog-recorded-"));
  const startMs = Date.parse(`${START}Z`);
  log = await recordLog(join(folder, "log"), { lines, origin: "a test" }, { bytes: 500_000, startMs });
  text = await readFile(log.path, "utf8");
});
afterAll(() => rm(folder, { recursive: true }));

test("is as long as it says, in whole lines, each with its time", () => {
  const found = text.split("\n");
  expect(found.pop()).toBe("");
  expect([text.length, found.length]).toEqual([log.bytes, log.lines]);
  expect(log.bytes).toBeGreaterThanOrEqual(500_000);
  expect(found.slice(0, 2)).toEqual([`${START}.000000000Z first`, `${START}.000200000Z `]);
  for (const [i, line] of found.entries()) {
    expect(line).toMatch(/^2026-01-02T03:04:\d\d\.\d{9}Z /);
    expect(line.slice(31)).toBe(`${lines[i % lines.length]}`);
  }
  expect(found.map((line) => line.slice(0, 30))).toEqual(found.map((line) => line.slice(0, 30)).sort());
});

test("can be read from a second on, as Kubernetes does: fractions are cut", () => {
  expect(offsetOf(log, null)).toBe(0);
  expect(offsetOf(log, `${START}.9Z`)).toBe(0);
  expect(text.slice(offsetOf(log, "2026-01-02T03:04:06.7Z"))).toMatch(/^2026-01-02T03:04:06\.0{9}Z /);
  expect(offsetOf(log, "2026-01-01T00:00:00Z")).toBe(0);
  expect(offsetOf(log, "2027-01-01T00:00:00Z")).toBe(log.bytes);
});
