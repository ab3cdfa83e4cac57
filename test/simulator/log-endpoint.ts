import type { ServerResponse } from "node:http";
import type { ContainerRun } from "./container-run.ts";
import { parseTime } from "./cri-log.ts";
import { type Faults, kubeletErrors, type LogFault } from "./faults.ts";
import { FaultyBody } from "./faulty-body.ts";
import type { Kubelet } from "./kubelet.ts";
import { resources } from "./kubernetes-objects.ts";
import { LogFollower, readOnce } from "./log-follower.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Pod } from "./pod.ts";
import { badRequest, notFound, StatusError, serverFailure, unknownToKubelet, unreachableLog } from "./status.ts";

export type LogQuery = {
  container: string | undefined;
  follow: boolean;
  timestamps: boolean;
  previous: boolean;
  sinceNs: bigint | undefined;
  tailLines: number | undefined;
  limitBytes: number | undefined;
};

type Context = {
  store: ObjectStore;
  kubelet: Kubelet;
  faults: Faults;
  nowNs: () => bigint;
  offsetMinutes: number;
  maxFollowMs: number;
};

/** `GET …/pods/{pod}/log`: first what the API server checks, then kubelet, then the body. */
export async function serveLog(
  context: Context,
  { namespace, podName, query }: { namespace: string; podName: string; query: URLSearchParams },
  response: ServerResponse,
): Promise<void> {
  const options = parseLogQuery(podName, query, context.nowNs);
  const fault = context.faults.take("log", {
    namespace,
    pod: podName,
    follow: options.follow,
    ...(options.container === undefined ? {} : { container: options.container }),
  });
  if (fault?.kind === "delayed-headers") await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (fault?.kind === "status") throw serverFailure(fault.code);

  const object = context.store.get(resources.pods, namespace, podName);
  if (!object) throw notFound(resources.pods, podName);
  const pod = context.kubelet.pod(object.metadata.uid);
  const container = chooseContainer(podName, pod, options.container);
  if (pod?.nodeName === undefined) {
    response.writeHead(200, { "content-type": "text/plain" }).end();
    return;
  }
  if (context.kubelet.isLost(pod.nodeName))
    throw unreachableLog(
      `${namespace}/${podName}/${container}?${query}`,
      context.kubelet.unreachable(pod.nodeName) ?? "",
    );
  if (fault?.kind === "unknown-to-kubelet" || !context.kubelet.knows(pod)) throw unknownToKubelet(podName);
  const run = chooseRun(pod, container, options.previous);
  sendBody(context, { pod, container, run, options, fault }, response);
}

export function parseLogQuery(pod: string, query: URLSearchParams, nowNs: () => bigint): LogQuery {
  const flag = (name: string): boolean => ["true", "1", ""].includes(query.get(name) ?? "false");
  const number = (name: string, least: number): number | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
    if (value < least) {
      const reason = least === 0 ? "must be greater than or equal to 0" : "must be greater than 0";
      throw invalidOption(pod, name, "FieldValueInvalid", `Invalid value: ${value}: ${reason}`);
    }
    return value;
  };
  const sinceTime = query.get("sinceTime");
  const sinceSeconds = number("sinceSeconds", 1);
  if (sinceTime !== null && sinceSeconds !== undefined)
    throw invalidOption(
      pod,
      "[]",
      "FieldValueForbidden",
      "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
    );
  return {
    container: query.get("container") ?? undefined,
    follow: flag("follow"),
    timestamps: flag("timestamps"),
    previous: flag("previous"),
    sinceNs:
      sinceSeconds !== undefined
        ? nowNs() - BigInt(sinceSeconds) * 1_000_000_000n
        : sinceTime === null
          ? undefined
          : wholeSeconds(sinceTime),
    tailLines: number("tailLines", 0),
    limitBytes: number("limitBytes", 1),
  };
}

/** metav1.Time is written as RFC 3339 on its way to kubelet: fractions are accepted and lost. */
function wholeSeconds(text: string): bigint {
  const ns = parseTime(text);
  if (ns === undefined)
    throw badRequest(`parsing time "${text}" as "2006-01-02T15:04:05Z07:00": cannot parse "${text}" as "2006"`);
  return ns - (ns % 1_000_000_000n);
}

function invalidOption(pod: string, field: string, reason: string, message: string): StatusError {
  const at = field === "[]" ? "[]" : field;
  return new StatusError(422, "Invalid", `PodLogOptions "${pod}" is invalid: ${at}: ${message}`, {
    name: pod,
    kind: "PodLogOptions",
    causes: [{ reason, message, field }],
  });
}

function chooseContainer(podName: string, pod: Pod | undefined, asked: string | undefined): string {
  const names = pod ? [...pod.of("init"), ...pod.of("container")].map(({ name }) => name) : [];
  const [only] = names;
  if (asked === undefined && names.length === 1 && only !== undefined) return only;
  if (asked === undefined)
    throw badRequest(`a container name must be specified for pod ${podName}, choose one of: [${names.join(" ")}]`);
  if (pod && !names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${podName}`);
  return asked;
}

function chooseRun(pod: Pod, name: string, previous: boolean): ContainerRun {
  const container = pod.container(name);
  if (previous) {
    if (!container.previous) throw badRequest(`previous terminated container "${name}" in pod "${pod.name}" not found`);
    return container.previous;
  }
  const run = container.current;
  if (run) return run;
  throw badRequest(waitingText(pod.name, name, container.waiting.reason));
}

/** validateContainerLogStatus's sentences. */
function waitingText(pod: string, container: string, reason: string): string {
  const subject = `container "${container}" in pod "${pod}" is waiting to start`;
  if (reason === "ErrImagePull") return `${subject}: image can't be pulled`;
  if (reason === "ImagePullBackOff") return `${subject}: trying and failing to pull image`;
  return `${subject}: ${reason}`;
}

function sendBody(
  context: Context,
  {
    pod,
    container,
    run,
    options,
    fault,
  }: { pod: Pod; container: string; run: ContainerRun; options: LogQuery; fault: LogFault | undefined },
  response: ServerResponse,
): void {
  response.writeHead(200, { "content-type": "text/plain", "cache-control": "no-cache, private" });
  response.flushHeaders();
  const body = new FaultyBody(response, fault);
  const format = {
    timestamps: options.timestamps,
    offsetMinutes: context.offsetMinutes,
    ...(options.sinceNs === undefined ? {} : { sinceNs: options.sinceNs }),
    ...(options.tailLines === undefined ? {} : { tailLines: options.tailLines }),
    ...(options.limitBytes === undefined ? {} : { limitBytes: options.limitBytes }),
  };
  if (run.filesDeleted) {
    body.end(kubeletErrors.containerGone(run.containerId));
  } else if (options.follow) {
    const follower = new LogFollower(run, body, {
      ...format,
      acquireWatcher: () => context.kubelet.acquireWatcher(pod),
    });
    body.onDrain(() => follower.resume());
    const forget = context.kubelet.registerFollow({ pod, container, run, follower, body });
    const cut = (): void => body.strike({ kind: "reset", afterBytes: 0 });
    const timer = context.maxFollowMs > 0 ? setTimeout(cut, context.maxFollowMs) : undefined;
    const leave = (): void => {
      clearTimeout(timer);
      forget();
      follower.stop();
    };
    response.on("close", leave);
    follower.start();
  } else {
    body.write(readOnce(run, format));
    body.end();
  }
}
