import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, connect as tcp } from "node:net";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { AuthorizationV1Api, CoreV1Api, KubeConfig, loadAllYaml } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLUSTER, type Cluster, digest, missingProgram, openCluster, until } from "./cluster.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PODS_BRIDGE = "afterlog0";
/** The namespace that base and overlays install into, and the one that one-namespace watches. */
const INSTALLED = "afterlog";
const WATCHED = "tekton-ci";

const why = missingProgram();

type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  roleRef?: { kind: string; name: string };
  subjects?: { name: string; namespace?: string }[];
  data?: Record<string, string>;
  rules?: object[];
  // biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds, looked into where a test knows which
  spec?: any;
};

const run = promisify(execFile);

async function kubectl(args: string[], objects?: KubernetesObject[]) {
  const running = run(CLUSTER, ["kubectl", ...args], { maxBuffer: 1 << 24 });
  running.child.stdin?.end(objects && JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  return running;
}

const build = async (path: string) =>
  loadAllYaml((await kubectl(["kustomize", path])).stdout) as unknown as KubernetesObject[];

const render = (folder: string) => build(join(ROOT, "deploy", folder));

/** An overlay whose own kustomization.yaml names components. */
async function renderWith(overlay: string, components: string[]): Promise<KubernetesObject[]> {
  const copy = folder("kustomize");
  cpSync(join(ROOT, "deploy"), copy, { recursive: true });
  const path = join(copy, overlay);
  const named = components.map((name) => relative(path, join(copy, "components", name)));
  appendFileSync(join(path, "kustomization.yaml"), `\ncomponents: ${JSON.stringify(named)}\n`);
  return build(path);
}

/** The same objects under names that are this test's alone, so that it disturbs no installation and no other test. */
function renamed(objects: KubernetesObject[], suffix: string, watched: string): KubernetesObject[] {
  const namespaces: Record<string, string> = { [INSTALLED]: `${INSTALLED}-${suffix}`, [WATCHED]: watched };
  const place = (named: { namespace?: string }) => {
    if (named.namespace) named.namespace = namespaces[named.namespace] ?? named.namespace;
  };
  const isWide = (kind: string) => kind.startsWith("Cluster");
  return structuredClone(objects).map((object) => {
    const { kind, metadata, roleRef, data } = object;
    place(metadata);
    object.subjects?.forEach(place);
    if (kind === "Namespace") metadata.name = namespaces[metadata.name] ?? metadata.name;
    if (isWide(kind)) metadata.name += `-${suffix}`;
    if (roleRef && isWide(roleRef.kind)) roleRef.name += `-${suffix}`;
    if (data?.AFTERLOG_NAMESPACES === WATCHED) data.AFTERLOG_NAMESPACES = watched;
    return object;
  });
}

const RIGHTS = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/** What the collector needs, and no line more. */
const NEEDED = [
  { apiGroups: ["tekton.dev"], resources: ["taskruns", "pipelineruns"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
];

/** What the components add. */
const FINALIZER_NEEDED = [
  { apiGroups: ["tekton.dev"], resources: ["taskruns"], verbs: ["patch"] },
  { apiGroups: ["tekton.dev"], resources: ["taskruns/finalizers"], verbs: ["update"] },
];
const REPLICAS_NEEDED = [
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "list", "create", "update", "delete"],
  },
];

/** Five lines from an image that the test cluster has. */
const taskRun = (name: string) => `
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

const children: ChildProcess[] = [];
const folders: string[] = [];
const folder = (name: string) => {
  const path = mkdtempSync(join(tmpdir(), `afterlog-${name}-`));
  folders.push(path);
  return path;
};

/** One of the two processes as its container starts it, until it prints what says that it runs. */
async function start(file: string, env: Record<string, string>, says: RegExp): Promise<string> {
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, AFTERLOG_CHUNK_GRACE_SECONDS: "3", ...env },
  });
  children.push(child);
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

describe.skipIf(why)(`deploy/ on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  const suffix = `deploy-${Math.random().toString(36).slice(2, 8)}`;
  const namespace = `${INSTALLED}-${suffix}`;
  const made: KubernetesObject[] = [];
  let cluster: Cluster;

  /** Applies for good, and remembers what no namespace takes along when it goes. */
  async function apply(objects: KubernetesObject[]): Promise<void> {
    made.push(...objects.filter(({ metadata, kind }) => !metadata.namespace || kind.startsWith("Role")));
    await kubectl(["apply", "-f", "-"], objects);
  }

  beforeAll(async () => {
    cluster = await openCluster();
    const base = renamed(await render("base"), suffix, cluster.namespace);
    await apply(base.filter(({ kind }) => kind === "Namespace"));
  });

  afterAll(async () => {
    for (const child of children) {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    if (made.length > 0) await kubectl(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], made);
    await cluster?.close();
    for (const path of folders) rmSync(path, { recursive: true, force: true });
  });

  /** The log of a finished TaskRun's step, whole and byte for byte as the node has it. */
  async function archivedAt(url: string, name: string): Promise<void> {
    await until(
      `${name} in the archive`,
      async () => {
        const response = await fetch(`${url}/namespaces/${cluster.namespace}/taskruns/${name}.json`);
        if (!response.ok) return false;
        const answer = (await response.json()) as { final?: boolean; record?: { final?: boolean } };
        return (answer.record ?? answer).final === true;
      },
      90_000,
    );
    const response = await fetch(`${url}/logs/${cluster.namespace}/${name}-pod/step-say`);
    expect(response.status).toBe(200);
    const archived = await digest(response.body as AsyncIterable<Uint8Array>);
    expect(archived).toEqual(await cluster.truth(`${name}-pod`, "step-say", 0));
    expect(archived.lines).toBe(5);
  }

  describe.each(["base", "overlays/folder", "overlays/s3", "overlays/gcs", "overlays/one-namespace"])("%s", (path) => {
    test("is what the API server accepts, without a warning", async () => {
      const objects = renamed(await render(path), suffix, cluster.namespace);
      const { stdout, stderr } = await kubectl(["apply", "--dry-run=server", "-f", "-"], objects);
      expect(stderr).toBe("");
      expect(stdout.trim().split("\n")).toHaveLength(objects.length);
    });

    test("gives every container the strictest settings, one image, and a reserve", async () => {
      const deployments = (await render(path)).filter(({ kind }) => kind === "Deployment");
      const pods = deployments.map(({ spec }) => spec.template.spec);
      const containers = pods.flatMap((pod) => pod.containers);
      expect(containers.map(({ name }) => name)).toEqual(["collector", "viewer"]);
      expect(new Set(containers.map(({ image }) => image)).size).toBe(1);
      for (const pod of pods) expect(pod).toMatchObject({ enableServiceLinks: false });
      for (const container of containers) {
        expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
        const memory = expect.stringMatching(/^\d+[MG]i$/);
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.any(String), memory },
          limits: { memory },
        });
      }
    });
  });

  describe.each([
    { overlay: "overlays/s3", components: ["replicas", "finalizer"], wide: true },
    { overlay: "overlays/gcs", components: ["replicas"], wide: true },
    { overlay: "overlays/folder", components: ["finalizer"], wide: true },
    { overlay: "overlays/one-namespace", components: ["finalizer"], wide: false },
  ])("$overlay with $components", ({ overlay, components, wide }) => {
    const finalizer = components.includes("finalizer");
    const replicas = components.includes("replicas");

    test("is what the API server accepts, without a warning", async () => {
      const objects = renamed(await renderWith(overlay, components), suffix, cluster.namespace);
      const { stdout, stderr } = await kubectl(["apply", "--dry-run=server", "-f", "-"], objects);
      expect(stderr).toBe("");
      expect(stdout.trim().split("\n")).toHaveLength(objects.length);
    });

    test("adds the rights and settings that it is for to what was there, and no more", async () => {
      const [before, after] = [await render(overlay), await renderWith(overlay, components)];
      const find = (kind: string, name: string) =>
        after.find((object) => object.kind === kind && object.metadata.name === name);
      const role = find(wide ? "ClusterRole" : "Role", "afterlog-collector");
      expect(role?.rules).toEqual([...NEEDED, ...(finalizer ? FINALIZER_NEEDED : [])]);
      expect(find("Role", "afterlog-replicas")?.rules).toEqual(replicas ? REPLICAS_NEEDED : undefined);
      expect(find("Role", "afterlog-replicas")?.metadata.namespace).toBe(replicas ? INSTALLED : undefined);
      expect(after).toHaveLength(before.length + (replicas ? 2 : 0));

      const settings = (objects: KubernetesObject[]) => objects.find(({ kind }) => kind === "ConfigMap")?.data;
      const seconds = finalizer && { AFTERLOG_FINALIZER_SECONDS: "600" };
      expect(settings(after)).toEqual({ ...settings(before), ...seconds });
      const collector = (objects: KubernetesObject[]) =>
        objects.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === "collector")?.spec;
      const names = (objects: KubernetesObject[]) =>
        collector(objects)
          .template.spec.containers[0].env.map(({ name }: { name: string }) => name)
          .sort();
      const own = replicas ? ["AFTERLOG_LEASE_NAMESPACE", "AFTERLOG_REPLICA"] : [];
      expect(names(after)).toEqual([...names(before), ...own].sort());
      expect([collector(after).replicas, collector(after).strategy.type]).toEqual(
        replicas ? [2, "RollingUpdate"] : [1, "Recreate"],
      );
    });
  });

  test("the folder's viewer is the base's but for the volume", async () => {
    const viewerOf = (objects: KubernetesObject[]) => {
      const pods = objects.flatMap(({ kind, spec }) => (kind === "Deployment" ? [spec.template.spec] : []));
      const {
        lifecycle: _,
        volumeMounts: __,
        ...viewer
      } = pods.flatMap((pod) => pod.containers).find(({ name }) => name === "viewer");
      // The settings' name ends in a hash of them.
      return JSON.parse(JSON.stringify(viewer).replaceAll(/"afterlog-[a-z0-9]{10}"/g, '"afterlog"'));
    };
    expect(viewerOf(await render("overlays/folder"))).toEqual(viewerOf(await render("base")));
  });

  test("one-namespace watches the namespace of its Role", async () => {
    const objects = await render("overlays/one-namespace");
    const roles = objects.filter(({ kind }) => kind.startsWith("Role"));
    const settings = objects.find(({ kind }) => kind === "ConfigMap")?.data;
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(roles.map(() => settings?.AFTERLOG_NAMESPACES));
    expect(objects.filter(({ kind }) => kind.startsWith("Cluster"))).toEqual([]);
  });

  describe.each([
    { path: "base", namespaces: () => "*", wide: true },
    { path: "overlays/one-namespace", namespaces: () => cluster.namespace, wide: false },
  ])("the rights of $path", ({ path, namespaces, wide }) => {
    /** Each with an account of its own, so that neither lives on the other's rights. */
    const own = `${suffix}-${wide ? "wide" : "narrow"}`;
    const installed = `${INSTALLED}-${own}`;
    const as = async (account: string): Promise<KubeConfig> => {
      const admin = new KubeConfig();
      admin.loadFromDefault();
      const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
        namespace: installed,
        name: account,
        body: { spec: { audiences: [], expirationSeconds: 3600 } },
      });
      const config = new KubeConfig();
      config.loadFromClusterAndUser(
        admin.getCurrentCluster() as NonNullable<ReturnType<KubeConfig["getCurrentCluster"]>>,
        {
          name: account,
          token: status?.token as string,
        },
      );
      return config;
    };

    beforeAll(async () => {
      const objects = renamed(await render(path), own, cluster.namespace);
      await apply(objects.filter(({ kind }) => kind === "Namespace"));
      await apply(objects.filter(({ kind }) => RIGHTS.includes(kind)));
    });

    test("are those that are needed and no more", async () => {
      const authorization = (await as("collector")).makeApiClient(AuthorizationV1Api);
      const { status } = await authorization.createSelfSubjectRulesReview({
        body: { spec: { namespace: cluster.namespace } },
      });
      // What Kubernetes lets everyone do: ask what they may, and who they are.
      const given = status?.resourceRules.filter(({ apiGroups }) => !/^auth/.test(apiGroups?.[0] ?? ""));
      expect(given).toHaveLength(NEEDED.length);
      for (const rule of NEEDED) expect(given).toContainEqual(expect.objectContaining(rule));

      const may = async (verb: string, resource: string, ns = cluster.namespace, group = "") => {
        const [name, subresource] = resource.split("/");
        const resourceAttributes = { verb, group, resource: name, namespace: ns, ...(subresource && { subresource }) };
        const answer = await authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
        return answer.status?.allowed;
      };
      const everywhere = "";
      expect(await may("get", "pods/log")).toBe(true);
      expect(await may("watch", "taskruns", cluster.namespace, "tekton.dev")).toBe(true);
      expect(await may("watch", "taskruns", everywhere, "tekton.dev")).toBe(wide);
      expect(await may("list", "pods", everywhere)).toBe(wide);
      expect(await may("get", "pods/log", "kube-system")).toBe(wide);
      const closed: [verb: string, resource: string, group?: string][] = [
        ["get", "secrets"],
        ["list", "configmaps"],
        ["create", "pods"],
        ["delete", "pods"],
        ["create", "pods/exec"],
        ["patch", "taskruns", "tekton.dev"],
        ["update", "taskruns/status", "tekton.dev"],
        ["delete", "pipelineruns", "tekton.dev"],
        ["get", "nodes"],
        ["get", "nodes/proxy"],
        ["create", "serviceaccounts/token"],
      ];
      for (const [verb, resource, group] of closed) {
        expect(await may(verb, resource, cluster.namespace, group), `${verb} ${resource}`).toBe(false);
        expect(await may(verb, resource, everywhere, group), `${verb} ${resource} everywhere`).toBe(false);
      }
    });

    test("archive a TaskRun with its log", async () => {
      const kubeconfig = join(folder("kubeconfig"), "config");
      writeFileSync(kubeconfig, (await as("collector")).exportConfig(), { mode: 0o600 });
      const store = pathToFileURL(folder("store")).href;
      await start(
        "collector/main.ts",
        {
          KUBECONFIG: kubeconfig,
          AFTERLOG_STORE: store,
          AFTERLOG_HOST: "0.0.0.0",
          AFTERLOG_NAMESPACES: namespaces(),
        },
        /"watching"/,
      );
      // The viewer's process gets no kubeconfig at all.
      const url = await start(
        "viewer/main.ts",
        {
          AFTERLOG_STORE: store,
          AFTERLOG_NAMESPACES: cluster.namespace,
          AFTERLOG_PORT: "0",
        },
        /shows .* at (\S+)$/,
      );
      const name = wide ? "wide" : "narrow";
      await cluster.apply(taskRun(name));
      await archivedAt(url, name);
    });

    // The folder's viewer, which one-namespace is built on, has no account.
    if (wide) {
      test("are none at all for the viewer", async () => {
        const authorization = (await as("viewer")).makeApiClient(AuthorizationV1Api);
        const { status } = await authorization.createSelfSubjectRulesReview({
          body: { spec: { namespace: cluster.namespace } },
        });
        expect(status?.resourceRules.filter(({ apiGroups }) => !/^auth/.test(apiGroups?.[0] ?? ""))).toEqual([]);
      });
    }
  });

  test("the folder overlay runs: collector and viewer in one pod, archive on a volume", async () => {
    const image = process.env.AFTERLOG_TEST_IMAGE ?? (await packImage());
    const api = await apiServerForPods();
    const objects = renamed(await render("overlays/folder"), suffix, cluster.namespace);
    const settings = objects.find(({ kind }) => kind === "ConfigMap")?.data as Record<string, string>;
    settings.AFTERLOG_NAMESPACES = cluster.namespace;
    settings.AFTERLOG_CHUNK_GRACE_SECONDS = "3";
    const pod = objects.find(({ kind }) => kind === "Deployment")?.spec.template.spec;
    // The test cluster packs images without a user, and its pods reach neither DNS nor service addresses.
    pod.securityContext.runAsUser = 1000;
    pod.hostAliases = [{ ip: api.host, hostnames: ["kubernetes.default.svc"] }];
    for (const container of pod.containers) {
      container.image = image;
      container.env.push({ name: "KUBERNETES_SERVICE_HOST", value: "kubernetes.default.svc" });
      container.env.push({ name: "KUBERNETES_SERVICE_PORT", value: `${api.port}` });
    }
    await apply([volume(namespace, folder("volume"), await nodeName())]);
    await apply(objects);
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
    await archivedAt(url, "inside");
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

  async function nodeName(): Promise<string> {
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
  async function packImage(): Promise<string> {
    const project = folder("image");
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
});
