import { describe, expect, test } from "vitest";
import type { Log, RunRecord } from "../../archive/record.ts";
import type { Pod, TaskRun, TaskRunStatus } from "../../collector/kubernetes/objects.ts";
import { describeRun } from "../../collector/tekton/describe.ts";
import { parseRepository, placeOf } from "../../collector/tekton/place.ts";
import { containerOutcome, outcomeOf } from "../../collector/tekton/status.ts";
import { whyOf } from "../../collector/tekton/why.ts";

describe("where a run belongs", () => {
  test.each([
    [
      "tektoncd's CI",
      {
        labels: { "tekton.dev/pr-number": "42", "tekton.dev/check-name": "pull-x", "prow.k8s.io/build-id": "1729" },
        annotations: {
          "tekton.dev/gitURL": "https://github.com/tektoncd/pipeline",
          "tekton.dev/gitRevision": "B81F2C0aa",
        },
      },
      {
        pull: 42,
        check: "pull-x",
        build: "1729",
        commit: "b81f2c0aa",
        repository: { url: "https://github.com/tektoncd/pipeline", path: "tektoncd/pipeline" },
      },
    ],
    [
      "Pipelines-as-Code, whose labels are mangled and whose annotations are true",
      {
        labels: { "pipelinesascode.tekton.dev/sha": "cut", "pipelinesascode.tekton.dev/original-prname": "a-b" },
        annotations: {
          "pipelinesascode.tekton.dev/sha": "0123456789ab",
          "pipelinesascode.tekton.dev/original-prname": "a:b",
          "pipelinesascode.tekton.dev/pull-request": "7",
          "pipelinesascode.tekton.dev/repo-url": "https://gitlab.example.com/group/sub/repo",
          "pipelinesascode.tekton.dev/event-type": "Merge Request",
        },
      },
      {
        pull: 7,
        check: "a:b",
        commit: "0123456789ab",
        event: "Merge Request",
        repository: { url: "https://gitlab.example.com/group/sub/repo", path: "group/sub/repo" },
      },
    ],
    ["a notification", { labels: { "ci.tekton.dev/source-taskrun-name": "x" } }, { notification: true }],
    ["nothing", {}, {}],
    [
      "odd values, which are left out",
      {
        labels: { "tekton.dev/pr-number": "-1" },
        annotations: { "tekton.dev/gitURL": "javascript:alert(1)//a/b", "tekton.dev/gitRevision": "main" },
      },
      {},
    ],
  ])("%s", (_, metadata, place) => {
    expect(placeOf(metadata)).toEqual(place);
  });

  test.each([
    ["git@github.com:org/repo.git", "org/repo"],
    ["ssh://git@host.example/org/repo.git", "org/repo"],
    ["https://user:secret@github.com/org/repo.git/", "org/repo"],
    ["https://github.com/org", undefined],
    ["https://github.com/org/../repo", undefined],
    ["https://github.com/o r/<script>", undefined],
    ["nonsense", undefined],
  ])("%s is %s", (address, path) => {
    const found = parseRepository(address);
    expect(found?.path).toBe(path);
    expect(found?.url ?? "").not.toContain("secret");
  });
});

describe("how something stands", () => {
  const condition = (status: string, reason: string) => [{ type: "Succeeded", status, reason }];
  test.each([
    [{}, "waiting"],
    [{ startTime: "t" }, "running"],
    [{ conditions: condition("Unknown", "Running"), startTime: "t" }, "running"],
    [{ conditions: condition("True", "Completed") }, "succeeded"],
    [{ conditions: condition("False", "TaskRunCancelled") }, "cancelled"],
    [{ conditions: condition("False", "PipelineRunTimeout") }, "timed-out"],
    [{ conditions: condition("False", "AReasonOfNextYear") }, "failed"],
  ])("%j is %s", (object, status) => {
    expect(outcomeOf(object).status).toBe(status);
  });

  test.each([
    [{ terminated: { exitCode: 0 } }, undefined, "succeeded"],
    [{ terminated: { exitCode: 1, reason: "Error" } }, "Skipped", "skipped"],
    [{ terminated: { exitCode: 1, reason: "TaskRunTimeout" } }, undefined, "timed-out"],
    [{ terminated: { exitCode: 7 } }, "Continued", "failed"],
    [{ running: {} }, undefined, "running"],
    [{}, undefined, "waiting"],
  ])("%j, %s is %s", (state, termination, status) => {
    expect(containerOutcome(state, termination).status).toBe(status);
  });
});

const meta = (name: string, uid: string) => ({
  name,
  namespace: "ci",
  uid,
  resourceVersion: "1",
  creationTimestamp: "2026-07-30T10:00:00Z",
});
const taskRun = (status: TaskRunStatus): TaskRun => ({ metadata: meta("t", "uid-t"), status });
const pod = (name: string, uid: string, status: Pod["status"] = {}, image = "busybox"): Pod => ({
  metadata: { ...meta(name, uid), labels: { "tekton.dev/taskRunUID": "uid-t" } },
  spec: {
    containers: [
      { name: "step-a", image: "busybox" },
      { name: "sidecar-s", image },
    ],
  },
  status,
});
const describeOne = (status: TaskRunStatus, pods: Pod[], before?: ReturnType<typeof describeRun>) =>
  describeRun({ taskRuns: [taskRun(status)], pods, gone: new Set() }, before, new Date(0));
