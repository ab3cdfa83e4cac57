import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import type { PipelineRunScript, StepScript } from "./script.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { getJson, openStream } from "./test-client.ts";

const start = Date.parse("2026-11-01T00:00:00Z");
const clock = () => manualClock(start);
const endless: StepScript = {
  name: "loop",
  *lines() {
    for (;;) yield { text: "tick", afterMs: 1000 };
  },
};

let sim: Simulator;
let time: ReturnType<typeof clock>;
beforeEach(async () => {
  time = clock();
  sim = await createSimulator({ clock: time });
});
afterEach(() => sim.close());

const tekton = (path: string) => getJson(`${sim.url}/apis/tekton.dev/v1/namespaces/ci/${path}`);
const pod = (name: string) => getJson(`${sim.url}/api/v1/namespaces/ci/pods/${name}`);
const pipelineRun = (script: Omit<PipelineRunScript, "kind" | "namespace">): PipelineRunScript => ({
  kind: "PipelineRun",
  namespace: "ci",
  ...script,
});

describe("a PipelineRun", () => {
  it("plays tasks in order, then finally, with Tekton's labels and owners", async () => {
    const script = pipelineRun({
      name: "hello",
      labels: { "tekton.dev/check-name": "pull-hello" },
      annotations: { "tekton.dev/gitURL": "https://github.com/example/project" },
      tasks: [
        { name: "test", runAfter: ["build"], steps: [{ name: "unit", lines: ["ok"] }] },
        {
          name: "build",
          steps: [
            { name: "compile", lines: ["a"] },
            { name: "link", lines: ["b"] },
          ],
        },
      ],
      finally: [{ name: "report", steps: [{ name: "say" }] }],
    });
    const handle = sim.run(script);
    await time.runUntil(handle.done);
    const run = await tekton("pipelineruns/hello");
    expect(run.status.conditions[0]).toMatchObject({
      status: "True",
      reason: "Succeeded",
      message: "Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0",
    });
    expect(run.status.childReferences.map(({ name }) => name)).toEqual(["hello-build", "hello-test", "hello-report"]);
    expect(run.status.pipelineSpec.tasks.map(({ name }) => name)).toEqual(["test", "build"]);

    const taskRun = await tekton("taskruns/hello-report");
    expect(taskRun.metadata.labels).toEqual({
      "app.kubernetes.io/managed-by": "tekton-pipelines",
      "tekton.dev/check-name": "pull-hello",
      "tekton.dev/memberOf": "finally",
      "tekton.dev/pipeline": "hello",
      "tekton.dev/pipelineRun": "hello",
      "tekton.dev/pipelineRunUID": run.metadata.uid,
      "tekton.dev/pipelineTask": "report",
    });
    expect(taskRun.metadata.ownerReferences?.[0]).toMatchObject({ kind: "PipelineRun", uid: run.metadata.uid });
    const { metadata } = await pod("hello-report-pod");
    expect(metadata.ownerReferences?.[0]).toMatchObject({ kind: "TaskRun", uid: taskRun.metadata.uid });
    expect(metadata.labels?.["tekton.dev/taskRunUID"]).toBe(taskRun.metadata.uid);
    expect(metadata.annotations?.["tekton.dev/gitURL"]).toBe("https://github.com/example/project");
    expect(sim.truths({ container: "step-link" })[0]?.lines[0]).toMatch(/^2026-11-01T00:00:00.\d{9}Z b$/);
    expect(sim.truths({ container: "prepare" })[0]?.lines[0]).toMatch(/Entrypoint initialization$/);
  });

  it("skips, ignores, multiplies and stops as Tekton does", async () => {
    const script = pipelineRun({
      name: "shapes",
      tasks: [
        { name: "never", skipped: { reason: "When Expressions evaluated to false" }, steps: [] },
        { name: "soft", onError: "continue", steps: [{ name: "fails", exitCode: 1 }] },
        {
          name: "platforms",
          matrix: { os: ["linux", "mac"] },
          steps: ({ params }) => [{ name: "say", lines: [`for ${params.os}`] }],
        },
        { name: "bad", runAfter: ["soft"], steps: [{ name: "fails", lines: ["oh"], exitCode: 3 }, { name: "next" }] },
        { name: "later", runAfter: ["bad"], steps: [{ name: "x" }] },
      ],
    });
    await time.runUntil(sim.run(script).done);
    const { status } = await tekton("pipelineruns/shapes");
    expect(status.conditions[0]).toMatchObject({
      status: "False",
      reason: "Failed",
      message: "Tasks Completed: 3 (Failed: 2 (Ignored: 1), Cancelled 0), Skipped: 2",
    });
    expect(status.skippedTasks).toEqual([
      { name: "never", reason: "When Expressions evaluated to false" },
      { name: "later", reason: "PipelineRun was stopping" },
    ]);
    expect(
      sim.truths({ container: "step-say" }).map(({ pod: name, lines }) => `${name} ${lines[0]?.slice(31)}`),
    ).toEqual(["shapes-platforms-0-pod for linux", "shapes-platforms-1-pod for mac"]);
    expect((await tekton("taskruns/shapes-platforms-1")).spec.params).toEqual([{ name: "os", value: "mac" }]);
    const bad = (await tekton("taskruns/shapes-bad")).status;
    expect(bad.conditions[0]).toMatchObject({
      reason: "StepFailed",
      message: '"step-fails" exited with code 3: Error',
    });
    expect(bad.steps).toMatchObject([
      { container: "step-fails", terminated: { exitCode: 3, reason: "Error" }, terminationReason: "Error" },
      { container: "step-next", terminated: { exitCode: 1, reason: "Error" }, terminationReason: "Skipped" },
    ]);
  });

  it("is cancelled by spec.status: pods are deleted at once, open follows see the last line", async () => {
    const handle = sim.run(pipelineRun({ name: "long", tasks: [{ name: "a", steps: [endless] }] }));
    await time.advance(3000);
    const url = `${sim.url}/api/v1/namespaces/ci/pods/long-a-pod/log?container=step-loop&follow=true&timestamps=true`;
    const stream = await openStream(url);
    const pods = await openStream(`${sim.url}/api/v1/pods?watch=true&resourceVersion=${sim.store.version}`);
    await getJson(`${sim.url}/apis/tekton.dev/v1/namespaces/ci/pipelineruns/long`, {
      method: "PATCH",
      body: JSON.stringify({ spec: { status: "Cancelled" } }),
    });
    await time.runUntil(handle.done);
    expect(await stream.ended).toBe(sim.truths({ container: "step-loop" })[0]?.bytes.toString());
    await pods.until("DELETED");
    expect((await tekton("pipelineruns/long")).status.conditions[0]).toMatchObject({
      reason: "Cancelled",
      message: 'PipelineRun "long" was cancelled',
    });
    expect((await tekton("taskruns/long-a")).status.steps[0]).toMatchObject({
      terminated: { exitCode: 1, reason: "TaskRunCancelled" },
      terminationReason: "TaskRunCancelled",
    });
  });

  it("takes its TaskRuns and pods along when it is deleted", async () => {
    const handle = sim.run(pipelineRun({ name: "long", tasks: [{ name: "a", steps: [endless] }] }));
    await time.advance(3000);
    handle.delete();
    await time.runUntil(handle.done);
    expect((await tekton("taskruns")).items).toEqual([]);
    expect((await tekton("pipelineruns")).items).toEqual([]);
    expect((await pod("long-a-pod")).code).toBe(404);
  });
});

