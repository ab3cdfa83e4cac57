import type { Severity } from "./severity.ts";

/** A line, or a group of lines under its most telling one, that a rule holds for a reason of the failure. */
export interface Finding {
  /** Counted from 1. */
  line: number;
  /** The line's time as Kubernetes wrote it. */
  time?: string;
  /** The rule's name: stable, so that the same failure can be counted over runs. */
  rule: string;
  severity: Severity;
  /** What the line says, without times, escapes, control and bidi characters; at most 300 characters. */
  excerpt: string;
  /** How many lines the group has, where it has more than one: they stand around `line`, not only after it. */
  lines?: number;
}

/** How a container ended, as its status says. */
export interface Ending {
  failed: boolean;
  exitCode?: number | undefined;
  /** The status's reason: `OOMKilled`, `Error`, `Completed`. */
  reason?: string | undefined;
}

export interface Findings {
  /** The one that explains the failure best; only a failed step has findings at all. */
  leading?: Finding;
  /** The best of them in the log's order, at most 50. */
  findings: Finding[];
  /** How many there were. */
  total: number;
  /** Lines by severity; a line that tells none is not counted. */
  severities: Record<Severity, number>;
}
