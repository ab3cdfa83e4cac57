import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { type Container, containersOf, type RunRecord } from "../../../archive/record.ts";
import { CLUSTER, type Cluster, newestLogs, openCluster, until } from "./cluster.ts";
import { type Oracle, openOracle } from "./oracle.ts";

const execute = promisify(execFile);
export const program = (...args: string[]) => execute(CLUSTER, args, { maxBuffer: 1 << 24 });

/** About 500 lines a second, every second one the same, until a file is there; at most two minutes. */
export const printUntil = (file: string) => `
i=0
until [ -e ${file} ] || [ $i -ge 30000 ]; do
  echo "line $i"; echo same; i=$((i+1))
  [ $((i % 20)) -eq 0 ] && usleep 80000
done
`;
export const PRINT = printUntil("/tmp/stop");
export const step = (script = PRINT, more: object = {}) => ({
  name: "print",
  image: "localhost/busybox:1",
  script: `#!/bin/sh\n${script}`,
  ...more,
});
export const taskRun = (name: string, taskSpec: object, spec: object = {}) => ({
  apiVersion: "tekton.dev/v1",
  kind: "TaskRun",
  metadata: { name },
  spec: { taskSpec, ...spec },
});

export const steps = (record: RunRecord): Container[] =>
  [...containersOf(record)].flatMap(({ container }) => (container.kind === "step" ? container : []));

const newStore = () => pathToFileURL(mkdtempSync(join(tmpdir(), "afterlog-faults-"))).href;

export type World = { cluster: Cluster; store: string; oracle: Oracle; close(): Promise<void> };

/** A namespace and a store of its own, and the truth about it; no Afterlog yet. */
export async function openWorld(): Promise<World> {
  const cluster = await openCluster();
  const store = newStore();
  return {
    cluster,
    store,
    oracle: await openOracle(cluster, store),
    async close() {
      await cluster.close();
      rmSync(fileURLToPath(store), { recursive: true });
    },
  };
}

/**
 * So many lines in the archive say that the container's follow is open. Until its container runs, the node's own time
 * counts (images, volumes, Tekton's entrypoint on a busy machine), after that Afterlog's.
 */
export async function archiving(
  world: World,
  run: { name: string; uid: string },
  container = "step-print",
  lines = 200,
): Promise<void> {
  const { cluster, oracle } = world;
  const label = { namespace: cluster.namespace, labelSelector: `tekton.dev/taskRunUID=${run.uid}` };
  const statuses = async () =>
    (await cluster.core.listNamespacedPod(label)).items.map(({ status }) => ({
      phase: status?.phase,
      conditions: status?.conditions?.filter(({ status }) => status !== "True"),
      containers: status?.containerStatuses?.map(({ name, state }) => ({ name, state })),
    }));
  const archived = () => oracle.lines(run.uid, container);
  const isFollowed = async () => (await archived()) >= lines;
  const diagnosis = async (error: unknown) => {
    const printed = (await cluster.runs()).filter((one) => one.pod.startsWith(run.name) && one.container === container);
    const facts = { archived: await archived(), printed, pods: await statuses(), logs: newestLogs() };
    throw new Error(`${error}: ${JSON.stringify(facts, undefined, 1)}`);
  };
  const begins = async () =>
    (await isFollowed()) ||
    (await statuses()).some(({ containers = [] }) =>
      containers.some(({ name, state }) => name === container && state?.running !== undefined),
    );
  await until(`${container} of ${run.name} to run`, begins, 180_000).catch(diagnosis);
  await until(`${lines} lines of ${container} of ${run.name}`, isFollowed, 90_000).catch(diagnosis);
}

/** After a fault: as many lines as before and more come into the archive. */
export async function goesOn(world: World, run: { name: string; uid: string }): Promise<void> {
  await archiving(world, run, "step-print", (await world.oracle.lines(run.uid, "step-print")) + 300);
}

export async function touch({ cluster }: World, run: { name: string }, file: string): Promise<void> {
  const exec = ["kubectl", "-n", cluster.namespace, "exec", `${run.name}-pod`, "-c", "step-print", "--"];
  await program(...exec, "touch", file);
}
/** Lets the step print its last line. */
export const stop = (world: World, run: { name: string }) => touch(world, run, "/tmp/stop");

/** Tekton gives the run up, or goes on in another pod, which is then let to its end. */
export async function givenUpOrStopped(world: World, run: { name: string; uid: string }): Promise<RunRecord> {
  const { oracle } = world;
  const before = await oracle.lines(run.uid, "step-print");
  let isFinal = false;
  await until("the run to end or to go on", async () => {
    isFinal = (await oracle.record(run.uid))?.final === true;
    return isFinal || (await oracle.lines(run.uid, "step-print")) >= before + 300;
  });
  if (!isFinal) await stop(world, run);
  return oracle.finished(run.uid);
}

export async function whole({ oracle }: World, ...records: RunRecord[]): Promise<void> {
  expect(await oracle.violations(...records)).toEqual([]);
  const logs = records.flatMap((record) => steps(record).map(({ log }) => ({ state: log.state, gaps: log.gaps })));
  expect(logs).toEqual(logs.map(() => ({ state: "whole", gaps: [] })));
}

/** What the node's files hold of a step is what it printed: its numbers leave none out. */
export async function truthIsWhole({ cluster }: World, record: RunRecord, container = "step-print"): Promise<string[]> {
  const runs = (await cluster.runs()).filter(
    (run) => run.pod.startsWith(`${record.run.name}-pod`) && run.container === container && run.restart === 0,
  );
  expect(runs.length).toBeGreaterThan(0);
  for (const run of runs) {
    const texts = (await cluster.printed(run)).map((line) => line.slice(line.indexOf(" ") + 1));
    expect(texts.filter((text) => text !== "same")).toEqual(
      Array.from({ length: Math.ceil(texts.length / 2) }, (_, i) => `line ${i}`),
    );
  }
  return runs.map(({ uid }) => uid);
}
