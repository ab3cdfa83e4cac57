import { type Chance, FaultChooser } from "./fault-chooser.ts";

/** What can go wrong with one answer of the API server, each alone. */

export type LogFault =
  /** The connection is reset after that many bytes of the body. */
  | { kind: "reset"; afterBytes: number }
  /** The body ends as if it were complete, while the container still runs: a load balancer's idle timeout. */
  | { kind: "clean-eof"; afterBytes: number }
  /** Nothing more arrives, and the connection stays open. */
  | { kind: "silence"; afterBytes: number }
  /** So many bytes without a newline, then a reset. */
  | { kind: "endless-line"; afterBytes: number; bytes: number }
  | { kind: "garbage"; afterBytes: number; bytes?: Uint8Array }
  /** kubelet's own error, under HTTP 200, at the body's end, without time or newline. */
  | { kind: "in-band-error"; afterBytes: number; text: string }
  | { kind: "delayed-headers"; delayMs: number }
  | { kind: "status"; code: 500 | 503 }
  /** kubelet has just started and does not know the pod yet: 404 with details.kind `pods/log`. */
  | { kind: "unknown-to-kubelet" }
  | { kind: "slow"; bytesPerSecond: number };

export type WatchFault =
  | { kind: "drop"; afterEvents: number }
  | { kind: "clean-eof"; afterEvents: number }
  | { kind: "silence"; afterEvents: number }
  | { kind: "malformed-line"; afterEvents: number }
  /** ADDED events of objects such as no API server gives: with null status and odd labels, bare, without metadata. */
  | { kind: "odd-object"; afterEvents: number }
  /** An ERROR event with a 410 Status, in the stream. */
  | { kind: "gone"; afterEvents: number }
  /** An HTTP status instead of the stream. */
  | { kind: "status"; code: 410 | 500 | 503 };

export type ListFault = { kind: "status"; code: 403 | 410 | 500 | 503 } | { kind: "drop" };

/** For the files that the node proxy gives. */
export type NodeLogFault =
  | { kind: "status"; code: 500 | 503 }
  | { kind: "reset"; afterBytes: number }
  /** The answer begins, and no more of it comes. */
  | { kind: "silence"; afterBytes: number };

/** Instead of doing it; 403: no role grants it. */
export type WriteFault = { kind: "status"; code: 403 | 500 | 503 } | { kind: "drop" };
export type WriteVerb = "create" | "update" | "patch" | "delete";

type Scope = {
  namespace?: string;
  pod?: string;
  container?: string;
  follow?: boolean;
  resource?: string;
  verb?: WriteVerb;
  /** Of the object that is written. */
  name?: string;
};

type FaultsOf = {
  log: LogFault;
  watch: WatchFault;
  list: ListFault;
  write: WriteFault;
  "node-log": NodeLogFault;
};

export type FaultRule = Scope & {
  /** How many requests it hits; once by default. */
  times?: number;
} & { [On in keyof FaultsOf]: { on: On; fault: FaultsOf[On] } }[keyof FaultsOf];

/** The texts of kubernetes-logs.md §6. */
export const kubeletErrors = {
  containerGone: (containerId: string): string => `unable to retrieve container logs for ${containerId}`,
  symlinks: (path: string): string =>
    `failed to try resolving symlinks in path "${path}": lstat ${path}: no such file or directory`,
  open: (path: string): string => `failed to open log file "${path}": open ${path}: no such file or directory`,
  watchDirectory: (path: string): string => `failed to watch directory "${path}": no space left on device`,
  tooManyOpenFiles: "failed to create fsnotify watcher: too many open files",
  runtimeNotFound: (id: string): string =>
    `rpc error: code = NotFound desc = an error occurred when try to find container "${id}": not found`,
  cancelled: "context cancelled",
} as const;

export type RandomFaults = Chance & {
  log?: readonly LogFault[];
  watch?: readonly WatchFault[];
  list?: readonly ListFault[];
  "node-log"?: readonly NodeLogFault[];
  write?: readonly WriteFault[];
};

/** Chooses the fault for each request. */
export class Faults extends FaultChooser<FaultRule, RandomFaults> {
  /** The fault for this request, used up. */
  take<On extends keyof FaultsOf>(on: On, request: Scope): FaultsOf[On] | undefined {
    const rule = this.rule((candidate) => candidate.on === on && matches(candidate, request));
    if (rule) return rule.fault as FaultsOf[On];
    return this.strike((random) => random[on] as readonly FaultsOf[On][] | undefined);
  }
}

const scopeKeys = ["namespace", "pod", "container", "follow", "resource", "verb", "name"] as const;

const matches = (rule: Scope, request: Scope): boolean =>
  scopeKeys.every((key) => rule[key] === undefined || rule[key] === request[key]);
