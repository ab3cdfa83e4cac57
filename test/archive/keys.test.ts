import { describe, expect, test } from "vitest";
import * as keys from "../../archive/keys.ts";
import { checkKey } from "../../storage-adapters/key-gate.ts";
import fc from "../property.ts";

const log: keys.LogId = {
  namespace: "ci",
  runUid: "0f6b",
  taskRunUid: "77aa",
  attempt: 1,
  container: "step-build",
  restart: 0,
};

describe("keys are built", () => {
  test.each([
    [keys.recordKey({ namespace: "ci", runUid: "0f6b" }), "v1/runs/ci/0f6b/record.json"],
    [keys.runningKey({ namespace: "ci", runUid: "0f6b" }), "v1/runs/ci/0f6b/running.json"],
    [keys.segmentKey(log, { line: 1, offset: 0 }), "v1/runs/ci/0f6b/77aa/1/step-build/000000000001.log.zst"],
    [
      keys.segmentKey({ ...log, restart: 2 }, { line: 7, offset: 12 }),
      "v1/runs/ci/0f6b/77aa/1/step-build.2/000000000007_000000000012.log.zst",
    ],
    [keys.chunkKey(log, { line: 12, offset: 0 }), "v1/live/ci/0f6b/77aa/1/step-build/000000000012"],
    [
      keys.entryKey({ by: "pull", values: ["org/repo", "42"] }, new Date(1_784_973_811_936), "0f6b"),
      "v1/index/pull/org%2Frepo/42/8215026188063-0f6b.json",
    ],
    [keys.indexPrefix({ by: "check", values: ["ci", "a..b (c)*"] }), "v1/index/check/ci/a%2E%2Eb%20%28c%29%2A/"],
  ])("%s", (built, expected) => {
    expect(built).toBe(expected);
    if (!built.endsWith("/")) expect(() => checkKey(built)).not.toThrow();
  });
});

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
const anyLog = fc.record({
  namespace: label,
  runUid: label,
  taskRunUid: label,
  attempt: fc.nat({ max: 99 }),
  container: label,
  restart: fc.nat({ max: 99 }),
});
const anyPosition = fc.record({
  line: fc.integer({ min: 1, max: 999_999_999_999 }),
  offset: fc.nat({ max: 2 ** 31 - 1 }),
});

test("parsing is the inverse of building", () => {
  fc.assert(
    fc.property(anyLog, anyPosition, (id, at) => {
      expect(keys.parseKey(keys.segmentKey(id, at))).toEqual({ type: "segment", log: id, at });
      expect(keys.parseKey(keys.chunkKey(id, at))).toEqual({ type: "chunk", log: id, at });
      const run = { namespace: id.namespace, runUid: id.runUid };
      expect(keys.parseKey(keys.recordKey(run))).toEqual({ type: "record", run });
      expect(keys.parseKey(keys.runningKey(run))).toEqual({ type: "running", run });
    }),
  );
});

test("keys sort as the text does", () => {
  fc.assert(
    fc.property(anyLog, anyPosition, anyPosition, (id, a, b) => {
      const before = a.line < b.line || (a.line === b.line && a.offset < b.offset);
      const order = Buffer.compare(Buffer.from(keys.segmentKey(id, a)), Buffer.from(keys.segmentKey(id, b)));
      expect(order < 0).toBe(before);
      expect(keys.chunkKey(id, a) < keys.chunkKey(id, b)).toBe(before);
    }),
  );
});

test("any value makes a key that every store takes, and comes back unless it is very long", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 80 }), label, (value, uid) => {
      const key = keys.entryKey({ by: "check", values: ["ci", value] }, new Date(0), uid);
      expect(() => checkKey(key)).not.toThrow();
      const parsed = keys.parseEntryKey(key);
      expect(parsed).toMatchObject({ by: "check", runUid: uid, createdAt: new Date(0) });
      if (!key.includes("~")) expect(parsed?.values).toEqual(["ci", value.toWellFormed()]);
    }),
  );
});

test("long values that differ only at their end have different keys", () => {
  const a = keys.indexPrefix({ by: "check", values: ["ci", `${"x".repeat(500)}a`] });
  const b = keys.indexPrefix({ by: "check", values: ["ci", `${"x".repeat(500)}b`] });
  expect(a).not.toBe(b);
  expect(a.length).toBeLessThan(240);
});

test("newer runs sort first", () => {
  const at = (time: string) => keys.entryKey({ by: "namespace", values: ["ci"] }, new Date(time), "x");
  expect(at("2026-07-30T10:00:00Z") < at("2026-07-30T09:59:59Z")).toBe(true);
  expect(at("2026-07-30T10:00:00Z") < at("1969-01-01T00:00:00Z")).toBe(true);
  expect(
    keys.entriesBefore({ by: "namespace", values: ["ci"] }, new Date("2026-07-30T10:00:00Z")) <
      at("2026-07-30T10:00:00Z"),
  ).toBe(true);
});

test.each([
  "v2/runs/ci/0f6b/record.json",
  "v1/runs/ci/0f6b/other.json",
  "v1/runs/ci/0f6b/77aa/x/step-build/000000000001.log.zst",
  "v1/runs/ci/0f6b/77aa/1/step-build/1.log.zst",
  "v1/runs/ci/0f6b/77aa/1/step-build/000000000001",
  "v1/live/ci/0f6b/77aa/1/step-build/000000000001.log.zst",
  "v1/index/pull/x",
  "",
])("%s is none of ours", (key) => {
  expect(keys.parseKey(key)).toBeUndefined();
});
