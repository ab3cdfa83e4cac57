import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { CoordinationV1Api, CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FINALIZER } from "../../../collector/finalizer.ts";
import { type Afterlog, type Cluster, digest, missing, openCluster, startAfterlog, until } from "./cluster.ts";

const why = missing();
const ROOT = resolve(import.meta.dirname, "../../..");
const OTHER = "example.org/other";

const printing = (name: string, seconds: number, finalizers: string[] = []) => `
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: { name: ${name}, finalizers: ${JSON.stringify(finalizers)} }
spec:
  taskSpec:
    steps:
      - name: say
        image: localhost/busybox:1
        script: for n in $(seq ${seconds}); do echo "${name} says $n"; sleep 1; done
`;

describe.skipIf(why)(`two collectors and pruners on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  let cluster: Cluster;
  let custom: CustomObjectsApi;
  let coordination: CoordinationV1Api;
  const afterlogs: Afterlog[] = [];
  const store = pathToFileURL(mkdtempSync(join(tmpdir(), "afterlog-sharing-"))).href;

  beforeAll(async () => {
    cluster = await openCluster();
    const config = new KubeConfig();
    config.loadFromDefault();
    custom = config.makeApiClient(CustomObjectsApi);
    coordination = config.makeApiClient(CoordinationV1Api);
    for (const AFTERLOG_REPLICA of ["one", "two"]) {
      afterlogs.push(
        await startAfterlog(cluster.namespace, store, {
          AFTERLOG_REPLICA,
          AFTERLOG_LEASE_NAMESPACE: cluster.namespace,
          AFTERLOG_FINALIZER_SECONDS: "120",
        }),
      );
    }
  });
  afterAll(async () => {
    for (const afterlog of afterlogs) await afterlog.stop();
    await cluster?.close();
  });

  const find = async (name: string) => {
    const { items } = (await custom.listNamespacedCustomObject({
      group: "tekton.dev",
      version: "v1",
      namespace: cluster.namespace,
      plural: "taskruns",
    })) as { items: { metadata: { name: string; finalizers?: string[]; deletionTimestamp?: string } }[] };
    return items.find(({ metadata }) => metadata.name === name)?.metadata;
  };
  const held = (name: string) =>
    until(`${name} to be held`, async () => (await find(name))?.finalizers?.includes(FINALIZER) ?? false);
  const leases = async () =>
    (await coordination.listNamespacedLease({ namespace: cluster.namespace })).items
      .flatMap(({ metadata }) => metadata?.name ?? [])
      .sort();

  test("each has a lease, and TaskRuns that are deleted while they print stay until their logs are whole", async () => {
    await until("both leases", async () => (await leases()).join() === "afterlog-one,afterlog-two");
    const names = ["a", "b", "c", "d"];
    for (const name of names) await cluster.apply(printing(name, 12));
    for (const name of names) await held(name);
    await until("all to print", async () => (await cluster.runs()).filter(({ lines }) => lines > 1).length >= 4);
    for (const name of names) await cluster.remove("taskruns", name);
    for (const name of names) expect((await find(name))?.deletionTimestamp).toBeDefined();
    await until("all to go", async () => (await Promise.all(names.map(find))).every((found) => !found), 90_000);
    for (const name of names) {
      const response = await (afterlogs[0] as Afterlog).get(`/logs/${cluster.namespace}/${name}-pod/step-say`);
      const archived = await digest(response.body as AsyncIterable<Uint8Array>);
      expect(archived).toEqual(await cluster.truth(`${name}-pod`, "step-say", 0));
      expect(archived.lines).toBe(12);
    }
  });

  test("one that is stopped takes its lease along; without any, a command takes the finalizers off", async () => {
    await cluster.apply(printing("left", 100, [OTHER]));
    await held("left");
    for (const afterlog of afterlogs.splice(0)) await afterlog.stop();
    expect(await leases()).toEqual([]);
    await cluster.remove("taskruns", "left");
    expect((await find("left"))?.finalizers).toEqual([OTHER, FINALIZER]);
    const env = { ...process.env, AFTERLOG_NAMESPACES: cluster.namespace };
    const { stdout } = await promisify(execFile)(process.execPath, ["collector/main.ts", "--remove-finalizers"], {
      cwd: ROOT,
      env,
    });
    expect(stdout).toBe(`Removed the finalizer ${FINALIZER} from 1 TaskRun.\n`);
    expect((await find("left"))?.finalizers).toEqual([OTHER]);
    await custom.patchNamespacedCustomObject({
      group: "tekton.dev",
      version: "v1",
      namespace: cluster.namespace,
      plural: "taskruns",
      name: "left",
      body: [{ op: "replace", path: "/metadata/finalizers", value: [] }],
    });
    await until("it to go", async () => (await find("left")) === undefined);
  });
});
