import type { Finding, Severity } from "../../archive/findings.ts";
import { PRIORITY, type Rule } from "./rule.ts";
import type { Candidate } from "./shortlist.ts";
import { detached, excerptOf, type ReadLine } from "./text.ts";

const MAX_EXCERPT = 300;
/** A group that goes on has told what it had to tell. */
const MAX_LINES = 500;

/** Where a line stands: its number from 1, and its time, empty where it has none. */
export interface Place {
  line: number;
  time: string;
  /** What the line names itself. */
  severity: Severity | undefined;
}

/** What calls itself a warning or a trace may be the reason, but anything that says "error" rather is. */
const QUIET: readonly Severity[] = ["warning", "debug"];

/** Lines that belong together while they pass: the first one, those that follow, and the one that tells most. */
export class OpenGroup {
  readonly rule: Rule;
  readonly #first: number;
  readonly #indent: number;
  #lead: Place & { text: string };
  #last: number;

  /** @param first where the lines before this one began that belong to it */
  constructor(rule: Rule, line: ReadLine, place: Place, first = place.line) {
    this.rule = rule;
    this.#first = first;
    this.#indent = line.body.length - line.body.trimStart().length;
    this.#lead = { ...place, text: line.message };
    this.#last = place.line;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** Takes the line if the group goes on with it. */
  takes(line: ReadLine, place: Place): boolean {
    const { group } = this.rule;
    const own = this.#relative(line.body);
    if (group == null || place.line - this.#first >= MAX_LINES || !group.more.test(own)) return false;
    if (own !== "") this.#last = place.line;
    if (group.lead?.test(own)) this.#lead = { ...place, text: line.message };
    return true;
  }

  /** Whether the line, which the group did not take, is what the group led to. */
  leadsTo(line: ReadLine): boolean {
    return this.rule.group?.closing?.test(this.#relative(line.body)) ?? false;
  }

  candidate(): Candidate {
    const finding = this.#finding();
    // A group that did not reach the line it leads to is worth as little as a warning.
    const isWeak = this.rule.group?.closing !== undefined || finding.severity !== "error";
    const priority = isWeak ? Math.min(this.rule.priority, PRIORITY.weak - 1) : this.rule.priority;
    return { finding, rule: this.rule, priority };
  }

  #finding(): Finding {
    const { line, time, text, severity } = this.#lead;
    const named = severity !== undefined && QUIET.includes(severity) ? severity : "error";
    const lines = this.#last - this.#first + 1;
    return {
      line,
      ...(time && { time: detached(time) }),
      rule: this.rule.name,
      severity: this.rule.severity ?? named,
      excerpt: excerptOf(text, MAX_EXCERPT),
      ...(lines > 1 && { lines }),
    };
  }

  /** Without the indentation of the group's first line; a line that has less keeps none. */
  #relative(body: string): string {
    let at = 0;
    while (at < this.#indent && (body[at] === " " || body[at] === "\t")) at++;
    return body.slice(at);
  }
}