const rows = (record: ReturnType<typeof describeRun>) =>
  record?.tasks[0]?.attempts.map((attempt) =>
    attempt.containers.map(({ name, restart, podUid, status }) => `${name}.${restart} ${podUid ?? "-"} ${status}`),
  );

describe("the containers of a run", () => {
  test("of a pod that the status does not name yet belong to the attempt that its name tells", () => {
    const retries = { podName: "t-pod", startTime: "t" };
    const record = describeOne({ retriesStatus: [retries] }, [pod("t-pod", "p0"), pod("t-pod-retry1", "p1")]);
    expect(rows(record)).toEqual([
      ["step-a.0 p0 waiting", "sidecar-s.0 p0 waiting"],
      ["step-a.0 p1 waiting", "sidecar-s.0 p1 waiting"],
    ]);
  });

  test("of a pod that was replaced under its name count on", () => {
    const first = describeOne({ podName: "t-pod" }, [pod("t-pod", "p0")]);
    const second = describeOne({ podName: "t-pod" }, [pod("t-pod", "p1")], first);
    expect(rows(second)).toEqual([
      ["step-a.0 p0 waiting", "step-a.1 p1 waiting", "sidecar-s.0 p0 waiting", "sidecar-s.1 p1 waiting"],
    ]);
    expect(rows(describeOne({ podName: "t-pod" }, [pod("t-pod", "p1")], second))).toEqual(rows(second));
  });

  test("stay when the pod is gone, and learn how they ended from the TaskRun", () => {
    const first = describeOne({ podName: "t-pod" }, [pod("t-pod", "p0")]);
    const status = { podName: "t-pod", steps: [{ name: "a", container: "step-a", terminated: { exitCode: 3 } }] };
    expect(rows(describeOne(status, [], first))).toEqual([["step-a.0 p0 failed", "sidecar-s.0 p0 waiting"]]);
  });

  test("do not take the steps of the attempt before for their own", () => {
    const steps = [{ name: "a", container: "step-a", terminated: { exitCode: 1, containerID: "old" } }];
    const running = { containerStatuses: [{ name: "step-a", containerID: "new", state: { running: {} } }] };
    const record = describeOne({ podName: "t-pod-retry1", retriesStatus: [{ podName: "t-pod", steps }], steps }, [
      pod("t-pod-retry1", "p1", running),
    ]);
    expect(rows(record)?.[1]?.[0]).toBe("step-a.0 p1 running");
  });

  test("of a sidecar that Tekton stopped are its own runs only, not the image that does nothing", () => {
    const status = {
      containerStatuses: [
        { name: "sidecar-s", restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 137 } } },
      ],
    };
    const spec = { podName: "t-pod", taskSpec: { sidecars: [{ name: "s", image: "busybox" }] } };
    expect(rows(describeOne(spec, [pod("t-pod", "p0", status, "nop")]))?.[0]?.slice(1)).toEqual([
      "sidecar-s.0 p0 failed",
    ]);
    expect(rows(describeOne(spec, [pod("t-pod", "p0", status)]))?.[0]?.slice(1)).toEqual([
      "sidecar-s.0 p0 failed",
      "sidecar-s.1 p0 running",
    ]);
  });

  test("that restarted unseen are there, the older ones as unknown", () => {
    const status = {
      containerStatuses: [
        { name: "step-a", restartCount: 2, state: { running: {} }, lastState: { terminated: { exitCode: 1 } } },
      ],
    };
    expect(rows(describeOne({ podName: "t-pod" }, [pod("t-pod", "p0", status)]))?.[0]?.slice(0, 3)).toEqual([
      "step-a.0 p0 unknown",
      "step-a.1 p0 failed",
      "step-a.2 p0 running",
    ]);
  });
});

describe("why a run failed", () => {
  const finding = (excerpt: string) => ({ line: 7, rule: "go-test", severity: "error" as const, excerpt });
  const why = (excerpt?: string) => {
    const steps = [{ name: "a", container: "step-a", terminated: { exitCode: 2 } }];
    const conditions = [{ type: "Succeeded", status: "False" as const, reason: "Failed", message: "it failed" }];
    const record = describeOne({ podName: "t-pod", steps, conditions }, [pod("t-pod", "p0")]) as RunRecord;
    const log = record.tasks[0]?.attempts[0]?.containers[0]?.log as Log;
    if (excerpt !== undefined)
      log.findings = { leading: finding(excerpt), findings: [finding(excerpt)], total: 1, severities: {} };
    return whyOf(record);
  };

  test.each([
    ["the exit code, where nobody has looked into the log", undefined, "a exited with code 2."],
    ["the line that explains it", "TestAdd: expected 3, got 4", "a exited with code 2: TestAdd: expected 3, got 4"],
    ["the beginning of a long line", "x".repeat(300), `a exited with code 2: ${"x".repeat(199)}…`],
    ["no half of a character", `${"x".repeat(198)}😀😀`, `a exited with code 2: ${"x".repeat(198)}…`],
  ])("%s", (_, excerpt, sentence) => {
    expect(why(excerpt)).toBe(sentence);
  });
});
