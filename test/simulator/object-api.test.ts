import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resources } from "./kubernetes-objects.ts";
import { parseLabelSelector } from "./label-selector.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { getJson, getText, openStream } from "./test-client.ts";

let sim: Simulator;
beforeEach(async () => {
  sim = await createSimulator();
});
afterEach(() => sim.close());

const taskRun = (name: string, labels: Record<string, string> = {}, namespace = "ci") =>
  sim.store.create(resources.taskruns, { apiVersion: "", kind: "", metadata: { name, namespace, labels } });

const label = (name: string, labels: Record<string, string>) =>
  sim.store.update(resources.taskruns, "ci", name, (object) => ({
    ...object,
    metadata: { ...object.metadata, labels },
  }));

const taskruns = "/apis/tekton.dev/v1/taskruns";
const events = (text: string): string[] =>
  text
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .map(({ type, object }) => `${type} ${object.metadata?.name ?? object.reason ?? ""}`.trim());

describe("label selectors", () => {
  const labels = { a: "1", "tekton.dev/taskRun": "x" };
  it.each([
    ["", true],
    ["a", true],
    ["!a", false],
    ["b", false],
    ["a=1", true],
    ["a==2", false],
    ["a!=2", true],
    ["a in (1,2)", true],
    ["a in (2, 3)", false],
    ["a notin (2,3)", true],
    ["a=1,tekton.dev/taskRun", true],
    ["a in (1,2),b", false],
  ])("%s", (text, expected) => {
    expect(parseLabelSelector(text)(labels)).toBe(expected);
  });
});

describe("reading objects", () => {
  it("answers the small questions of clients", async () => {
    expect((await getJson(`${sim.url}/version`)).gitVersion).toMatch(/^v1\./);
    expect((await getText(`${sim.url}/readyz`)).body).toBe("ok");
    expect((await getJson(`${sim.url}/apis/tekton.dev/v1`)).resources).toHaveLength(2);
    expect(await getText(`${sim.url}/bogus`)).toEqual({ status: 404, body: "404 page not found\n" });
  });

  it("gives a Status for what is not there", async () => {
    const url = `${sim.url}/apis/tekton.dev/v1/namespaces/ci/taskruns/nope`;
    expect(await getJson(url)).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'taskruns.tekton.dev "nope" not found',
      reason: "NotFound",
      details: { name: "nope", group: "tekton.dev", kind: "taskruns" },
      code: 404,
    });
  });

  it("lists by namespace and selector; only custom resources' items carry their kind", async () => {
    taskRun("a", { x: "1" });
    taskRun("b", {}, "other");
    sim.createPod({ name: "p" });
    const names = async (path: string) => (await getJson(sim.url + path)).items.map(({ metadata }) => metadata.name);
    expect(await names(taskruns)).toEqual(["a", "b"]);
    expect(await names("/apis/tekton.dev/v1/namespaces/other/taskruns")).toEqual(["b"]);
    expect(await names(`${taskruns}?labelSelector=x%3D1`)).toEqual(["a"]);
    expect(await names("/api/v1/namespaces")).toEqual(["ci", "default", "other"]);
    expect((await getJson(sim.url + taskruns)).items[0]?.kind).toBe("TaskRun");
    expect((await getJson(`${sim.url}/api/v1/pods`)).items[0]?.kind).toBeUndefined();
  });

  it("pages one moment's list, and refuses a token that is too old", async () => {
    for (const name of ["a", "b", "c"]) taskRun(name);
    const first = await getJson(`${sim.url}${taskruns}?limit=2`);
    expect(first.metadata.remainingItemCount).toBe(1);
    taskRun("d");
    const next = `${sim.url}${taskruns}?limit=2&continue=${first.metadata.continue}`;
    const second = await getJson(next);
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual(["c"]);
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion });
    sim.compact();
    expect(await getJson(next)).toMatchObject({ code: 410, reason: "Expired" });
    expect(await getJson(`${sim.url}${taskruns}?continue=zzz`)).toMatchObject({ code: 400, reason: "BadRequest" });
    expect(await getJson(`${sim.url}${taskruns}?resourceVersion=99999999`)).toMatchObject({ code: 504 });
  });

  it("injects a failing list once", async () => {
    sim.faults.add({ on: "list", resource: "taskruns", fault: { kind: "status", code: 503 } });
    expect(await getJson(sim.url + taskruns)).toMatchObject({ code: 503, reason: "ServiceUnavailable" });
    expect((await getText(sim.url + taskruns)).status).toBe(200);
  });
});

describe("changing objects", () => {
  it("merges a patch, null deletes", async () => {
    taskRun("a", { x: "1", y: "2" });
    const url = `${sim.url}/apis/tekton.dev/v1/namespaces/ci/taskruns/a`;
    const body = JSON.stringify({ metadata: { labels: { x: null, z: "3" } } });
    expect((await getJson(url, { method: "PATCH", body })).metadata.labels).toEqual({ y: "2", z: "3" });
  });

  it("holds an object by its finalizers", async () => {
    taskRun("a");
    const url = `${sim.url}/apis/tekton.dev/v1/namespaces/ci/taskruns/a`;
    await getJson(url, { method: "PATCH", body: JSON.stringify({ metadata: { finalizers: ["x/y"] } }) });
    await getJson(url, { method: "DELETE" });
    expect((await getJson(url)).metadata.deletionTimestamp).toBeDefined();
    await getJson(url, { method: "PATCH", body: JSON.stringify({ metadata: { finalizers: null } }) });
    expect((await getText(url)).status).toBe(404);
  });

  it("refuses a patch or a deletion of another version", async () => {
    taskRun("a");
    const url = `${sim.url}/apis/tekton.dev/v1/namespaces/ci/taskruns/a`;
    const patch = JSON.stringify({ metadata: { resourceVersion: "1" } });
    expect(await getJson(url, { method: "PATCH", body: patch })).toMatchObject({ code: 409 });
    const preconditions = JSON.stringify({ preconditions: { uid: "another" } });
    expect(await getJson(url, { method: "DELETE", body: preconditions })).toMatchObject({ code: 409 });
  });

  it("refuses what a fault says, for its verb and resource only", async () => {
    taskRun("a");
    const url = `${sim.url}/apis/tekton.dev/v1/namespaces/ci/taskruns/a`;
    const patch = JSON.stringify({ metadata: { labels: { x: "1" } } });
    sim.faults.add({ on: "write", verb: "patch", resource: "taskruns", fault: { kind: "status", code: 403 } });
    expect((await getJson(url)).metadata.name).toBe("a");
    expect(await getJson(url, { method: "PATCH", body: patch })).toMatchObject({ code: 403, reason: "Forbidden" });
    expect((await getJson(url, { method: "PATCH", body: patch })).metadata.labels).toEqual({ x: "1" });
  });
});

