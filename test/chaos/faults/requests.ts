import { kubeletErrors, type LogFault, type WatchFault } from "../../simulator/index.ts";
import { type Cost, type SingleFault, step } from "../single-fault.ts";

const onRequest = (name: string, fault: LogFault, times = 3, cost: Cost = "nothing"): SingleFault => ({
  name,
  cost,
  before: ({ simulator }) => simulator.faults.add({ on: "log", ...step, fault, times }),
});
const onWatch = (name: string, fault: WatchFault): SingleFault => ({
  name,
  cost: "nothing",
  before: ({ simulator }) => simulator.faults.add({ on: "watch", fault, times: 4 }),
});

export const requests: SingleFault[] = [
  onRequest("a reset", { kind: "reset", afterBytes: 700 }),
  onRequest("a reset inside a time", { kind: "reset", afterBytes: 731 }),
  onRequest("an end in order while the container runs", { kind: "clean-eof", afterBytes: 700 }),
  onRequest("a connection that falls silent", { kind: "silence", afterBytes: 700 }, 1),
  onRequest("headers that come late", { kind: "delayed-headers", delayMs: 150 }),
  onRequest("a server error", { kind: "status", code: 500 }),
  onRequest("a server that is not available", { kind: "status", code: 503 }, 6),
  onRequest("a kubelet that does not know the pod yet", { kind: "unknown-to-kubelet" }, 6),
  onRequest("a slow connection", { kind: "slow", bytesPerSecond: 30_000 }, 1),
  onRequest("garbage in the stream", { kind: "garbage", afterBytes: 700 }, 1, "a line"),
  onRequest("a line without an end", { kind: "endless-line", afterBytes: 700, bytes: 3_000_000 }, 1, "a line"),
  ...[
    kubeletErrors.containerGone("containerd://1"),
    kubeletErrors.symlinks("/var/log/pods/0.log"),
    kubeletErrors.open("/var/log/pods/0.log"),
    kubeletErrors.watchDirectory("/var/log/pods"),
    kubeletErrors.tooManyOpenFiles,
    kubeletErrors.runtimeNotFound("1"),
    kubeletErrors.cancelled,
  ].flatMap((text) => [
    onRequest(`kubelet's error behind some log: ${text.slice(0, 40)}`, {
      kind: "in-band-error",
      afterBytes: 700,
      text,
    }),
    onRequest(`kubelet's error instead of log: ${text.slice(0, 40)}`, { kind: "in-band-error", afterBytes: 0, text }),
  ]),
];

export const watches: SingleFault[] = [
  onWatch("a watch that is cut", { kind: "drop", afterEvents: 1 }),
  onWatch("a watch that ends in order", { kind: "clean-eof", afterEvents: 1 }),
  onWatch("a watch that is too old", { kind: "gone", afterEvents: 1 }),
  onWatch("a watch with broken JSON", { kind: "malformed-line", afterEvents: 1 }),
  onWatch("a watch with odd objects", { kind: "odd-object", afterEvents: 1 }),
  onWatch("a watch that is refused", { kind: "status", code: 503 }),
  {
    name: "lists that are refused",
    cost: "nothing",
    before: ({ simulator }) => simulator.faults.add({ on: "list", fault: { kind: "status", code: 503 }, times: 5 }),
  },
  { name: "etcd's compaction", cost: "nothing", during: ({ simulator }) => simulator.compact() },
  { name: "an API server that restarts", cost: "nothing", during: ({ simulator }) => simulator.dropConnections() },
];
