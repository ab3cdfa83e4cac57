import { describe, expect, it } from "vitest";
import { createSimulator } from "../simulator/index.ts";
import { demoScripts } from "./scripts.ts";

const now = new Date("2026-11-23T09:00:00Z");

describe("the demo's scripts", () => {
  it("name every run once", () => {
    const { past, live } = demoScripts(now);
    const names = [...past, ...live].map(({ script }) => `${script.namespace}/${script.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("play into two weeks of finished runs, quickly", async () => {
    const sim = await createSimulator();
    const { past, live } = demoScripts(now);
    for (const { script, startMs } of past) await sim.insertHistory(script, startMs);
    const response = await fetch(`${sim.url}/apis/tekton.dev/v1/pipelineruns`);
    const { items } = (await response.json()) as {
      items: {
        metadata: { name: string; namespace: string };
        status: { completionTime: string; conditions: { reason: string }[] };
      }[];
    };
    const reasons = new Map<string, number>();
    for (const { metadata, status } of items) {
      expect(Date.parse(status.completionTime)).toBeLessThan(now.getTime());
      const key = `${metadata.namespace} ${status.conditions[0]?.reason}`;
      reasons.set(key, (reasons.get(key) ?? 0) + 1);
    }
    expect(Object.fromEntries(reasons)).toEqual({
      "ci Completed": 1,
      "ci Failed": 6,
      "ci Succeeded": 5,
      "nightly Failed": 2,
      "nightly Succeeded": 12,
    });
    expect(
      sim
        .truths({ container: "step-test" })
        .map(({ lines }) => lines.length)
        .sort((a, b) => b - a)[0],
    ).toBe(358);
    expect(live).toHaveLength(3);
    await sim.close();
  });
});
