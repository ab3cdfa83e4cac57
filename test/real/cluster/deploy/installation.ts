import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { type Cluster, digest, openCluster, until } from "../cluster.ts";
import { INSTALLED, type KubernetesObject, kubectl, ROOT, renamed } from "./manifests.ts";

/** Five lines from an image that the test cluster has. */
export const taskRun = (name: string) => `
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: { name: ${name} }
spec:
  taskSpec:
    steps:
      - name: say
        image: localhost/busybox:1
        script: for n in 1 2 3 4 5; do echo "${name} says $n"; sleep 0.2; done
`;

/** What a test installs under a name that is its own, with the processes and folders that belong to it. */
export class Installation {
  readonly suffix = `deploy-${Math.random().toString(36).slice(2, 8)}`;
  readonly namespace = `${INSTALLED}-${this.suffix}`;
  readonly cluster: Cluster;
  readonly #made: KubernetesObject[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #folders: string[] = [];

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async open(): Promise<Installation> {
    return new Installation(await openCluster());
  }

  folder(name: string): string {
    const path = mkdtempSync(join(tmpdir(), `afterlog-${name}-`));
    this.#folders.push(path);
    return path;
  }

  /** The objects as this installation's, or as those of an account of its own. */
  own(objects: KubernetesObject[], suffix = this.suffix): KubernetesObject[] {
    return renamed(objects, suffix, this.cluster.namespace);
  }

  /** Applies for good, and remembers what no namespace takes along when it goes. */
  async apply(objects: KubernetesObject[]): Promise<void> {
    this.#made.push(...objects.filter(({ metadata, kind }) => !metadata.namespace || kind.startsWith("Role")));
    await kubectl(["apply", "-f", "-"], objects);
  }

  /** One of the two processes as its container starts it, until it prints what says that it runs. */
  async start(file: string, env: Record<string, string>, says: RegExp): Promise<string> {
    const child = spawn(process.execPath, [file], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH, AFTERLOG_CHUNK_GRACE_SECONDS: "3", ...env },
    });
    this.#children.push(child);
    const said = Promise.withResolvers<string>();
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const found = says.exec(line);
      if (found) said.resolve(found[1] ?? "");
    });
    child.once("exit", (code) => said.reject(new Error(`${file} ended with ${code}:\n${lines.join("\n")}`)));
    return said.promise;
  }

  /** The log of a finished TaskRun's step, whole and byte for byte as the node has it. */
  async archivedAt(url: string, name: string): Promise<void> {
    await until(
      `${name} in the archive`,
      async () => {
        const response = await fetch(`${url}/namespaces/${this.cluster.namespace}/taskruns/${name}.json`);
        if (!response.ok) return false;
        const answer = (await response.json()) as { final?: boolean; record?: { final?: boolean } };
        return (answer.record ?? answer).final === true;
      },
      90_000,
    );
    const response = await fetch(`${url}/logs/${this.cluster.namespace}/${name}-pod/step-say`);
    expect(response.status).toBe(200);
    const archived = await digest(response.body as AsyncIterable<Uint8Array>);
    expect(archived).toEqual(await this.cluster.truth(`${name}-pod`, "step-say", 0));
    expect(archived.lines).toBe(5);
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    if (this.#made.length > 0) await kubectl(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], this.#made);
    await this.cluster.close();
    for (const path of this.#folders) rmSync(path, { recursive: true, force: true });
  }
}
