import type { RunRecord } from "../../archive/record.ts";
import type { RunName } from "../address.ts";

type Lookup = { record: Promise<RunRecord | undefined>; until: number };

/** Who comes back after a break comes with everybody else: for so long one answer is good for all of them. */
const GOOD_MS = 2_000;

/** Runs by name, each looked up once for all who ask at about the same time. */
export class RunLookups {
  readonly #lookups = new Map<string, Lookup>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  find(
    { kind, namespace, name }: RunName,
    uid: string | undefined,
    find: () => Promise<RunRecord | undefined>,
  ): Promise<RunRecord | undefined> {
    const now = this.#now();
    for (const [key, { until }] of this.#lookups) if (until < now) this.#lookups.delete(key);
    const key = JSON.stringify([kind, namespace, name, uid]);
    const known = this.#lookups.get(key);
    if (known) return known.record;
    const record = find();
    this.#lookups.set(key, { record, until: now + GOOD_MS });
    // A failure is for those who waited for it; who asks later asks anew.
    record.catch(() => this.#lookups.delete(key));
    return record;
  }
}
