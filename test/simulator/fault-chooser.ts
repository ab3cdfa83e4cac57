import { generator } from "./random.ts";

/** Chance of a fault per operation, 0 to 1. */
export type Chance = { rate: number; seed: number };

/** Chooses the fault for each operation: rules first, in the order they were added, then chance. */
export class FaultChooser<Rule extends { times?: number }, Random extends Chance> {
  #rules: { rule: Rule; left: number }[] = [];
  #random: { options: Random; next: () => number } | undefined;

  add(rule: Rule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  randomly(options: Random): void {
    this.#random = { options, next: generator(options.seed) };
  }

  clear(): void {
    this.#rules = [];
    this.#random = undefined;
  }

  /** The first rule that matches, used up by one. */
  rule(matches: (rule: Rule) => boolean): Rule | undefined {
    const found = this.#rules.find(({ rule, left }) => left > 0 && matches(rule));
    if (found) found.left -= 1;
    return found?.rule;
  }

  /** One of the faults that chance may choose from, if it strikes. */
  strike<Fault>(faultsOf: (random: Random) => readonly Fault[] | undefined): Fault | undefined {
    if (!this.#random) return undefined;
    const { options, next } = this.#random;
    const faults = faultsOf(options);
    if (!faults?.length || next() >= options.rate) return undefined;
    return faults[Math.floor(next() * faults.length)];
  }
}
