import type { RunRecord } from "../../archive/record.ts";
import type { RunName } from "../address.ts";

type Found = Promise<RunRecord | undefined>;

/** Who comes back after a break comes with everybody else: for so long a name leads to the run that it led to. */
const GOOD_MS = 2_000;

/** Runs by name, looked up once for all who ask at the same time. Pure but for what it is given. */
export class RunLookups {
  readonly #pending = new Map<string, Found>();
  readonly #uids = new Map<string, { uid: string; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * `followed`: what is known of a run already, and kept up to date. `lookUp`: finds it in the archive.
   * @throws what `lookUp` throws
   */
  async find(
    { kind, namespace, name }: RunName,
    uid: string | undefined,
    { followed, lookUp }: { followed: (uid: string) => Found; lookUp: () => Found },
  ): Found {
    const now = this.#now();
    for (const [key, { until }] of this.#uids) if (until < now) this.#uids.delete(key);
    const key = [kind, namespace, name, uid].join("/");
    const known = uid ?? this.#uids.get(key)?.uid;
    const record = known === undefined ? undefined : await followed(known);
    return record ?? this.#lookUpOnce(key, lookUp);
  }

  #lookUpOnce(key: string, lookUp: () => Found): Found {
    const pending = this.#pending.get(key);
    if (pending) return pending;
    const found = lookUp()
      .then((record) => {
        if (record) this.#uids.set(key, { uid: record.run.uid, until: this.#now() + GOOD_MS });
        return record;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, found);
    return found;
  }
}
