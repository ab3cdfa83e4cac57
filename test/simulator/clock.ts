import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { generator } from "./random.ts";

/** The simulation's time. Durations are simulated milliseconds. */
export interface Clock {
  /** Nanoseconds since the epoch. */
  nowNs(): bigint;
  /** Resolves after `ms` of simulated time, or early when the signal is aborted (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Runs `speed` times as fast as the wall, starting at `startMs` (now, by default). */
export function scaledClock(speed = 1, startMs = Date.now()): Clock {
  const startNs = BigInt(Math.round(startMs * 1000)) * 1000n;
  const begun = process.hrtime.bigint();
  const scale = BigInt(Math.round(speed * 1000));
  return {
    nowNs: () => startNs + ((process.hrtime.bigint() - begun) * scale) / 1000n,
    sleep: async (ms, signal) => {
      if (signal?.aborted) return;
      await delay(ms / speed, undefined, { ref: false, ...(signal ? { signal } : {}) }).catch((error: unknown) => {
        if (!signal?.aborted) throw error;
      });
    },
  };
}

export interface ManualClock extends Clock {
  /** Moves time, waking every sleeper at its own instant and in order. */
  advance(ms: number): Promise<void>;
  /** Jumps from sleeper to sleeper until `done` is settled: a long history takes no real time. */
  runUntil(done: Promise<unknown>): Promise<void>;
}

type Sleeper = { atNs: bigint; order: number; wake: () => void };

/**
 * Time stands still unless a test moves it. `jitter` makes every sleep up to 1 ms longer, the same way each time, so
 * that a simulated history does not have the round times of a machine without a pulse.
 */
export function manualClock(startMs: number, { jitter = false } = {}): ManualClock {
  let now = BigInt(Math.round(startMs * 1000)) * 1000n;
  let order = 0;
  const random = generator(1);
  const sleepers = new Set<Sleeper>();

  const earliest = (): Sleeper | undefined => {
    let first: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (!first || sleeper.atNs < first.atNs || (sleeper.atNs === first.atNs && sleeper.order < first.order))
        first = sleeper;
    }
    return first;
  };
  const wake = async (sleeper: Sleeper): Promise<void> => {
    if (sleeper.atNs > now) now = sleeper.atNs;
    sleepers.delete(sleeper);
    sleeper.wake();
    // What was woken may go to sleep again before `target`: let its microtasks run first.
    await nextTurn();
  };

  return {
    nowNs: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper: Sleeper = {
          atNs: now + BigInt(Math.round((Math.max(0, ms) + (jitter ? random() : 0)) * 1e6)),
          order: order++,
          wake: () => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        sleepers.add(sleeper);
      }),
    advance: async (ms) => {
      const target = now + BigInt(Math.round(ms * 1e6));
      await nextTurn();
      for (let next = earliest(); next && next.atNs <= target; next = earliest()) await wake(next);
      now = target;
    },
    runUntil: async (done) => {
      let settled = false;
      let idleTurns = 0;
      const watch = done.finally(() => {
        settled = true;
      });
      await nextTurn();
      while (!settled) {
        const next = earliest();
        // Whoever writes a lot without pause takes a turn of the event loop now and then.
        idleTurns = next ? 0 : idleTurns + 1;
        if (idleTurns > 100_000) throw new Error("the run waits for something that no clock will bring");
        await (next ? wake(next) : nextTurn());
      }
      await watch;
    },
  };
}

/** `2006-01-02T15:04:05Z`, as metav1.Time is written. */
export const timeText = (ns: bigint): string => `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)}Z`;
