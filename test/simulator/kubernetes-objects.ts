/** The parts of Kubernetes' objects that the simulator reads or writes; everything else travels as plain JSON. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

export type ObjectMeta = {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
};

export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: JsonObject;
  status?: JsonObject;
};

/** What a caller gives to create an object: the API server adds uid, resourceVersion and creationTimestamp. */
export type NewObject = Omit<KubernetesObject, "metadata"> & {
  metadata: Partial<ObjectMeta> & { name: string };
};

export type Resource = {
  /** The plural in the path. */
  name: string;
  group: string;
  version: string;
  kind: string;
  namespaced: boolean;
  /** List items of built-in types come without kind and apiVersion; those of custom resources carry them. */
  builtIn: boolean;
};

export const resources = {
  namespaces: { name: "namespaces", group: "", version: "v1", kind: "Namespace", namespaced: false, builtIn: true },
  pods: { name: "pods", group: "", version: "v1", kind: "Pod", namespaced: true, builtIn: true },
  taskruns: { name: "taskruns", group: "tekton.dev", version: "v1", kind: "TaskRun", namespaced: true, builtIn: false },
  pipelineruns: {
    name: "pipelineruns",
    group: "tekton.dev",
    version: "v1",
    kind: "PipelineRun",
    namespaced: true,
    builtIn: false,
  },
  leases: {
    name: "leases",
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
    namespaced: true,
    builtIn: true,
  },
} as const satisfies Record<string, Resource>;

export const apiVersionOf = (resource: Resource): string =>
  resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;

/** `taskruns.tekton.dev`, as error messages name a resource. */
export const qualifiedName = (resource: Resource): string =>
  resource.group === "" ? resource.name : `${resource.name}.${resource.group}`;