describe("a TaskRun", () => {
  it("goes on after a step that may fail; the container's own exit code hides it", async () => {
    const steps: StepScript[] = [{ name: "fails", onError: "continue", exitCode: 7 }, { name: "goes-on" }];
    await time.runUntil(
      sim.run({ kind: "TaskRun", namespace: "ci", name: "soft", task: { name: "soft", steps } }).done,
    );
    expect((await tekton("taskruns/soft")).status).toMatchObject({
      conditions: [{ reason: "Succeeded" }],
      steps: [
        { terminated: { exitCode: 7, reason: "Completed" }, terminationReason: "Continued" },
        { terminated: { exitCode: 0, reason: "Completed" }, terminationReason: "Completed" },
      ],
    });
    expect((await pod("soft-pod")).status.phase).toBe("Succeeded");
  });

  it("retries in a new pod; the first attempt's sidecar goes on, the last one's becomes nop", async () => {
    const handle = sim.run({
      kind: "TaskRun",
      namespace: "ci",
      name: "flaky",
      task: {
        name: "flaky",
        retries: 1,
        sidecars: [{ ...endless, name: "server" }],
        steps: ({ attempt }) => [{ name: "unit", lines: [`attempt ${attempt}`], exitCode: attempt === 0 ? 1 : 0 }],
      },
    });
    await time.runUntil(handle.done);
    const { status } = await tekton("taskruns/flaky");
    expect(status).toMatchObject({ podName: "flaky-pod-retry1", conditions: [{ reason: "Succeeded" }] });
    expect(status.retriesStatus).toMatchObject([
      { podName: "flaky-pod", conditions: [{ reason: "StepFailed" }], sidecars: [{ running: {} }] },
    ]);
    expect(status.retriesStatus[0]?.retriesStatus).toBeUndefined();
    // A failed attempt that is retried was never the TaskRun's own condition.
    const reasons = sim.store.eventsAfter(0).map(({ object }) => object.status?.conditions as { reason: string }[]);
    const seen = new Set(reasons.map((conditions) => conditions?.[0]?.reason));
    expect(seen).toContain("ToBeRetried");
    expect(seen).not.toContain("StepFailed");

    await time.advance(30_500);
    expect((await pod("flaky-pod-retry1")).status.containerStatuses[0]).toMatchObject({
      name: "sidecar-server",
      restartCount: 1,
      image: "localhost/tekton-nop:1",
      lastState: { terminated: { exitCode: 137 } },
    });
    await time.runUntil(handle.settled);
    expect((await pod("flaky-pod-retry1")).status.containerStatuses[0]?.lastState).toEqual({});
    expect((await pod("flaky-pod")).status.phase).toBe("Running");
    expect((await tekton("taskruns/flaky")).status.sidecars[0]?.terminated.message).toMatch(/nop image/);
    const [last] = handle.pods().slice(-1);
    expect(last && sim.truth(last, "sidecar-server", 0).lines.length).toBeGreaterThan(25);
  });

  it("lets every step's container run at once, silent until its turn", async () => {
    sim.run({
      kind: "TaskRun",
      namespace: "ci",
      name: "two",
      task: { name: "two", steps: [endless, { name: "next" }] },
    });
    await time.advance(5000);
    const { containerStatuses } = (await pod("two-pod")).status;
    expect(containerStatuses.map((status) => [status.name, Object.keys(status.state)])).toEqual([
      ["step-loop", ["running"]],
      ["step-next", ["running"]],
    ]);
    expect(sim.truths({ container: "step-next" })[0]?.lines).toEqual([]);
  });

  it.each([
    [{ timeoutMs: 8000 }, "TaskRunTimeout", 'TaskRun "x" failed to finish within "8s"'],
    [
      { imagePullFailure: { message: "no such image" } },
      "TaskRunImagePullFailed",
      'the step "loop" in TaskRun "x" failed to pull the image "". The pod errored with the message: "Back-off pulling image "localhost/busybox:1"."',
    ],
  ])("loses its pod: %o", async (more, reason, message) => {
    const handle = sim.run({
      kind: "TaskRun",
      namespace: "ci",
      name: "x",
      task: { name: "x", steps: [endless], ...more },
    });
    await time.runUntil(handle.done);
    expect((await tekton("taskruns/x")).status.conditions[0]).toMatchObject({ status: "False", reason, message });
    expect((await pod("x-pod")).code).toBe(404);
  });

  it("gets a new pod of the same name when its pod is deleted by force", async () => {
    const handle = sim.run({ kind: "TaskRun", namespace: "ci", name: "x", task: { name: "x", steps: [endless] } });
    await time.advance(2000);
    await getJson(`${sim.url}/api/v1/namespaces/ci/pods/x-pod?gracePeriodSeconds=0`, { method: "DELETE" });
    await time.advance(2000);
    expect(handle.pods().map(({ name }) => name)).toEqual(["x-pod", "x-pod"]);
    expect((await pod("x-pod")).metadata.uid).toBe(handle.pods()[1]?.uid);
  });

  it("fails when its pod is evicted", async () => {
    const handle = sim.run({ kind: "TaskRun", namespace: "ci", name: "x", task: { name: "x", steps: [endless] } });
    await time.advance(2000);
    for (const victim of handle.pods()) sim.evict(victim);
    await time.runUntil(handle.done);
    expect((await tekton("taskruns/x")).status.conditions[0]?.reason).toBe("PodEvicted");
  });
});

it("inserts a run that happened long ago, at once and readable", async () => {
  const script = pipelineRun({
    name: "nightly",
    tasks: [{ name: "a", steps: [{ name: "s", paceMs: 60_000, lines: ["one", "two", "three"] }] }],
  });
  await sim.insertHistory(script, Date.parse("2026-10-01T02:00:00Z"));
  const { metadata, status } = await tekton("pipelineruns/nightly");
  expect(metadata.creationTimestamp).toBe("2026-10-01T02:00:00Z");
  expect(status.completionTime).toBe("2026-10-01T02:03:00Z");
  const url = `${sim.url}/api/v1/namespaces/ci/pods/nightly-a-pod/log?container=step-s&timestamps=true&tailLines=1`;
  expect(await (await fetch(url)).text()).toMatch(/^2026-10-01T02:03:00\.\d{9}Z three\n$/);
  expect((await pod("nightly-a-pod")).metadata.creationTimestamp).toBe("2026-10-01T02:00:00Z");
});
