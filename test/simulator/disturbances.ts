import { setTimeout as delay } from "node:timers/promises";
import type { ContainerRun } from "./container-run.ts";
import type { LogFault } from "./faults.ts";
import { generator } from "./random.ts";
import type { ContainerMatch, Simulator } from "./simulator.ts";

/** What happens on a node or to a connection while containers write: for chaos tests, each alone or by chance. */
export type Disturbance =
  /** One rotation that a follower keeping up does not notice. */
  | { kind: "rotate" }
  /** The same in the midst of the next line. */
  | { kind: "rotate-inside-a-line" }
  /** What is written for `forMs` after the new file exists goes into the old one (kubernetes-logs.md §5a). */
  | { kind: "rotate-with-late-writes"; forMs: number }
  /** Followers stand still over two rotations, `forMs` apart (§5b). */
  | { kind: "rotate-twice-unseen"; forMs: number }
  /**
   * Followers stand still over two rotations with something written after each, twice after the second, waiting for it
   * `forMs` at most: their two queued Create events make them read the newest file twice, in one stream.
   */
  | { kind: "rotate-twice-reread"; forMs: number }
  /** Followers stand still from a rotation to the container's end (§5c). */
  | { kind: "rotate-before-exit" }
  | { kind: "cut-follows"; fault: LogFault }
  | { kind: "restart-kubelet"; downMs: number }
  | { kind: "drop-connections" }
  | { kind: "compact" }
  /** The nodes' clocks jump, either way. */
  | { kind: "step-clock"; ms: number };

/** Resolves when the disturbance is over; containers are those that match and run now. */
export async function disturb(sim: Simulator, disturbance: Disturbance, match: ContainerMatch = {}): Promise<void> {
  const runs = sim.runningContainers(match);
  switch (disturbance.kind) {
    case "rotate":
      for (const run of runs) if (run.mayRotate) run.rotate();
      return;
    case "rotate-inside-a-line":
      for (const run of runs) if (run.mayRotate) run.rotateInsideLine();
      return;
    case "rotate-with-late-writes":
      for (const run of runs) run.beginRotation();
      await delay(disturbance.forMs);
      for (const run of runs) run.endRotation();
      return;
    case "rotate-twice-unseen": {
      const goOn = sim.pauseFollows(match);
      for (const run of runs) run.rotate();
      await delay(disturbance.forMs);
      for (const run of runs) if (run.running) run.rotate();
      goOn();
      return;
    }
    case "rotate-twice-reread": {
      const goOn = sim.pauseFollows(match);
      for (let rotation = 0; rotation < 2; rotation++) {
        const running = runs.filter((run) => run.running);
        for (const run of running) run.rotate();
        for (let event = 0; event <= rotation; event++) {
          await Promise.all(running.map((run) => nextEvent(run, disturbance.forMs)));
        }
      }
      goOn();
      return;
    }
    case "rotate-before-exit": {
      const goOn = sim.pauseFollows(match);
      for (const run of runs) run.rotate();
      await Promise.all(runs.map(exitOf));
      goOn();
      return;
    }
    case "cut-follows":
      sim.cutFollows(disturbance.fault, match);
      return;
    case "restart-kubelet":
      return sim.restartKubelet({ downMs: disturbance.downMs });
    case "drop-connections":
      sim.dropConnections();
      return;
    case "compact":
      sim.compact();
      return;
    case "step-clock":
      sim.stepClock(disturbance.ms);
      return;
  }
}

const exitOf = (run: ContainerRun): Promise<void> =>
  new Promise((resolve) => {
    if (run.ended.aborted) resolve();
    else run.ended.addEventListener("abort", () => resolve(), { once: true });
  });

/** Resolves when the container writes or ends, or after `ms`. */
const nextEvent = (run: ContainerRun, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const unsubscribe = run.subscribe(done);
  });

/** One disturbance after another until the signal; the same seed chooses the same ones. */
export async function disturbAtRandom(
  sim: Simulator,
  {
    choices,
    seed,
    everyMs,
    signal,
  }: { choices: readonly Disturbance[]; seed: number; everyMs: number; signal: AbortSignal },
): Promise<void> {
  const random = generator(seed);
  while (!signal.aborted) {
    await delay(everyMs * (0.5 + random()));
    const chosen = choices[Math.floor(random() * choices.length)];
    if (chosen && !signal.aborted) await disturb(sim, chosen);
  }
}
