import { expect, test } from "vitest";
import { Readiness } from "../../collector/readiness.ts";

test("says what has not been seen, and why", () => {
  let now = 1_000_000;
  const readiness = new Readiness(() => now);
  readiness.begun("/pods");
  readiness.begun("/taskruns");
  expect(readiness.notReady).toBe("2 of the first lists have not been read yet");
  readiness.listed("/pods");
  readiness.failed("/taskruns", new Error("taskruns is forbidden"));
  expect(readiness.notReady).toBe("1 of the first lists have not been read yet: /taskruns: taskruns is forbidden");
  expect(readiness.hasListed).toBe(false);
  readiness.opened("/taskruns");
  readiness.listed("/taskruns");
  expect([readiness.hasListed, readiness.notReady]).toEqual([true, undefined]);
  // An API server that is restarted makes nobody unready.
  readiness.failed("/pods", new Error("connect ECONNREFUSED"));
  now += 20_000;
  readiness.failed("/pods", new Error("connect ECONNREFUSED 127.0.0.1:6443"));
  expect(readiness.notReady).toBe(undefined);
  now += 10_000;
  expect(readiness.notReady).toBe("the cluster has not been seen for 30 s: /pods: connect ECONNREFUSED 127.0.0.1:6443");
  readiness.opened("/pods");
  expect(readiness.notReady).toBe(undefined);
});
