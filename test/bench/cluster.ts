import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { endWithUs, stop } from "./child.ts";
import type { Answer, Call, Operations } from "./cluster-process.ts";

/** All containers that matter here have this name; each is its TaskRun's only step. */
export const CONTAINER = "step-print";

/** A TaskRun with one pod. */
export type StartedRun = { namespace: string; uid: string; name: string; pod: string };

/** The operations of a simulated cluster in a process of its own. */
export type Cluster = {
  [K in keyof Operations]: (...args: Parameters<Operations[K]>) => Promise<ReturnType<Operations[K]>>;
};

/** Starts it; the stack ends it. */
export async function startCluster(cleanup: AsyncDisposableStack): Promise<Cluster> {
  const child = fork(join(import.meta.dirname, "cluster-process.ts"), { serialization: "advanced" });
  endWithUs(child);
  cleanup.defer(() => stop(child));
  const call = caller(child);
  await call.started;
  return new Proxy({} as Cluster, {
    // An object with `then` would be taken for a promise.
    get: (_, name) => (name === "then" ? undefined : (...args: unknown[]) => call.send(name as Call["name"], args)),
  });
}

function caller(child: ChildProcess) {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const expect = (id: number): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    return answer.promise;
  };
  child.on("message", ({ id, value, error }: Answer) => {
    const answer = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) answer?.resolve(value);
    else answer?.reject(error);
  });
  child.on("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the simulated cluster ended with ${code ?? signal}`));
    waiting.clear();
  });
  let calls = 0;
  return {
    /** It says by an answer that nobody asked for that it can be called. */
    started: expect(0),
    send(name: Call["name"], args: unknown[]): Promise<unknown> {
      const id = ++calls;
      const answer = expect(id);
      child.send({ id, name, args } satisfies Call);
      return answer;
    },
  };
}
