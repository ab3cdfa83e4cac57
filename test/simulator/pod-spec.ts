import type { JsonObject, KubernetesObject } from "./kubernetes-objects.ts";
import type { Pod } from "./pod.ts";

/** A name alone stands for a container of an image that any node has. */
export const containerSpec = (container: string | JsonObject): JsonObject =>
  typeof container === "string" ? { name: container, image: "localhost/busybox:1" } : container;

/** The part of the object's spec that changes with the containers' images. */
export function imagesOf(pod: Pod, object: KubernetesObject): JsonObject {
  const containers = object.spec?.containers as JsonObject[] | undefined;
  if (!containers) return {};
  return { containers: containers.map((spec) => ({ ...spec, image: pod.container(String(spec.name)).image })) };
}
