import type { JsonObject, KubernetesObject, NewObject, ObjectMeta, Resource } from "./kubernetes-objects.ts";
import { mergePatch } from "./merge-patch.ts";
import type { ObjectStore } from "./object-store.ts";
import { badRequest, conflict, invalid } from "./status.ts";

type Place = { resource: Resource; namespace: string | undefined };

/** POST: the path's namespace is the object's. */
export function createObject(store: ObjectStore, { resource, namespace }: Place, body: JsonObject): KubernetesObject {
  const metadata = body.metadata as Partial<ObjectMeta> | undefined;
  if (!metadata?.name) throw badRequest("resource name may not be empty");
  const { uid: _, resourceVersion: __, deletionTimestamp: ___, ...given } = metadata;
  const object = { ...body, metadata: { ...given, name: metadata.name, ...(namespace && { namespace }) } };
  return store.create(resource, object as unknown as NewObject);
}

/** PUT: everything but what the API server itself has set. To a lease it may also create, so a missing one conflicts. */
export function replaceObject(
  store: ObjectStore,
  { resource, namespace }: Place,
  name: string,
  body: JsonObject,
): KubernetesObject {
  const given = (body.metadata ?? {}) as Partial<ObjectMeta>;
  if (resource.name === "leases" && given.uid && !store.get(resource, namespace, name))
    throw conflict(
      resource,
      name,
      `uid mismatch: the provided object specified uid ${given.uid}, and no existing object was found`,
    );
  return store.update(resource, namespace, name, (before) => {
    if (given.resourceVersion === undefined)
      throw invalid(resource, name, "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update");
    return admitted(resource, before, { ...body, metadata: { ...given, name } } as unknown as KubernetesObject);
  });
}

/** PATCH with a merge patch; a version or a UID in it is a precondition. */
export function patchObject(
  store: ObjectStore,
  { resource, namespace }: Place,
  name: string,
  patch: JsonObject,
): KubernetesObject {
  return store.update(resource, namespace, name, (before) => admitted(resource, before, mergePatch(before, patch)));
}

/** What the API server makes of a change: it refuses one of another state, and keeps what is its own. */
function admitted(resource: Resource, before: KubernetesObject, after: KubernetesObject): KubernetesObject {
  const { name, uid, resourceVersion, creationTimestamp, deletionTimestamp, finalizers: held = [] } = before.metadata;
  const given = after.metadata;
  if (given.resourceVersion !== resourceVersion)
    throw conflict(
      resource,
      name,
      "the object has been modified; please apply your changes to the latest version and try again",
    );
  if (given.uid !== undefined && given.uid !== uid)
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${uid}`,
    );
  const { finalizers = [], ...metadata } = given;
  if (deletionTimestamp !== undefined && finalizers.some((finalizer) => !held.includes(finalizer)))
    throw invalid(
      resource,
      name,
      "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted",
    );
  return {
    ...after,
    apiVersion: before.apiVersion,
    kind: before.kind,
    metadata: {
      ...metadata,
      uid,
      creationTimestamp,
      ...(before.metadata.namespace && { namespace: before.metadata.namespace }),
      ...(deletionTimestamp && { deletionTimestamp }),
      ...(finalizers.length > 0 && { finalizers }),
    },
  };
}
