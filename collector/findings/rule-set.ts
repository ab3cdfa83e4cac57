import { Keywords } from "./keywords.ts";
import type { Rule } from "./rule.ts";
import type { ReadLine } from "./text.ts";

/** The rules behind their keywords: a line meets only those that may take it, most lines none. */
export class RuleSet {
  readonly #rules: readonly Rule[];
  readonly #keywords: Keywords;
  /** Places in the list of rules; one set for all lines. */
  readonly #found = new Set<number>();

  /** @param rules the best first: the first that matches a line takes it */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    const places = new Map<string, number[]>();
    rules.forEach((rule, at) => {
      for (const keyword of rule.keywords) places.set(keyword, [...(places.get(keyword) ?? []), at]);
    });
    this.#keywords = new Keywords(places);
  }

  /** The rules with a keyword between `from` and `to`, the best first. */
  candidates(bytes: Buffer, from: number, to: number): readonly Rule[] {
    this.#found.clear();
    this.#keywords.find(bytes, from, to, this.#found);
    if (this.#found.size === 0) return NONE;
    return [...this.#found].sort((a, b) => a - b).map((at) => this.#rules[at] as Rule);
  }
}

const NONE: readonly Rule[] = [];

/** What runners say of themselves, shells of the commands they run, and programs to those who debug them: never why something failed. */
const SAID_IN_PASSING =
  /^\s{0,8}(?:##\[(?:warning|debug|command|group|section|endgroup)\]|::(?:warning|notice|debug|group)[ :]|\+{1,4} |\[?DEBUG\b|level=debug\b)/;

/** The first of the rules that takes the line. */
export function firstToTake(candidates: readonly Rule[], line: ReadLine): Rule | undefined {
  const rule = candidates.find((candidate) => takes(candidate, line));
  return rule && !SAID_IN_PASSING.test(line.body) ? rule : undefined;
}

/** Whether the rule's patterns take the line. */
export function takes(rule: Rule, line: ReadLine): boolean {
  const subject = rule.whole ? line.text : line.message;
  return rule.match.every((pattern) => pattern.test(subject)) && !rule.not?.some((pattern) => pattern.test(subject));
}