describe("watching", () => {
  const watch = (query: string) => openStream(`${sim.url}${taskruns}?watch=true&${query}`);

  it("goes on from a list's version, for several watchers", async () => {
    taskRun("a");
    const { resourceVersion } = (await getJson(sim.url + taskruns)).metadata;
    taskRun("b");
    const early = await watch(`resourceVersion=${resourceVersion}`);
    const late = await watch(`resourceVersion=${sim.store.version}`);
    label("a", { x: "1" });
    sim.store.remove(resources.taskruns, "ci", "b");
    await Promise.all([early.until("DELETED"), late.until("DELETED")]);
    expect(events(early.text())).toEqual(["ADDED b", "MODIFIED a", "DELETED b"]);
    expect(events(late.text())).toEqual(["MODIFIED a", "DELETED b"]);
  });

  it("begins with the present state when no version is asked for", async () => {
    taskRun("a");
    const stream = await watch("");
    taskRun("b");
    await stream.until('"b"');
    expect(events(stream.text())).toEqual(["ADDED a", "ADDED b"]);
  });

  it("turns selector transitions into ADDED and DELETED, with the event's version", async () => {
    taskRun("a", { x: "0" });
    const stream = await watch(`resourceVersion=${sim.store.version}&labelSelector=x%3D1`);
    label("a", { x: "1" });
    label("a", { x: "1", y: "1" });
    label("a", { x: "2" });
    await stream.until("DELETED");
    expect(events(stream.text())).toEqual(["ADDED a", "MODIFIED a", "DELETED a"]);
    const last = JSON.parse(stream.text().trimEnd().split("\n").at(-1) ?? "");
    expect(last.object.metadata).toMatchObject({ labels: { x: "1" }, resourceVersion: String(sim.store.version) });
  });

  it("says 410 in the stream for a version that is forgotten", async () => {
    taskRun("a");
    const { version } = sim.store;
    taskRun("b");
    sim.compact();
    const stream = await watch(`resourceVersion=${version}`);
    expect(stream.status).toBe(200);
    expect(JSON.parse(await stream.ended)).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410 } });
  });

  it("ends at timeoutSeconds with a bookmark", async () => {
    taskRun("a");
    const stream = await watch("resourceVersion=1000&timeoutSeconds=0.05&allowWatchBookmarks=true");
    const text = await stream.ended;
    expect(events(text)).toEqual(["ADDED a", "BOOKMARK"]);
    expect(JSON.parse(text.split("\n")[1] ?? "").object.metadata.resourceVersion).toBe(String(sim.store.version));
  });

  it.each([
    ["gone", ["ADDED a", "ERROR Expired"]],
    ["clean-eof", ["ADDED a"]],
  ] as const)("injects %s", async (kind, expected) => {
    sim.faults.add({ on: "watch", fault: { kind, afterEvents: 1 } });
    const stream = await watch("resourceVersion=1000");
    taskRun("a");
    expect(events(await stream.ended)).toEqual(expected);
  });

  it("injects objects without status, labels or metadata, and goes on", async () => {
    sim.faults.add({ on: "watch", fault: { kind: "odd-object", afterEvents: 0 } });
    const { version } = sim.store;
    taskRun("a");
    const stream = await watch(`resourceVersion=${version}`);
    await stream.until('"name":"a"');
    const [odd, bare, none, real] = stream
      .text()
      .split("\n", 4)
      .map((line) => JSON.parse(line));
    expect(odd).toMatchObject({ type: "ADDED", object: { kind: "TaskRun", status: null, metadata: { name: "odd" } } });
    expect(odd.object.metadata.resourceVersion).toBe(String(version));
    expect(Object.keys(odd.object.metadata.labels)).toContain("__proto__");
    expect(bare.object.metadata).not.toHaveProperty("labels");
    expect(none).toEqual({ type: "ADDED", object: { apiVersion: "tekton.dev/v1", kind: "TaskRun" } });
    expect(real.object.metadata.name).toBe("a");
  });

  it("injects a broken line, a reset and an HTTP status", async () => {
    sim.faults.add({ on: "watch", fault: { kind: "malformed-line", afterEvents: 0 } });
    await (await watch("resourceVersion=1000")).until('{"kind":"Po\n');
    sim.faults.add({ on: "watch", fault: { kind: "drop", afterEvents: 1 } });
    const dropped = await watch("resourceVersion=1000");
    taskRun("a");
    await expect(dropped.ended).rejects.toThrow();
    sim.faults.add({ on: "watch", fault: { kind: "status", code: 500 } });
    expect((await watch("")).status).toBe(500);
  });
});
