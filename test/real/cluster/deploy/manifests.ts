import { execFile } from "node:child_process";
import { appendFileSync, cpSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { loadAllYaml } from "@kubernetes/client-node";
import { CLUSTER } from "../cluster.ts";

export const ROOT = resolve(import.meta.dirname, "../../../..");
/** The namespace that base and overlays install into, and the one that one-namespace watches. */
export const INSTALLED = "afterlog";
const WATCHED = "tekton-ci";

export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  roleRef?: { kind: string; name: string };
  subjects?: { name: string; namespace?: string }[];
  data?: Record<string, string>;
  rules?: object[];
  spec?: object;
};

type Container = { name: string; image: string; env: { name: string; value?: string }[] } & Record<string, unknown>;

/** As much of it as tests look into. */
export type Deployment = KubernetesObject & {
  kind: "Deployment";
  spec: {
    replicas: number;
    strategy: { type: string };
    template: { spec: { containers: Container[]; securityContext: { runAsUser?: number }; hostAliases?: object[] } };
  };
};

export const isDeployment = (object: KubernetesObject): object is Deployment => object.kind === "Deployment";

const run = promisify(execFile);

export async function kubectl(args: string[], objects?: KubernetesObject[]) {
  const running = run(CLUSTER, ["kubectl", ...args], { maxBuffer: 1 << 24 });
  running.child.stdin?.end(objects && JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  return running;
}

const build = async (path: string) =>
  loadAllYaml((await kubectl(["kustomize", path])).stdout) as unknown as KubernetesObject[];

/** A folder of deploy/. */
export const render = (folder: string) => build(join(ROOT, "deploy", folder));

/** An overlay whose own kustomization.yaml names components; `copy` becomes a copy of deploy/. */
export async function renderWith(overlay: string, components: string[], copy: string): Promise<KubernetesObject[]> {
  cpSync(join(ROOT, "deploy"), copy, { recursive: true });
  const path = join(copy, overlay);
  const named = components.map((name) => relative(path, join(copy, "components", name)));
  appendFileSync(join(path, "kustomization.yaml"), `\ncomponents: ${JSON.stringify(named)}\n`);
  return build(path);
}

/** The same objects under names that are this test's alone, so that it disturbs no installation and no other test. */
export function renamed(objects: KubernetesObject[], suffix: string, watched: string): KubernetesObject[] {
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

/** What the collector needs, and no line more. */
export const NEEDED = [
  { apiGroups: ["tekton.dev"], resources: ["taskruns", "pipelineruns"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
];
