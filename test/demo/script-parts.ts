import type { PipelineRunScript, RunScript, StepScript } from "../simulator/index.ts";
import { checkoutLines, over, sha1 } from "./data.ts";

/** A run that is over when the demo starts. */
export type PastRun = { script: RunScript; startMs: number };

/** A run that begins with the demo. */
export type LiveRun = { script: RunScript; cancelAfterMs?: number };

export const hourMs = 3_600_000;
export const repository = "example/project";

export const step = (name: string, lines: StepScript["lines"], more: Partial<StepScript> = {}): StepScript => ({
  name,
  script: `#!/bin/sh\nset -e\nmake ${name}\n`,
  ...(lines ? { lines } : {}),
  ...more,
});

export const checkout = (sha: string, from = repository): StepScript =>
  step("checkout", over(6, checkoutLines(from, sha)), { script: `git clone https://github.com/${from} .\n` });

/** A check as tektoncd's CI labels it. */
export function check(
  name: string,
  { checkName, sha, startMs, pullRequest }: { checkName: string; sha: string; startMs: number; pullRequest?: number },
  more: Pick<PipelineRunScript, "tasks"> & Partial<PipelineRunScript>,
): PipelineRunScript {
  const eventId = sha1(`${sha} ${startMs}`);
  return {
    kind: "PipelineRun",
    namespace: "ci",
    name,
    ...more,
    labels: {
      "tekton.dev/kind": "ci",
      "tekton.dev/check-name": checkName,
      ...(pullRequest === undefined ? {} : { "tekton.dev/pr-number": String(pullRequest) }),
      "tekton.dev/source-event-id": `${eventId.slice(0, 8)}-${eventId.slice(8, 12)}-11f0-9e1c-${eventId.slice(12, 24)}`,
      "prow.k8s.io/build-id": buildId(startMs, checkName),
      "triggers.tekton.dev/eventlistener": "tekton-ci",
      "triggers.tekton.dev/trigger": checkName,
    },
    annotations: { "tekton.dev/gitURL": `https://github.com/${repository}`, "tekton.dev/gitRevision": sha },
  };
}

/** Snowflake-like: the time in front, something of its own behind. */
export const buildId = (startMs: number, name: string): string =>
  String((BigInt(startMs) << 22n) + BigInt(Number.parseInt(sha1(name).slice(0, 5), 16)));
