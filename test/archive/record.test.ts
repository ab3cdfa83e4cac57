import { describe, expect, test } from "vitest";
import { entriesOf } from "../../archive/entry.ts";
import { ArchiveError } from "../../archive/error.ts";
import type { Finding, Findings } from "../../archive/findings.ts";
import { type Log, parseRecord, type RunRecord } from "../../archive/record.ts";
import { RunWriter } from "../../archive/run-writer.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";

const record: RunRecord = {
  version: 1,
  final: false,
  updatedAt: "2026-07-30T10:00:00Z",
  run: {
    kind: "PipelineRun",
    namespace: "ci",
    name: "hello",
    uid: "0f6b",
    createdAt: "2026-07-30T09:00:00Z",
    labels: {},
    annotations: {},
    status: "failed",
  },
  place: { repository: { url: "https://github.com/Org/Repo", path: "Org/Repo" }, pull: 42 },
  tasks: [],
  skipped: [],
  entries: [],
};
const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

function thrown(action: () => unknown): ArchiveError {
  try {
    action();
  } catch (error) {
    if (error instanceof ArchiveError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("a record comes back as it was written", () => {
  expect(parseRecord(bytes(record), "key")).toEqual(record);
});

describe("a log's findings", () => {
  const finding: Finding = { line: 812, rule: "go-test", severity: "error", excerpt: "--- FAIL: TestAdd", lines: 2 };
  const found: Findings = { leading: finding, findings: [finding], total: 3, severities: { error: 4 } };
  const withFindings = (findings: unknown): RunRecord => {
    const log = { state: "whole", lines: 900, bytes: 9000, gaps: [], segments: [], findings } as Log;
    const container = { name: "step-unit", kind: "step", title: "unit", restart: 0, status: "failed", log } as const;
    const attempt = { number: 0, status: "failed", containers: [container] } as const;
    const task = { name: "test", taskRun: { name: "t", uid: "1" }, status: "failed", attempts: [attempt] };
    return { ...record, tasks: [task as unknown as RunRecord["tasks"][number]] };
  };

  test.each([
    ["come back as they were written", found],
    ["may be severities alone", { findings: [], total: 0, severities: {} }],
    ["may be missing, as in records that are older", undefined],
  ])("%s", (_, findings) => {
    expect(parseRecord(bytes(withFindings(findings)), "key")).toEqual(withFindings(findings));
  });

  test.each([
    ["a line that is no number", { ...found, leading: { ...finding, line: "<b>" } }, "leading.line"],
    ["an excerpt that is no text", { ...found, findings: [{ ...finding, excerpt: {} }] }, "findings.0.excerpt"],
    ["counts that are none", { ...found, severities: { error: -1 } }, "severities.error"],
  ])("%s is refused", (_, findings, where) => {
    const error = thrown(() => parseRecord(bytes(withFindings(findings)), "key"));
    expect([error.kind, error.message]).toEqual(["damaged", expect.stringContaining(where)]);
  });
});

describe("what is no record is refused, with its key and what is wrong", () => {
  test.each([
    ["truncated", JSON.stringify(record).slice(0, 50), "damaged", "v1/x is not JSON: it is truncated"],
    ["foreign", { hello: "world" }, "damaged", "v1/x is not what Afterlog writes there at version"],
    [
      "of a later version",
      { ...record, version: 2 },
      "future",
      "v1/x has version 2, this Afterlog knows up to 1: upgrade it",
    ],
    [
      "without a name",
      { ...record, run: { ...record.run, name: 7 } },
      "damaged",
      "v1/x is not what Afterlog writes there at run.name",
    ],
    ["null", "null", "damaged", "v1/x is not what Afterlog writes there"],
    ["empty", "", "damaged", "v1/x is not JSON"],
  ])("%s", (_, value, kind, message) => {
    const error = thrown(() => parseRecord(bytes(value), "v1/x"));
    expect(error.kind).toBe(kind);
    expect(error.message).toContain(message);
  });
});

describe("the final record", () => {
  const run = { namespace: "ci", runUid: "0f6b" };

  test("is created once: a latecomer's lesser one changes nothing", async () => {
    const store = memoryStore();
    const runs = new RunWriter(store);
    await runs.update(record, undefined);
    expect(await runs.load(run)).toEqual(record);
    const final = { ...record, final: true };
    expect(await runs.finalize(final, record)).toBe(true);
    expect(await runs.finalize({ ...final, why: "I know less." }, record)).toBe(false);
    expect(await runs.load(run)).toEqual(final);
  });

  test("is found by every entry, and is open until it is tidied up", async () => {
    const store = memoryStore();
    const runs = new RunWriter(store);
    await runs.update(record, undefined);
    await runs.finalize({ ...record, final: true }, record);
    const keys = async () => (await Array.fromAsync(store.list(""))).map((item) => item.key);
    expect(await keys()).toEqual([
      "v1/index/name/ci/PipelineRun/hello/8214597999999-0f6b.json",
      "v1/index/namespace/ci/8214597999999-0f6b.json",
      "v1/index/open/ci/8214597999999-0f6b.json",
      "v1/index/pull/org%2Frepo/42/8214597999999-0f6b.json",
      "v1/index/repository/org%2Frepo/8214597999999-0f6b.json",
      "v1/runs/ci/0f6b/record.json",
      "v1/runs/ci/0f6b/running.json",
    ]);
    await runs.cleanUp(record);
    expect(await keys()).not.toContain("v1/index/open/ci/8214597999999-0f6b.json");
    expect(await keys()).not.toContain("v1/runs/ci/0f6b/running.json");
  });
});

test("a run that only reports about another is found by its name and namespace alone", () => {
  const keys = [...entriesOf({ ...record, place: { ...record.place, notification: true } }).keys()];
  expect(keys.map((key) => key.split("/")[2])).toEqual(["name", "namespace"]);
});
