import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { formatTime, storedEntry } from "./cri-log.ts";
import type { Faults, NodeLogFault } from "./faults.ts";
import { FaultyBody } from "./faulty-body.ts";
import type { Kubelet } from "./kubelet.ts";
import type { LogFile } from "./log-file.ts";
import type { Pod } from "./pod.ts";
import { StatusError, serverFailure, unreachable } from "./status.ts";

type Context = { kubelet: Kubelet; faults: Faults; nodeProxy: boolean; offsetMinutes: number };

/** `directory` is a pod's `{namespace}_{name}_{uid}`; `file` is undefined for a path that ends at the container. */
type NodeLogPath = {
  nodeName: string;
  directory: string;
  container: string;
  file: string | undefined;
  trailingSlash: boolean;
};

type BodyFault = Exclude<NodeLogFault, { kind: "status" }>;

type NodeLogFile = { name: string; file: LogFile; compressed: boolean };

/** `/api/v1/nodes/{node}/proxy/logs/pods/{directory}/{container}[/[{file}[/]]]`. */
export function parseNodeLogPath(path: string): NodeLogPath | undefined {
  const match = /^\/api\/v1\/nodes\/([^/]+)\/proxy\/logs\/pods\/([^/]+)\/([^/]+)(?:\/([^/]+))?(\/?)$/.exec(path);
  if (!match) return undefined;
  const [nodeName = "", directory = "", container = "", file] = match
    .slice(1, 5)
    .map((part) => (part === undefined ? undefined : decodeURIComponent(part)));
  return { nodeName, directory, container, file, trailingSlash: match[5] === "/" };
}

/** kubelet's `http.FileServer` over /var/log, as the API server's node proxy passes it on. */
export async function serveNodeLogs(
  { kubelet, faults, nodeProxy, offsetMinutes }: Context,
  { nodeName, directory, container, file, trailingSlash }: NodeLogPath,
  range: string | undefined,
  response: ServerResponse,
): Promise<void> {
  if (!nodeProxy) throw forbidden(nodeName);
  const pods = [...kubelet.pods()].filter((pod) => pod.nodeName === nodeName);
  if (pods.length === 0)
    throw new StatusError(404, "NotFound", `nodes "${nodeName}" not found`, { name: nodeName, kind: "nodes" });
  const unreachableBecause = kubelet.unreachable(nodeName);
  if (unreachableBecause !== undefined) throw unreachable(unreachableBecause);

  const pod = pods.find(({ namespace, name, uid }) => `${namespace}_${name}_${uid}` === directory);
  const files = filesOf(pod, container, offsetMinutes);
  if (files.length === 0) return notThere(response);
  // http.FileServer's own relative redirects, which the proxy leaves as they are.
  if (file === undefined && !trailingSlash) return redirect(response, `${container}/`);
  const scope = pod ? { namespace: pod.namespace, pod: pod.name, container } : { container };
  const fault = faults.take("node-log", scope);
  if (fault?.kind === "status") throw serverFailure(fault.code);
  if (file === undefined) return sendListing(files, response);
  const found = files.find(({ name }) => name === file);
  if (!found) return notThere(response);
  if (trailingSlash) return redirect(response, `../${file}`);
  const bytes = storedBytes(found.file, offsetMinutes);
  const type = found.compressed ? "application/gzip" : "text/plain; charset=utf-8";
  sendFile(found.compressed ? await promisify(gzip)(bytes) : bytes, { type, range, fault }, response);
}

/** Sorted by name. kubelet compresses all rotated files but the newest of each run. */
function filesOf(pod: Pod | undefined, container: string, offsetMinutes: number): NodeLogFile[] {
  const runs = pod?.containers.get(container)?.runs ?? [];
  const files = runs
    .filter(({ filesDeleted }) => !filesDeleted)
    .flatMap((run) =>
      [...run.rotatedFiles, run.newestFile].map((file) => {
        const compressed = file.renamedNs !== undefined && file !== run.rotatedFiles.at(-1);
        return { name: fileName(run.restart, file.renamedNs, compressed, offsetMinutes), file, compressed };
      }),
    );
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fileName(restart: number, renamedNs: bigint | undefined, compressed: boolean, offsetMinutes: number): string {
  if (renamedNs === undefined) return `${restart}.log`;
  const stamp = formatTime(renamedNs, offsetMinutes).slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  return `${restart}.log.${stamp}${compressed ? ".gz" : ""}`;
}

const storedBytes = (file: LogFile, offsetMinutes: number): Buffer =>
  Buffer.concat(Array.from(file.entries(), (entry) => storedEntry(entry, offsetMinutes)));

function sendListing(files: NodeLogFile[], response: ServerResponse): void {
  const links = files.map(({ name }) => `<a href="${name}">${name}</a>\n`).join("");
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(`<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links}</pre>\n`);
}

function sendFile(
  bytes: Buffer,
  { type, range, fault }: { type: string; range: string | undefined; fault: BodyFault | undefined },
  response: ServerResponse,
): void {
  const { length } = bytes;
  const asked = byteRange(range, length);
  if (asked && asked.start >= asked.end) {
    response
      .writeHead(416, { "content-type": "text/plain; charset=utf-8", "content-range": `bytes */${length}` })
      .end("invalid range: failed to overlap\n");
    return;
  }
  const part = asked ? bytes.subarray(asked.start, asked.end) : bytes;
  response.writeHead(asked ? 206 : 200, {
    "content-type": type,
    "accept-ranges": "bytes",
    "content-length": part.length,
    ...(asked ? { "content-range": `bytes ${asked.start}-${asked.end - 1}/${length}` } : {}),
  });
  const body = new FaultyBody(response, fault);
  body.write(part);
  body.end();
}

/** `end` is exclusive; a range that covers nothing ends where it starts or before. */
function byteRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (!match) return undefined;
  return { start: Number(match[1]), end: match[2] === "" ? size : Math.min(size, Number(match[2]) + 1) };
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(301, { location }).end();
}

function notThere(response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
}

const forbidden = (nodeName: string): StatusError =>
  new StatusError(
    403,
    "Forbidden",
    `nodes "${nodeName}" is forbidden: User "simulator" cannot get resource "nodes/proxy" in API group "" at the cluster scope`,
    { name: nodeName, kind: "nodes" },
  );
