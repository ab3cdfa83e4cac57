import { z } from "zod";

/** How bad a line says it is; `unknown` where it says two different things. */
export const severitySchema = z.enum(["error", "warning", "notice", "debug", "unknown"]);
export type Severity = z.infer<typeof severitySchema>;
export type SeverityCounts = Partial<Record<Severity, number>>;

/** Adds one part's counts to those of a log. */
export function addCounts(to: SeverityCounts, counts: SeverityCounts): void {
  for (const severity of severitySchema.options)
    if (counts[severity]) to[severity] = (to[severity] ?? 0) + counts[severity];
}

const count = z.number().int().nonnegative();

const findingSchema = z.object({
  /** Counted from 1. */
  line: count,
  /** The line's time as Kubernetes wrote it. */
  time: z.string().optional(),
  /** The rule's name: stable, so that the same failure can be counted over runs. */
  rule: z.string(),
  severity: severitySchema,
  /** What the line says, without times, escapes, control and bidi characters; at most 300 characters. */
  excerpt: z.string(),
  /** How many lines the group has, where it has more than one: they stand around `line`, not only after it. */
  lines: count.optional(),
});
/** A line, or a group of lines under its most telling one, that a rule holds for a reason of the failure. */
export type Finding = z.infer<typeof findingSchema>;

/** How many findings of one log are kept: a record must stay small, however many steps failed. */
export const MAX_FINDINGS = 10;

export const findingsSchema = z.object({
  /** The one that explains the failure best; only a failed step has findings at all. */
  leading: findingSchema.optional(),
  /** The best of them in the log's order, at most MAX_FINDINGS; the leading one is among them. */
  findings: z.array(findingSchema),
  /** How many there were. */
  total: count,
  /** Lines by severity; a line that tells none is not counted. */
  severities: z.partialRecord(severitySchema, count),
});
/** What was found in one finished log. */
export type Findings = z.infer<typeof findingsSchema>;
