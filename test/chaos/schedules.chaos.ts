import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Alignment } from "../../archive/alignment.ts";
import type { Verdict } from "./oracle.ts";
import { clusterOf, play } from "./schedule.ts";
import { ChaosWorld } from "./world.ts";

/**
 * `AFTERLOG_CHAOS_SEED` replays one schedule; `AFTERLOG_CHAOS_SCHEDULES` says how many there are; `AFTERLOG_CHAOS_LOG`
 * names a folder for what the collectors logged under a schedule that failed.
 */
const seed = Number(process.env.AFTERLOG_CHAOS_SEED ?? Number.NaN);
const count = Number(process.env.AFTERLOG_CHAOS_SCHEDULES ?? 200);
const first = Number(process.env.AFTERLOG_CHAOS_FIRST ?? 1);
const seeds = Number.isNaN(seed) ? Array.from({ length: count }, (_, n) => first + n) : [seed];

async function run(seed: number, ms?: number): Promise<{ verdict: Verdict; story: string }> {
  const world = await ChaosWorld.open(clusterOf(seed));
  try {
    world.collect();
    const { told } = await play(world, seed);
    const story = `replay with AFTERLOG_CHAOS_SEED=${seed} npm run test:chaos -- schedules\n  ${told.join("\n  ")}`;
    const verdict = await world.judge(ms).catch((error: unknown) => {
      throw new Error(`${error}\n${story}`);
    });
    const log = process.env.AFTERLOG_CHAOS_LOG;
    if (log && verdict.problems.length > 0) writeFileSync(`${log}/${seed}.log`, world.logged.join(""));
    return { verdict, story };
  } finally {
    await world.close();
  }
}

describe("archived lines and declared gaps are the written lines, nothing is there twice", () => {
  test.concurrent.each(seeds)("under schedule %i", async (seed) => {
    const { verdict, story } = await run(seed);
    expect(verdict.problems, story).toEqual([]);
    expect(verdict.lines).toBeGreaterThan(0);
  });
});

describe("the oracle sees an aligner that is broken", () => {
  const whole = Alignment.prototype.push;
  const broken: [string, typeof whole][] = [
    ["it takes every replay for new", (text) => ({ type: "continuous", text })],
    ["it drops what is older than the last line", dropOlder],
  ];
  test.each(broken)("%s", async (_, push) => {
    Alignment.prototype.push = push;
    try {
      const problems: unknown[] = [];
      for (let seed = 1; seed <= 12 && problems.length === 0; seed++) {
        // A log that never comes to an end is a broken promise too.
        const found = await run(seed, 5_000).catch((error: unknown) => ({ verdict: { problems: [error] } }));
        problems.push(...found.verdict.problems);
      }
      expect(problems).not.toEqual([]);
    } finally {
      Alignment.prototype.push = whole;
    }
  });

  /** Answers at once with nothing of the first piece: the lines behind the last one in it are lost. */
  function dropOlder(this: Alignment, text: Buffer): ReturnType<typeof whole> {
    const aligned = whole.call(this, text);
    return aligned && { type: "continuous", text: Buffer.alloc(0) };
  }
});
