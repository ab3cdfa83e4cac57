/** What kubelet writes into the body of an answer with status 200 instead of log (kubernetes-logs.md §6). */
const KNOWN = [
  "unable to retrieve container logs for ",
  "failed to try resolving symlinks in path ",
  "failed to open log file ",
  "failed to watch directory ",
  "failed to create fsnotify watcher: ",
  "rpc error: code = ",
  "context cancelled",
  "context canceled",
];

export type Stray = "no-watcher" | "kubelet-error" | "unknown";

/** What text without a time is. */
export function classifyStray(text: string): Stray {
  if (!KNOWN.some((known) => text.startsWith(known))) return "unknown";
  return /too many open files/.test(text) ? "no-watcher" : "kubelet-error";
}
