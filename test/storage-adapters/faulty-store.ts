import { pipeline, type Readable, Transform } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { bodyStream } from "../../storage-adapters/body-stream.ts";
import { type ObjectStore, StorageError } from "../../storage-adapters/store.ts";
import { type Chance, FaultChooser } from "../simulator/fault-chooser.ts";

export type StoreOperation = "get" | "put" | "list" | "delete" | "stat";

export type StoreFault =
  /** A 503, before anything is done. */
  | { kind: "unavailable" }
  | { kind: "denied" }
  /** S3's ConditionalRequestConflict: another put of the key is under way. Nothing is done. */
  | { kind: "conflict-409" }
  /** The operation is done, and then `unavailable` is thrown: by a listing, after its last item. */
  | { kind: "lost-answer" }
  | { kind: "slow"; ms: number }
  /** Nothing happens until the signal is aborted, or until `release`: then the operation goes on. */
  | { kind: "hang" };

export type StoreRule = {
  on: StoreOperation;
  /** Of a listing, the prefix is the key. */
  key?: RegExp;
  /** How many operations it hits; once by default. */
  times?: number;
  fault: StoreFault;
};

export type RandomStoreFaults = Chance & {
  faults: readonly StoreFault[];
  /** All operations by default. */
  on?: readonly StoreOperation[];
};

/** `bytes` are those that a put stored or that a get's reader was given; `faults` the calls that met a fault. */
export type StoreCounter = { calls: number; faults: number; bytes: number };

export type FaultyStore = {
  store: ObjectStore;
  /** Rules strike before chance, in the order they were added. */
  add: (rule: StoreRule) => void;
  randomly: (options: RandomStoreFaults) => void;
  /** Forgets rules and chance; what hangs goes on hanging. */
  clear: () => void;
  /** How many operations hang now. */
  hanging: () => number;
  /** Lets go on what hangs now. */
  release: () => void;
  /** Every operation that begins now fails with `unavailable`, until the returned function is called. */
  outage: () => () => void;
  counters: Record<StoreOperation, StoreCounter>;
};

type Call = { on: StoreOperation; key: string; signal: AbortSignal | undefined };

/** A store that fails on demand or by chance, the same way for the same seed. */
export function faultyStore(store: ObjectStore, { random }: { random?: RandomStoreFaults } = {}): FaultyStore {
  const faults = new FaultChooser<StoreRule, RandomStoreFaults>();
  if (random) faults.randomly(random);
  const counters = { get: counter(), put: counter(), list: counter(), delete: counter(), stat: counter() };
  const hanging = new Set<() => void>();
  const outages = new Set<symbol>();

  const choose = (on: StoreOperation, key: string): StoreFault | undefined =>
    faults.rule((rule) => rule.on === on && (rule.key?.test(key) ?? true))?.fault ??
    faults.strike((chance) => (chance.on?.includes(on) === false ? undefined : chance.faults));

  /** Resolves when the operation may be done, with what to do after it. */
  async function begin({ on, key, signal }: Call): Promise<{ finish: () => void }> {
    counters[on].calls += 1;
    signal?.throwIfAborted();
    const fault = outages.size > 0 ? ({ kind: "unavailable" } as const) : choose(on, key);
    if (!fault) return { finish: () => undefined };
    counters[on].faults += 1;
    if (fault.kind === "slow") await delay(fault.ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
    if (fault.kind === "hang") await hang(hanging, signal);
    const failure = failureOf(fault, `${on} of "${key}"`);
    if (failure && fault.kind !== "lost-answer") throw failure;
    return {
      finish: () => {
        if (failure) throw failure;
      },
    };
  }

  async function run<T>(call: Call, act: () => Promise<T>): Promise<T> {
    const { finish } = await begin(call);
    const result = await act();
    finish();
    return result;
  }

  return {
    store: {
      async get(key, options = {}) {
        const { finish } = await begin({ on: "get", key, signal: options.signal });
        const body = counted(await store.get(key, options), counters.get, options.signal);
        try {
          finish();
        } catch (error) {
          body.destroy();
          throw error;
        }
        return body;
      },
      stat: (key, options = {}) => run({ on: "stat", key, signal: options.signal }, () => store.stat(key, options)),
      async *list(prefix, options = {}) {
        const { finish } = await begin({ on: "list", key: prefix, signal: options.signal });
        yield* store.list(prefix, options);
        finish();
      },
      put: (key, bytes, options = {}) =>
        run({ on: "put", key, signal: options.signal }, async () => {
          await store.put(key, bytes, options);
          counters.put.bytes += bytes.byteLength;
        }),
      delete: (key, options = {}) =>
        run({ on: "delete", key, signal: options.signal }, () => store.delete(key, options)),
    },
    add: (rule) => faults.add(rule),
    randomly: (options) => faults.randomly(options),
    clear: () => faults.clear(),
    hanging: () => hanging.size,
    release: () => {
      for (const goOn of [...hanging]) goOn();
    },
    outage: () => {
      const outage = Symbol("outage");
      outages.add(outage);
      return () => {
        outages.delete(outage);
      };
    },
    counters,
  };
}

const counter = (): StoreCounter => ({ calls: 0, faults: 0, bytes: 0 });

function failureOf({ kind }: StoreFault, what: string): StorageError | undefined {
  switch (kind) {
    case "unavailable":
      return new StorageError("unavailable", `The store cannot now: ${what}.`);
    case "denied":
      return new StorageError("denied", `The store does not allow the ${what}.`);
    case "conflict-409":
      return new StorageError("unavailable", `Another request is under way: ${what}.`, { retryable: true });
    case "lost-answer":
      return new StorageError("unavailable", `The answer was lost: ${what}.`);
    default:
      return undefined;
  }
}

function hang(hanging: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      hanging.delete(goOn);
      signal?.removeEventListener("abort", onAbort);
    };
    const goOn = (): void => {
      leave();
      resolve();
    };
    const onAbort = (): void => {
      leave();
      reject(signal?.reason);
    };
    hanging.add(goOn);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** An error of the source comes through as it is. */
function counted(source: Readable, counter: StoreCounter, signal: AbortSignal | undefined): Readable {
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      counter.bytes += chunk.length;
      done(null, chunk);
    },
  });
  // Whoever reads what comes out sees the error; the callback is there because pipeline wants one.
  pipeline(source, counting, () => undefined);
  return bodyStream(counting, { ...(signal ? { signal } : {}), failure: (cause) => cause as Error });
}
