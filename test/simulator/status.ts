import { type JsonObject, qualifiedName, type Resource } from "./kubernetes-objects.ts";

/** A failure as the API server words it; thrown anywhere, answered by the HTTP layer as a `Status` object. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: JsonObject | undefined;
  readonly metadata: JsonObject;

  constructor(code: number, reason: string | undefined, message: string, details?: JsonObject, metadata = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }

  toJSON(): JsonObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.metadata,
      status: "Failure",
      message: this.message,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

export const notFound = (resource: Resource, name: string): StatusError =>
  new StatusError(404, "NotFound", `${qualifiedName(resource)} "${name}" not found`, {
    name,
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.name,
  });

export const alreadyExists = (resource: Resource, name: string): StatusError =>
  new StatusError(409, "AlreadyExists", `${qualifiedName(resource)} "${name}" already exists`, {
    name,
    kind: resource.name,
  });

export const conflict = (resource: Resource, name: string, why: string): StatusError =>
  new StatusError(409, "Conflict", `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`, {
    name,
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.name,
  });

export const invalid = (resource: Resource, name: string, why: string): StatusError =>
  new StatusError(422, "Invalid", `${resource.kind} "${name}" is invalid: ${why}`, { name, kind: resource.kind });

/** No role grants it. */
export const forbidden = (verb: string, resource: Resource, namespace: string | undefined): StatusError =>
  new StatusError(
    403,
    "Forbidden",
    `${qualifiedName(resource)} is forbidden: User "simulator" cannot ${verb} resource "${resource.name}" in API group ` +
      `"${resource.group}" in the namespace "${namespace ?? ""}"`,
    { kind: resource.name },
  );

export const badRequest = (message: string): StatusError => new StatusError(400, "BadRequest", message);

export const tooOldVersion = (asked: number, oldest: number): StatusError =>
  new StatusError(410, "Expired", `too old resource version: ${asked} (${oldest})`);

/** A 500 of the API server itself; `ServiceUnavailable` for 503. */
export const serverFailure = (code: number): StatusError =>
  code === 503
    ? new StatusError(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    : new StatusError(code, "InternalError", `an error on the server ("simulated failure") has prevented the request`);

/** kubelet's 404 as the API server passes it on: "kubelet does not know the pod (yet)", not "deleted". */
export const unknownToKubelet = (pod: string): StatusError =>
  new StatusError(404, "NotFound", `the server could not find the requested resource ( pods/log ${pod})`, {
    name: pod,
    kind: "pods/log",
  });

const kubeletAddress = "10.0.0.7:10250";

/** What the API server's proxy answers when a node's kubelet cannot be reached. */
export const unreachable = (reason: string): StatusError =>
  new StatusError(503, "ServiceUnavailable", `error trying to reach service: dial tcp ${kubeletAddress}: ${reason}`);

/** The same for a log: the API server's own HTTP client tells what it could not get. */
export const unreachableLog = (path: string, reason: string): StatusError =>
  new StatusError(
    500,
    "InternalError",
    `Get "https://${kubeletAddress}/containerLogs/${path}": dial tcp ${kubeletAddress}: ${reason}`,
  );
