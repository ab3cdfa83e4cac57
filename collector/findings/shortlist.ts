import { type Finding, MAX_FINDINGS } from "../../archive/findings.ts";
import type { Ending } from "./ending.ts";
import type { Rule } from "./rule.ts";

/** A finding with what ranks it. */
export interface Candidate {
  finding: Finding;
  rule: Rule;
  priority: number;
}

/** How much more a finding explains if the exit code says the same: from any band to above all others. */
const CONFIRMED = 100;

/**
 * Positive if `b` explains more. Of one priority, first errors come before last ones, and each kind in its own
 * direction: a compiler's first error is the cause, of other findings the last one before the end.
 */
function compare(a: Candidate, b: Candidate): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.rule.pick !== b.rule.pick) return a.rule.pick === "first" ? -1 : 1;
  return a.rule.pick === "first" ? a.finding.line - b.finding.line : b.finding.line - a.finding.line;
}

/** The best findings of a log of any length. */
export class Shortlist {
  /** The best first. */
  readonly #kept: Candidate[] = [];
  /** Each rule's best: the exit code may lift it over the others at the end. */
  readonly #bestOf = new Map<string, Candidate>();
  #total = 0;
  #last: { finding: Finding; end: number } | undefined;

  get isEmpty(): boolean {
    return this.#total === 0;
  }

  /** @param end the last line that belongs to the finding */
  add(candidate: Candidate, end: number): void {
    const { finding, rule } = candidate;
    const repeats = this.#last?.finding.rule === finding.rule && this.#last.finding.excerpt === finding.excerpt;
    if (repeats && this.#last?.end === finding.line - 1) {
      this.#last.end = end;
      return;
    }
    this.#last = { finding, end };
    this.#total++;
    const best = this.#bestOf.get(rule.name);
    if (best === undefined || compare(candidate, best) < 0) this.#bestOf.set(rule.name, candidate);
    this.#keep(candidate);
  }

  #keep(candidate: Candidate): void {
    const worst = this.#kept.at(-1);
    if (this.#kept.length === MAX_FINDINGS && worst && compare(candidate, worst) >= 0) return;
    const at = this.#kept.findIndex((other) => compare(candidate, other) < 0);
    this.#kept.splice(at === -1 ? this.#kept.length : at, 0, candidate);
    if (this.#kept.length > MAX_FINDINGS) this.#kept.pop();
  }

  /** The findings in the log's order, and the one that explains the most. */
  close(ending: Ending): { leading?: Finding; findings: Finding[]; total: number } {
    const confirmed = [...this.#bestOf.values()].map((best) => ({
      ...best,
      priority: best.priority + (isConfirmed(best.rule, ending) ? CONFIRMED : 0),
    }));
    const leading = confirmed.sort(compare)[0]?.finding;
    const findings = this.#kept.map((kept) => kept.finding);
    if (leading && !findings.includes(leading)) findings[findings.length - 1] = leading;
    findings.sort((a, b) => a.line - b.line);
    return { ...(leading && { leading }), findings, total: this.#total };
  }
}

function isConfirmed(rule: Rule, { exitCode, reason }: Ending): boolean {
  const code = reason === "OOMKilled" ? 137 : exitCode;
  return code !== undefined && (rule.exitCodes?.includes(code) ?? false);
}
