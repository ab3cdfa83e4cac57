import type { Severity } from "../../archive/findings.ts";

/**
 * What is known about one kind of failure, as data.
 *
 * Every pattern is linear on any input: no repetition without a bound and none inside another (a test reads the
 * patterns' sources and refuses the rest).
 */
export interface Rule {
  name: string;
  /** Of two findings the one of the higher priority explains more; PRIORITY says what the numbers mean. */
  priority: number;
  /** Which of several lines explains the failure: a compiler's first error, whatever else was last before the end. */
  pick: "first" | "last";
  /** Whatever the line says of itself; otherwise one that calls itself a warning is one, and all others are errors. */
  severity?: Severity;
  /** A line without any of these words is never looked at; each must contain one of STEMS. */
  keywords: string[];
  /** All must match the line's message: what the line says without the prefixes of loggers and its indentation. */
  match: RegExp[];
  /** None may match. */
  not?: RegExp[];
  /** The patterns are meant for the whole line, with its prefixes. */
  whole?: boolean;
  /** By a runner's command, which is text while commands are stopped. */
  command?: true;
  /** The line only points to the one before it, which is the finding. */
  points?: "before";
  /** Exit codes that this failure is known for: a finding of the rule then comes first. */
  exitCodes?: number[];
  group?: Group;
}

/** Lines after the rule's line that belong to it; they are no findings of their own. */
export interface Group {
  /** A line that goes on with the group; relative to the indentation of the group's first line. */
  more: RegExp;
  /** A line of the group that tells more than its first one; the last such line is the finding. */
  lead?: RegExp;
  /** The finding is the line after the group, as at the end of a traceback; not if it matches nothing of this. */
  closing?: RegExp;
}

/** The bands of priorities: cause before consequence, specific before generic, strong before weak. */
export const PRIORITY = {
  /** The process was ended from outside, which makes all that it printed a consequence. */
  killed: 90,
  /** What was built or run is wrong, at a place. */
  code: 80,
  /** A test or a check failed. */
  test: 70,
  /** What is around it is wrong: packages, images, clusters, files, network, permissions. */
  surroundings: 60,
  /** It says what failed, not why. */
  named: 40,
  /** Says "error" or "failed" in a form that nothing above knows. */
  weak: 30,
  /** Follows from what stands before it. */
  consequence: 20,
  /** Says only that something failed. */
  bare: 10,
} as const;
