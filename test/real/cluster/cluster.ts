import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  loadYaml,
} from "@kubernetes/client-node";
import type { RunRecord } from "../../../archive/record.ts";

/** `truth` of the test cluster: what containers really printed, from the node's files. */
const TRUTH = process.env.AFTERLOG_TEST_TRUTH ?? resolve(import.meta.dirname, "../../../../shared/cluster/truth");
const EXAMPLES = resolve(TRUTH, "../examples");
const execute = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../../..");
/** The test cluster's own program: its kubectl, its parts, images without a registry. */
export const CLUSTER = process.env.AFTERLOG_TEST_CLUSTER ?? resolve(ROOT, "../shared/cluster/cluster");

/** Why these tests cannot run here; undefined when they can. In CI nothing may be missing. */
export function missing(): string | undefined {
  const why = !process.env.KUBECONFIG
    ? "KUBECONFIG names no cluster with Tekton"
    : !existsSync(TRUTH) && "AFTERLOG_TEST_TRUTH names no `truth` program for it";
  if (why && process.env.CI) throw new Error(`the cluster tests cannot run: ${why}`);
  return why || undefined;
}

/** As `missing`, for tests that use the test cluster's program as well. */
export function missingProgram(): string | undefined {
  const why = missing() ?? (existsSync(CLUSTER) ? undefined : "AFTERLOG_TEST_CLUSTER names no `cluster` program");
  if (why && process.env.CI) throw new Error(`the cluster tests cannot run: ${why}`);
  return why;
}

export type Cluster = Awaited<ReturnType<typeof openCluster>>;

