import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { LogState } from "../archive/record.ts";
import type { StorageError, StorageErrorKind } from "../storage-adapters/store.ts";
import type { Stray } from "./follow/kubelet-error.ts";
import type { GapCause, LossCause } from "./follow/missing.ts";
import type { RelayEnd } from "./follow/relay.ts";
import type { Successor } from "./follow/successors.ts";

/** What is looked up at every scrape. */
export type Sources = {
  runsWaiting: () => number;
  logsOpen: () => number;
  logsAtRisk: () => number;
  spoolBytes: () => number;
  backlogBytes: () => number;
  ready: () => boolean;
};

const GAP_CAUSES: (GapCause | LossCause | "unreadable" | "not-read" | "two-collectors")[] = [
  ...(["rotated", "read-late", "skipped", "unseen", "store-away"] as const),
  ...(["evicted", "preempted", "node-lost", "pod-deleted"] as const),
  ...(["unreadable", "not-read", "two-collectors"] as const),
];
const INTERRUPTIONS: (Stray | RelayEnd["type"] | "redaction")[] = [
  ...(["broken", "refused", "no-watcher", "kubelet-error", "unknown", "redaction"] as const),
];
const SUCCESSORS: Successor[] = ["silence", "age", "rate"];
const STORE_ERRORS: (StorageErrorKind | "other")[] = [
  "unavailable",
  "denied",
  "not-found",
  "conflict",
  "invalid",
  "other",
];
const WATCHED = ["pipelineruns", "taskruns", "pods"];
const LOG_STATES: LogState[] = ["whole", "incomplete", "cut", "none"];

/** The collector's metrics, in Prometheus' base units. A gap or an interruption is told by its cause, never by its run: labels stay few. */
export class Metrics {
  readonly registry = new Registry();
  readonly follows: Gauge;
  readonly #lines: Counter;
  readonly #bytes: Counter;
  readonly #chunks: Counter;
  readonly #gaps: Counter;
  readonly #interruptions: Counter;
  readonly #successors: Counter;
  readonly #conflicts: Counter;
  readonly #storeErrors: Counter;
  readonly #logs: Counter;
  readonly #runs: Counter;
  readonly #watchErrors: Counter;
  readonly #lag: Histogram;

  constructor() {
    const registers = [this.registry];
    const counter = (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name: `afterlog_${name}`, help, labelNames, registers });
    // Every series begins at 0: of one that begins at 1, Prometheus' increase() sees nothing.
    const counterBy = (label: string, values: readonly string[], name: string, help: string) => {
      const labelled = counter(name, help, [label]);
      for (const value of values) labelled.inc({ [label]: value }, 0);
      return labelled;
    };
    this.follows = new Gauge({
      name: "afterlog_follows_open",
      help: "Log streams that follow a container.",
      registers,
    });
    this.#lines = counter("lines_stored_total", "Lines that are in the store.");
    this.#bytes = counter("bytes_stored_total", "Bytes of log text, times included, that are in the store.");
    this.#chunks = counter("chunks_stored_total", "Chunks put into the store.");
    this.#gaps = counterBy("cause", GAP_CAUSES, "gaps_total", "Stretches of logs declared missing, by cause.");
    this.#interruptions = counterBy(
      "kind",
      INTERRUPTIONS,
      "stream_interruptions_total",
      "Log streams that ended before the log did.",
    );
    this.#successors = counterBy(
      "reason",
      SUCCESSORS,
      "stream_successors_total",
      "Log streams opened before the last one was given up.",
    );
    this.#conflicts = counter("write_conflicts_total", "Chunks that another collector had written already.");
    this.#storeErrors = counterBy(
      "kind",
      STORE_ERRORS,
      "store_errors_total",
      "Store requests that failed and are tried again, by kind.",
    );
    this.#logs = counterBy("state", LOG_STATES, "logs_finished_total", "Logs that are finished, by their state.");
    this.#runs = counter("runs_archived_total", "Runs whose record is final.");
    this.#watchErrors = counterBy("resource", WATCHED, "watch_errors_total", "Interruptions of the watches.");
    this.#lag = new Histogram({
      name: "afterlog_lag_seconds",
      help: "From a line's printing to its being in the store, for the oldest line of each chunk.",
      buckets: [0.5, 1, 2, 2.5, 5, 10, 30, 60, 300, 1800],
      registers,
    });
  }

  /** Gauges that are looked up when somebody asks, and those of the process itself. */
  watch(sources: Sources): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `afterlog_${name}`,
        help,
        registers: [this.registry],
        collect() {
          this.set(value());
        },
      });
    gauge("runs_waiting", "Runs that wait to be reconciled.", sources.runsWaiting);
    gauge("logs_open", "Logs that are being read.", sources.logsOpen);
    gauge("logs_at_risk", "Logs whose container has ended and that are not wholly in the store.", sources.logsAtRisk);
    gauge("spool_bytes", "Length of the spool's files.", sources.spoolBytes);
    gauge("backlog_bytes", "Text that was read and is not in the store yet.", sources.backlogBytes);
    gauge("ready", "1 when everything that exists has been listed.", () => Number(sources.ready()));
    collectDefaultMetrics({ register: this.registry });
  }

  /** @param firstTime of the oldest line, RFC 3339 */
  readonly stored = (chunk: { lines: number; bytes: number; firstTime: string | undefined }): void => {
    this.#chunks.inc();
    this.#lines.inc(chunk.lines);
    this.#bytes.inc(chunk.bytes);
    const printed = Date.parse(chunk.firstTime ?? "");
    if (printed) this.#lag.observe(Math.max(0, Date.now() - printed) / 1000);
  };

  readonly gap = ({ cause }: { cause: string }): void => this.#gaps.inc({ cause });

  readonly conflict = (): void => this.#conflicts.inc();

  readonly successor = (reason: string): void => this.#successors.inc({ reason });

  interrupted(kind: string): void {
    this.#interruptions.inc({ kind });
  }

  readonly storeFailed = (error: unknown): void =>
    this.#storeErrors.inc({ kind: (error as Partial<StorageError>).kind ?? "other" });

  logFinished(state: string): void {
    this.#logs.inc({ state });
  }

  runArchived(): void {
    this.#runs.inc();
  }

  watchFailed(resource: string): void {
    this.#watchErrors.inc({ resource });
  }
}
