import { type JsonObject, type Resource, resources } from "./kubernetes-objects.ts";

/** The little that clients such as kubectl ask about the API itself. */
export function discoveryAnswer(path: string): JsonObject | string | undefined {
  switch (path) {
    case "/readyz":
    case "/livez":
    case "/healthz":
      return "ok";
    case "/version":
      return { major: "1", minor: "34", gitVersion: "v1.34.4-simulated", platform: "linux/amd64" };
    case "/api":
      return { kind: "APIVersions", versions: ["v1"] };
    case "/apis":
      return { kind: "APIGroupList", apiVersion: "v1", groups: [tektonGroup, coordinationGroup] };
    case "/apis/tekton.dev":
      return { kind: "APIGroup", apiVersion: "v1", ...tektonGroup };
    case "/apis/coordination.k8s.io":
      return { kind: "APIGroup", apiVersion: "v1", ...coordinationGroup };
    case "/api/v1":
      return resourceList("", "v1");
    case "/apis/tekton.dev/v1":
      return resourceList("tekton.dev", "tekton.dev/v1");
    case "/apis/coordination.k8s.io/v1":
      return resourceList("coordination.k8s.io", "coordination.k8s.io/v1");
    default:
      return undefined;
  }
}

const group = (name: string): JsonObject => {
  const version = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [version], preferredVersion: version };
};
const tektonGroup = group("tekton.dev");
const coordinationGroup = group("coordination.k8s.io");

const resourceList = (group: string, groupVersion: string): JsonObject => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources: Object.values<Resource>(resources)
    .filter((resource) => resource.group === group)
    .map(({ name, kind, namespaced }) => ({
      name,
      kind,
      namespaced,
      shortNames: shortNames[name] ?? [],
      verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
    })),
});

const shortNames: Record<string, string[]> = {
  namespaces: ["ns"],
  pods: ["po"],
  pipelineruns: ["pr", "prs"],
  taskruns: ["tr", "trs"],
};