/** The real cluster, with a namespace of its own and the truth recorded from now on. */
export async function openCluster() {
  const config = new KubeConfig();
  config.loadFromDefault();
  const core = config.makeApiClient(CoreV1Api);
  const custom = config.makeApiClient(CustomObjectsApi);
  const objects = config.makeApiClient(KubernetesObjectApi);
  const namespace = `afterlog-${randomBytes(4).toString("hex")}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await until("the namespace's service account", async () => {
    const { items } = await core.listNamespacedServiceAccount({ namespace });
    return items.length > 0;
  });
  const folder = mkdtempSync(join(tmpdir(), "afterlog-truth-"));
  const recorder = spawn(TRUTH, ["record", folder], { stdio: ["ignore", "inherit", "inherit"] });
  const tekton = { group: "tekton.dev", version: "v1", namespace };

  return {
    namespace,
    core,
    /** Applies an example of the test cluster in this namespace; its generated name comes back. */
    async example(file: string): Promise<string> {
      return this.apply(readFileSync(join(EXAMPLES, file), "utf8"));
    },
    async apply(yaml: string): Promise<string> {
      return (await this.create(loadYaml(yaml) as NewObject)).name;
    },
    /** Creates an object in this namespace: its name, and the UID that tells it from others of that name. */
    async create(object: NewObject): Promise<{ name: string; uid: string }> {
      const body: KubernetesObject = { ...object, metadata: { ...object.metadata, namespace } };
      const { metadata } = await objects.create(body);
      return { name: metadata?.name ?? "", uid: metadata?.uid ?? "" };
    },
    async cancel(taskRun: string): Promise<void> {
      const body = [{ op: "add", path: "/spec/status", value: "TaskRunCancelled" }];
      await custom.patchNamespacedCustomObject({ ...tekton, plural: "taskruns", name: taskRun, body });
    },
    async remove(plural: "taskruns" | "pipelineruns", name: string): Promise<void> {
      await custom.deleteNamespacedCustomObject({ ...tekton, plural, name });
    },
    async podNames(): Promise<string[]> {
      return (await core.listNamespacedPod({ namespace })).items.flatMap((pod) => pod.metadata?.name ?? []);
    },
    /** Number of bytes and SHA-256 of what a container printed, times in front. */
    truth: (pod: string, container: string, restart: number) => printed(folder, namespace, pod, container, restart),
    /** The lines that one container run printed, times in front, bytes as Latin-1; none if nothing was recorded. */
    async printed(run: PrintedRun): Promise<string[]> {
      if (this.logFiles(run) === 0) return [];
      const { pod, uid, container, restart } = run;
      const args = ["print", folder, namespace, pod, container, "--uid", uid, "--restart", `${restart}`];
      const { stdout } = await execute(TRUTH, args, { maxBuffer: 1 << 29, encoding: "latin1" });
      return stdout.split("\n").slice(0, -1);
    },
    /** How many files the container run's log has been by now: each but the first is a rotation. */
    logFiles({ pod, uid, container, restart }: PrintedRun): number {
      const files = join(folder, `${namespace}_${pod}_${uid}`, container, `${restart}`);
      return existsSync(files) ? readdirSync(files).length : 0;
    },
    /** Every container run that wrote anything: pod, its UID, container, restart. */
    async runs(): Promise<(PrintedRun & { lines: number })[]> {
      const { stdout } = await execute(TRUTH, ["list", folder], { maxBuffer: 1 << 26 });
      return stdout
        .split("\n")
        .map((row) => row.split(" "))
        .filter(([ns]) => ns === namespace)
        .map(([, pod = "", uid = "", container = "", restart, lines]) => ({
          pod,
          uid,
          container,
          restart: Number(restart),
          lines: Number(lines),
        }));
    },
    async close(): Promise<void> {
      await end(recorder, "SIGTERM");
      rmSync(folder, { recursive: true });
      await core.deleteNamespace({ name: namespace });
    },
  };
}

type NewObject = { apiVersion: string; kind: string; metadata: { name?: string }; spec?: unknown };

/** One container run on the node. `restart` is Kubernetes' own count within the pod. */
export type PrintedRun = { pod: string; uid: string; container: string; restart: number };

export type Digest = { bytes: number; lines: number; sha256: string; endsInNewline: boolean };

/** Of a stream, without ever holding it. */
export async function digest(stream: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash("sha256");
  const sum = { bytes: 0, lines: 0 };
  let held = Buffer.alloc(0);
  // The last byte is hashed apart: truth ends every line, a log may end without.
  for await (const part of stream) {
    const bytes = Buffer.concat([held, part]);
    held = bytes.subarray(bytes.byteLength - 1);
    const body = bytes.subarray(0, bytes.byteLength - 1);
    hash.update(body);
    sum.bytes += body.byteLength;
    for (let at = body.indexOf(10); at !== -1; at = body.indexOf(10, at + 1)) sum.lines++;
  }
  const endsInNewline = held[0] === 10;
  if (held.byteLength > 0 && !endsInNewline) {
    hash.update(held);
    sum.bytes += held.byteLength;
  }
  if (held.byteLength > 0) sum.lines++;
  return { ...sum, sha256: hash.digest("hex"), endsInNewline };
}

async function printed(
  folder: string,
  namespace: string,
  pod: string,
  container: string,
  restart: number,
): Promise<Digest> {
  const child = spawn(TRUTH, ["print", folder, namespace, pod, container, "--restart", String(restart)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const result = await digest(child.stdout);
  if (child.exitCode === null) await once(child, "exit");
  if (child.exitCode !== 0)
    throw new Error(`truth knows nothing of ${namespace}/${pod}/${container} restart ${restart}`);
  return result;
}

/** What the Afterlogs that run now have logged, by process. */
const logs = new Map<number, string[]>();

/** The newest of it, for messages of tests that fail. */
export const newestLogs = (): Record<string, string[]> =>
  Object.fromEntries([...logs].map(([pid, lines]) => [pid, lines.slice(-20)]));

/** Afterlog as a user starts it: `npm start`, its settings in the environment. */
export async function startAfterlog(namespace: string, store: string, env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(process.execPath, ["main.ts"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      AFTERLOG_STORE: store,
      AFTERLOG_NAMESPACES: namespace,
      AFTERLOG_PORT: "0",
      AFTERLOG_CHUNK_GRACE_SECONDS: "3",
      AFTERLOG_SIDECAR_WAIT_SECONDS: "45",
      ...env,
    },
  });
  const address = Promise.withResolvers<string>();
  const log: string[] = [];
  logs.set(child.pid as number, log);
  child.once("exit", () => logs.delete(child.pid as number));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    log.push(line);
    const url = /shows them at (\S+)$/.exec(line)?.[1];
    if (url) address.resolve(url);
  });
  child.once("exit", (code) => address.reject(new Error(`Afterlog ended with ${code}:\n${log.join("\n")}`)));
  const url = await address.promise;
  return {
    url,
    log,
    pid: child.pid as number,
    get: (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers, redirect: "manual" }),
    /** The record once nothing of the run can change any more. */
    async finished(kind: "pipelineruns" | "taskruns", name: string, ms = 240_000): Promise<RunRecord> {
      let record: RunRecord | undefined;
      await until(
        `${kind}/${name} to be archived`,
        async () => {
          const response = await fetch(`${url}/namespaces/${namespace}/${kind}/${name}.json`);
          const answer = response.ok ? ((await response.json()) as { record?: RunRecord } & RunRecord) : undefined;
          record = answer?.record ?? answer;
          return record?.final === true;
        },
        ms,
      ).catch((error: unknown) => {
        throw new Error(`${error}\n${JSON.stringify(record, undefined, 1)}\n${log.slice(-20).join("\n")}`);
      });
      return record as RunRecord;
    },
    /** Ends it as an operator does, or by SIGKILL as the node does. */
    stop: (signal: "SIGTERM" | "SIGKILL" = "SIGTERM") => end(child, signal),
  };
}

export type Afterlog = Awaited<ReturnType<typeof startAfterlog>>;

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

/** Asks until it is so. */
export async function until(what: string, check: () => Promise<boolean>, ms = 120_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await sleep(200);
  }
}
