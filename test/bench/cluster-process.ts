import { createSimulator, type Line } from "../simulator/index.ts";
import { CONTAINER, type StartedRun } from "./cluster.ts";
import { type Replay, startLogSource } from "./log-source.ts";
import type { RecordedLog } from "./recorded-log.ts";

/**
 * A simulated cluster as a process of its own, so that what it costs is told apart from what the collector costs. Its
 * operations are called from `cluster.ts`, by messages.
 */

const namespace = "default";
const simulator = await createSimulator({ startupMs: 20 });
const replays = new Map<string, Replay>();
const url = await startLogSource(simulator.url, replays);
let ended = false;

function start(name: string, lines: () => Iterable<Line>): StartedRun {
  const step = { name: CONTAINER.replace("step-", ""), lines };
  const { uid } = simulator.run({ kind: "TaskRun", namespace, name, task: { name: "print", steps: [step] } });
  return { namespace, uid, name, pod: `${name}-pod` };
}

const operations = {
  kubeconfig: () => simulator.kubeconfig.replace(simulator.url, url),

  /** Where `run`'s log is served. */
  logUrl: ({ pod }: StartedRun) =>
    `${url}/api/v1/namespaces/${namespace}/pods/${pod}/log?container=${CONTAINER}&follow=true&timestamps=true`,

  /** A run whose log is a recorded one; its container ends when the log has been read. */
  startReplay(name: string, log: RecordedLog): StartedRun {
    const run = start(name, function* () {
      for (;;) yield { text: "not served", afterMs: 3_600_000 };
    });
    const onSent = () => {
      const [pod] = [...simulator.kubelet.pods()].filter((pod) => pod.name === run.pod);
      if (pod) simulator.exit(pod, CONTAINER, 0);
    };
    replays.set(`${run.pod}/${CONTAINER}`, { log, onSent });
    return run;
  },

  /** When a replayed log was asked for and sent, in ms since the epoch. */
  replayTimes({ pod }: StartedRun): { askedAt?: number; sentAt?: number } {
    const { askedAt, sentAt } = replays.get(`${pod}/${CONTAINER}`) ?? {};
    return { ...(askedAt && { askedAt }), ...(sentAt && { sentAt }) };
  },

  /** Runs that print numbered lines at a pace until `endAll`. */
  startPrinting: (names: string[], paceMs: number): StartedRun[] =>
    names.map((name) =>
      start(name, function* () {
        for (let n = 1; !ended; n++)
          yield { text: `${name} line ${n} of a build that says what it does`, afterMs: paceMs };
      }),
    ),

  endAll: () => {
    ended = true;
  },

  /** How many of the printing containers are being followed. */
  follows: () => simulator.openFollows({ container: CONTAINER }).length,

  /** What each container has printed, by its pod's name. */
  truths: () => new Map(simulator.truths({ container: CONTAINER }).map(({ pod, bytes }) => [pod, bytes])),
};

export type Operations = typeof operations;
export type Call = { id: number; name: keyof Operations; args: unknown[] };
export type Answer = { id: number; value?: unknown; error?: unknown };

process.on("message", ({ id, name, args }: Call) => {
  const operation = operations[name] as (...args: unknown[]) => unknown;
  try {
    process.send?.({ id, value: operation(...args) } satisfies Answer);
  } catch (error) {
    process.send?.({ id, error } satisfies Answer);
  }
});
process.once("disconnect", () => process.exit());
process.send?.({ id: 0 } satisfies Answer);
