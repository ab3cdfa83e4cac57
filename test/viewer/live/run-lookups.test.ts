import { describe, expect, test } from "vitest";
import type { RunRecord } from "../../../archive/record.ts";
import { RunLookups } from "../../../viewer/live/run-lookups.ts";

const NAME = { kind: "PipelineRun", namespace: "ns", name: "r" } as const;
const record = (uid: string) => ({ run: { uid } }) as RunRecord;

/** Looks up what `next` is, and counts; what is followed is told by UID. */
function lookups(followed: Record<string, RunRecord> = {}) {
  const state = { now: 0, looked: 0, next: record("u1") as RunRecord | undefined };
  const runs = new RunLookups(() => state.now);
  const find = (uid?: string) =>
    runs.find(NAME, uid, {
      followed: async (uid) => followed[uid],
      lookUp: async () => {
        state.looked++;
        return state.next;
      },
    });
  return { state, find };
}

describe("looking up runs", () => {
  test("is done once for all who ask at the same time", async () => {
    const { state, find } = lookups();
    const all = await Promise.all(Array.from({ length: 100 }, () => find()));
    expect([state.looked, all.every((found) => found?.run.uid === "u1")]).toEqual([1, true]);
    await Promise.all([find("u1"), find("u1"), find("u2")]);
    expect(state.looked).toBe(3);
  });

  test("is not needed for a run that is followed, which is up to date", async () => {
    const followed = { u1: record("u1") };
    const { state, find } = lookups(followed);
    await find();
    expect(await find()).toBe(followed.u1);
    expect(await find("u1")).toBe(followed.u1);
    expect(state.looked).toBe(1);
  });

  test("is done anew after a while: a name may lead to another run by then", async () => {
    const { state, find } = lookups({ u1: record("u1") });
    await find();
    state.next = record("u2");
    state.now = 10_000;
    expect((await find())?.run.uid).toBe("u2");
  });

  test("remembers neither what is not there nor a failure", async () => {
    const { state, find } = lookups();
    state.next = undefined;
    expect(await find()).toBeUndefined();
    state.next = record("u1");
    expect((await find())?.run.uid).toBe("u1");
    expect(state.looked).toBe(2);
  });
});
