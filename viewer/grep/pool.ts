import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Problem } from "../problem.ts";
import type { BlockOutcome, Job, Outcome } from "./job.ts";

/** More threads than these would read faster than a store gives. */
const MAX_THREADS = 4;
/** Jobs that a thread has at hand, so that it does not wait for the next. */
const AT_HAND = 3;
/** A job takes some ms; with a hostile expression some hundred. */
const JOB_MS = 10_000;

type Task = { job: Job; resolve: (blocks: BlockOutcome[]) => void; reject: (error: unknown) => void };
type Thread = { worker: Worker; tasks: Task[]; timer?: NodeJS.Timeout };

/**
 * Search threads, started when they are first needed, and the jobs that wait for one, first come, first served. They
 * keep no process alive. A job that takes too long ends its thread and fails; those behind it go to another.
 */
export class SearchPool {
  readonly threads: number;
  readonly #jobMs: number;
  readonly #threads: Thread[] = [];
  readonly #waiting: Task[] = [];
  #ids = 0;

  constructor({ threads = Math.min(MAX_THREADS, availableParallelism()), jobMs = JOB_MS } = {}) {
    this.threads = threads;
    this.#jobMs = jobMs;
  }

  /** A job whose signal aborts before a thread has it is dropped. @throws Problem 400 */
  run(job: Omit<Job, "id">, signal: AbortSignal): Promise<BlockOutcome[]> {
    return new Promise<BlockOutcome[]>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const task: Task = { job: { ...job, id: this.#ids++ }, resolve, reject };
      const drop = () => {
        const at = this.#waiting.indexOf(task);
        if (at !== -1) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", drop, { once: true });
      task.resolve = (blocks) => {
        signal.removeEventListener("abort", drop);
        resolve(blocks);
      };
      task.reject = (error) => {
        signal.removeEventListener("abort", drop);
        reject(error);
      };
      this.#waiting.push(task);
      this.#distribute();
    });
  }

  /** Ends the threads; what they have at hand fails. */
  async close(): Promise<void> {
    for (const task of this.#waiting.splice(0)) task.reject(closed());
    await Promise.all(this.#threads.splice(0).map((thread) => this.#end(thread, closed())));
  }

  #distribute(): void {
    while (this.#waiting.length > 0) {
      const idle = this.#threads.find(({ tasks }) => tasks.length === 0);
      const thread = idle ?? this.#start() ?? this.#threads.find(({ tasks }) => tasks.length < AT_HAND);
      if (!thread) return;
      const task = this.#waiting.shift() as Task;
      thread.tasks.push(task);
      if (thread.tasks.length === 1) this.#watch(thread);
      post(thread.worker, task.job);
    }
  }

  #start(): Thread | undefined {
    if (this.#threads.length >= this.threads) return undefined;
    const worker = new Worker(new URL("thread.ts", import.meta.url), { execArgv: [], name: "search" });
    const thread: Thread = { worker, tasks: [] };
    worker.unref();
    // What a job takes is counted from when the thread runs.
    worker.once("online", () => this.#watch(thread));
    worker.on("message", (outcome: Outcome) => this.#take(thread, outcome));
    worker.on("error", (error) => void this.#replace(thread, error));
    this.#threads.push(thread);
    return thread;
  }

  #take(thread: Thread, outcome: Outcome): void {
    const task = thread.tasks.shift();
    this.#watch(thread);
    if (task?.job.id !== outcome.id) throw new Error("a search thread answered out of turn");
    if ("blocks" in outcome) task.resolve(outcome.blocks);
    else task.reject(new Error(outcome.failure));
    this.#distribute();
  }

  /** The first job at hand is the one that runs. */
  #watch(thread: Thread): void {
    clearTimeout(thread.timer);
    // A thread with work keeps the process alive, an idle one does not.
    if (thread.tasks.length === 0) return void thread.worker.unref();
    thread.worker.ref();
    thread.timer = setTimeout(() => void this.#replace(thread, tooSlow()), this.#jobMs);
  }

  async #replace(thread: Thread, reason: unknown): Promise<void> {
    const at = this.#threads.indexOf(thread);
    if (at === -1) return;
    this.#threads.splice(at, 1);
    const [first, ...others] = thread.tasks.splice(0);
    first?.reject(reason);
    this.#waiting.unshift(...others);
    this.#distribute();
    await this.#end(thread, reason);
  }

  async #end(thread: Thread, reason: unknown): Promise<void> {
    clearTimeout(thread.timer);
    for (const task of thread.tasks.splice(0)) task.reject(reason);
    await thread.worker.terminate();
  }
}

/** Frames are copied and given away: to clone them, all of the memory would go along of which they are parts. */
function post(worker: Worker, { blocks, ...job }: Job): void {
  const given: ArrayBuffer[] = [];
  const copied = blocks.map(({ frames, ...block }) => ({
    ...block,
    frames: frames.map(({ packed, ...frame }) => {
      const copy = new Uint8Array(packed);
      given.push(copy.buffer);
      return { ...frame, packed: copy };
    }),
  }));
  worker.postMessage({ ...job, blocks: copied } satisfies Job, given);
}

const closed = (): Error => new Error("the search threads were closed");

const tooSlow = (): Problem =>
  new Problem(
    400,
    "This search takes too long",
    "The expression costs too much for each line: use smaller repetitions, or look for plain text.",
  );
