import { liveRuns } from "./live-runs.ts";
import { nightlies } from "./nightlies.ts";
import { otherRuns } from "./other-runs.ts";
import { pullRequest7, pullRequest42 } from "./pull-requests.ts";
import type { LiveRun, PastRun } from "./script-parts.ts";

export type DemoScripts = { past: PastRun[]; live: LiveRun[] };

/** Everything the demo shows, oldest first. */
export function demoScripts(now: Date): DemoScripts {
  const nowMs = now.getTime();
  const past = [...nightlies(nowMs), ...pullRequest42(nowMs), ...pullRequest7(nowMs), ...otherRuns(nowMs)];
  return { past: past.sort((a, b) => a.startMs - b.startMs), live: liveRuns(nowMs) };
}
