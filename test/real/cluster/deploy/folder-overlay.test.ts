import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, connect as tcp } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLUSTER, type Cluster, missingProgram } from "../cluster.ts";
import { Installation, taskRun } from "./installation.ts";
import { isDeployment, type KubernetesObject, kubectl, ROOT, render } from "./manifests.ts";

const PODS_BRIDGE = "afterlog0";
const run = promisify(execFile);

const why = missingProgram();

describe.skipIf(why)(`deploy/overlays/folder on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.open();
  });
  afterAll(async () => {
    await installation?.close();
  });

  test("the folder overlay runs: collector and viewer in one pod, archive on a volume", async () => {
    const { cluster, namespace } = installation;
    const image = process.env.AFTERLOG_TEST_IMAGE ?? (await packImage(installation.folder("image")));
    const api = await apiServerForPods();
    const objects = installation.own(await render("overlays/folder"));
    const settings = objects.find(({ kind }) => kind === "ConfigMap")?.data as Record<string, string>;
    settings.AFTERLOG_NAMESPACES = cluster.namespace;
    settings.AFTERLOG_CHUNK_GRACE_SECONDS = "3";
    const [deployment] = objects.filter(isDeployment);
    if (!deployment) throw new Error("the overlay has no Deployment");
    const pod = deployment.spec.template.spec;
    // The test cluster packs images without a user, and its pods reach neither DNS nor service addresses.
    pod.securityContext.runAsUser = 1000;
    pod.hostAliases = [{ ip: api.host, hostnames: ["kubernetes.default.svc"] }];
    for (const container of pod.containers) {
      container.image = image;
      container.env.push({ name: "KUBERNETES_SERVICE_HOST", value: "kubernetes.default.svc" });
      container.env.push({ name: "KUBERNETES_SERVICE_PORT", value: `${api.port}` });
    }
    await installation.apply([volume(namespace, installation.folder("volume"), await nodeName(cluster))]);
    await installation.apply(objects);
    await kubectl(["-n", namespace, "rollout", "status", "deployment/collector", "--timeout=60s"]).catch(
      async (error: unknown) => {
        const { stdout } = await kubectl(["-n", namespace, "describe", "pods"]);
        throw new Error(`${error}\n${stdout}`);
      },
    );

    const { items } = await cluster.core.listNamespacedPod({ namespace });
    const [{ status, metadata } = {}] = items;
    expect(items).toHaveLength(1);
    expect(status?.containerStatuses?.map(({ ready, restartCount }) => ({ ready, restartCount }))).toEqual([
      { ready: true, restartCount: 0 },
      { ready: true, restartCount: 0 },
    ]);
    const url = `http://${status?.podIP}:8080`;
    await cluster.apply(taskRun("inside"));
    await installation.archivedAt(url, "inside");
    expect((await fetch(`${url}/namespaces/${cluster.namespace}/taskruns/inside`)).status).toBe(200);

    // What the manifest takes from the viewer is not there: the token, and the right to write.
    const inViewer = async (script: string) =>
      (
        await kubectl(["-n", namespace, "exec", `${metadata?.name}`, "-c", "viewer", "--", "node", "-p", script])
      ).stdout.trim();
    expect(await inViewer("fs.existsSync('/var/run/secrets/kubernetes.io/serviceaccount/token')")).toBe("false");
    expect(await inViewer("fs.readdirSync('/data')")).toBe("[ 'archive' ]");
    expect(await inViewer("try { fs.writeFileSync('/data/x', '') } catch (e) { e.code }")).toBe("EROFS");
    expect(await inViewer("try { fs.writeFileSync('/app/x', '') } catch (e) { e.code }")).toBe("EROFS");
    expect(await inViewer("process.getuid()")).toBe("1000");

    const service = await cluster.core.readNamespacedEndpoints({ namespace, name: "viewer" });
    expect(service.subsets?.[0]).toMatchObject({ addresses: [{ ip: status?.podIP }], ports: [{ port: 8080 }] });
  });
});

async function nodeName(cluster: Cluster): Promise<string> {
  return (await cluster.core.listNode()).items[0]?.metadata?.name ?? "";
}

/** Stands for the storage class that the test cluster has not. */
function volume(claimant: string, path: string, node: string): KubernetesObject {
  chmodSync(path, 0o755);
  const hostname = { key: "kubernetes.io/hostname", operator: "In", values: [node] };
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: claimant },
    spec: {
      capacity: { storage: "50Gi" },
      accessModes: ["ReadWriteOnce"],
      local: { path },
      claimRef: { namespace: claimant, name: "archive" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [hostname] }] } },
    },
  };
}

/** The API server on the pods' bridge, because it listens on the host's loopback. TLS is still the server's own. */
async function apiServerForPods(): Promise<{ host: string; port: number }> {
  const config = new KubeConfig();
  config.loadFromDefault();
  const server = new URL(config.getCurrentCluster()?.server ?? "");
  // Not os.networkInterfaces(): it leaves out a bridge to which no pod is connected at the moment.
  const { stdout } = await run("ip", ["-json", "-4", "address", "show", "dev", PODS_BRIDGE]);
  const [device] = JSON.parse(stdout) as { addr_info?: { local: string }[] }[];
  const host = device?.addr_info?.[0]?.local;
  if (!host) throw new Error(`the test cluster's bridge ${PODS_BRIDGE} has no address`);
  const forwarder = createServer((socket) => {
    const upstream = tcp(Number(server.port), server.hostname);
    for (const end of [socket, upstream]) end.on("error", () => [socket, upstream].map((one) => one.destroy()));
    socket.pipe(upstream).pipe(socket);
  });
  forwarder.unref();
  forwarder.listen(0, host);
  await once(forwarder, "listening");
  return { host, port: (forwarder.address() as { port: number }).port };
}

/** Exactly what the Dockerfile copies, so that a file that it forgets is missing here as well. */
async function packImage(project: string): Promise<string> {
  const copied = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8").matchAll(/^COPY (?!--)(.+) \S+$/gm);
  for (const [, names = ""] of copied) {
    for (const name of names.split(" ")) {
      mkdirSync(project, { recursive: true });
      cpSync(join(ROOT, name), join(project, name), { recursive: true });
    }
  }
  await run("git", ["-C", project, "init", "--quiet"]);
  await run("git", ["-C", project, "add", "--all"]);
  // One name for all runs: the next one's takes its place.
  const name = "localhost/afterlog-deploy-test:1";
  await run(CLUSTER, ["app-image", name, project]);
  return name;
}
