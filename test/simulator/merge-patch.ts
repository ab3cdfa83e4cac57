import type { Json, JsonObject, KubernetesObject } from "./kubernetes-objects.ts";

/** RFC 7386: objects merge, null deletes, everything else replaces. */
export function mergePatch(object: KubernetesObject, patch: JsonObject): KubernetesObject {
  return merge(object as unknown as Json, patch) as unknown as KubernetesObject;
}

function merge(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (value !== undefined) merged[key] = merge(merged[key], value);
  }
  return merged;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
