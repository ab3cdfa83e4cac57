import { apiVersionOf, type JsonObject, type Resource } from "./kubernetes-objects.ts";

/** Objects that a broken server, or a resource of another version under the same name, might send. */
export function oddObjects(resource: Resource, resourceVersion: string): JsonObject[] {
  const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const metadata = { namespace: "default", resourceVersion };
  return [
    { ...type, metadata: { ...metadata, name: "odd", uid: "odd", labels: oddLabels() }, spec: null, status: null },
    { ...type, metadata: { ...metadata, name: "bare", uid: "bare" } },
    type,
  ];
}

/** `__proto__` must come as a key of its own, which a literal would not make it. */
const oddLabels = (): JsonObject =>
  JSON.parse(
    `{"": "", "tekton.dev/taskRun": 7, "tekton.dev/pipelineRun": null, "__proto__": "x", "constructor": {"a": []}, "</script>": "\\u202e\\u0000"}`,
  );
