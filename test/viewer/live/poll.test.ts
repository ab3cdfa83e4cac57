import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StorageError } from "../../../storage-adapters/store.ts";
import { changeOf, Poll } from "../../../viewer/live/poll.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Counts up by what `steps` says at each look; 0 = nothing new. */
function counting(steps: (number | Error)[], overAt = Number.POSITIVE_INFINITY) {
  const failures: unknown[] = [];
  const looks: number[] = [];
  const poll = new Poll<number>({
    first: 0,
    look: async (last) => {
      looks.push(Date.now());
      const step = steps.shift() ?? 0;
      if (step instanceof Error) throw step;
      return last + step;
    },
    isOver: (value) => value >= overAt,
    pauseMs: { min: 1_000, max: 2_000 },
    onFailure: (error) => failures.push(error),
  });
  return { poll, failures, looks };
}

describe("a poll", () => {
  test("looks often while something is new, and calms down", async () => {
    const { poll, looks } = counting([1, 1]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(poll.value).toBe(2);
    const pauses = looks.slice(1).map((time, i) => time - (looks[i] ?? 0));
    expect(pauses.slice(0, 3)).toEqual([1_000, 1_000, 1_250]);
    expect(pauses.at(-1)).toBe(2_000);
    poll.stop();
  });

  test("ends when it is over, and when it is stopped", async () => {
    const { poll, looks } = counting([1, 1, 1], 2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([poll.value, looks.length, vi.getTimerCount()]).toEqual([2, 2, 0]);
    const other = counting([]);
    other.poll.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([other.looks.length, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("waits out what may pass", async () => {
    const away = new StorageError("unavailable", "no answer");
    const { poll, failures } = counting([away, away, 1]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([poll.value, failures.length]).toEqual([1, 2]);
    poll.stop();
  });

  test("gives up what will not pass, and tells", async () => {
    const { poll, looks } = counting([new StorageError("denied", "no")]);
    const told = vi.fn();
    poll.onChange(told);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveBeenCalledOnce();
    expect(() => poll.value).toThrow("no");
    expect([looks.length, vi.getTimerCount()]).toEqual([1, 0]);
  });

  test("replaces a value once for all who say that it is of no use", async () => {
    const { poll } = counting([]);
    let made = 0;
    const make = async () => 100 + ++made;
    await Promise.all([poll.replace(0, make), poll.replace(0, make)]);
    await poll.replace(0, make);
    expect([poll.value, made]).toEqual([101, 1]);
    poll.stop();
  });
});

describe("waiting for a change", () => {
  test("ends with one, after a while, or when the signal says so, and leaves nothing behind", async () => {
    const { poll } = counting([1]);
    const gone = new AbortController();
    await Promise.all([changeOf([poll], 60_000, gone.signal), vi.advanceTimersByTimeAsync(1_000)]);
    expect(poll.value).toBe(1);
    poll.stop();
    expect(vi.getTimerCount()).toBe(0);
    await Promise.all([changeOf([poll], 5_000, gone.signal), vi.advanceTimersByTimeAsync(5_000)]);
    const waiting = changeOf([poll], 5_000, gone.signal);
    gone.abort();
    await waiting;
    await changeOf([poll], 5_000, gone.signal);
    expect(vi.getTimerCount()).toBe(0);
  });
});
