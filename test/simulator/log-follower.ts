import type { ContainerRun, DirectoryEvent } from "./container-run.ts";
import { EntryFormatter, type FormatOptions } from "./cri-log.ts";
import type { LogFile } from "./log-file.ts";

export type ReadOptions = FormatOptions & { tailLines?: number };

/** What is formatted and written at once; a reader is asked in between whether it can take more. */
const batchBytes = 64 * 1024;

/** A read without follow: the newest file only, `tailLines` counted in CRI entries (too old ones too). */
export function readOnce(run: ContainerRun, options: ReadOptions): Uint8Array {
  const file = run.newestFile;
  return new EntryFormatter(options).formatFile(file, firstEntry(file, options), Number.POSITIVE_INFINITY).text;
}

const firstEntry = (file: LogFile, { tailLines }: ReadOptions): number =>
  tailLines === undefined ? 0 : Math.max(0, file.length - tailLines);

export type FollowOutput = {
  /** Returns false when the reader is slow: the follower waits until `resume()`. */
  write(bytes: Uint8Array): boolean;
  /** `error` is kubelet's text for the body's end. */
  end(error?: string): void;
};

export type FollowerOptions = ReadOptions & {
  /** Takes one inotify instance of the node, or says why there is none. */
  acquireWatcher: () => { release: () => void } | { error: string };
};

/**
 * cri-client's ReadLogs with follow: reads its open file to the end, then handles ONE queued directory event at a time.
 * On `create` it jumps to whatever file has the name then, so that a late follower skips files; a container that is
 * found exited is drained from the OPEN file only.
 */
export class LogFollower {
  readonly #run: ContainerRun;
  readonly #output: FollowOutput;
  readonly #options: FollowerOptions;
  readonly #formatter: EntryFormatter;
  #file: LogFile;
  #position: number;
  #events: DirectoryEvent[] = [];
  #watcher: { release: () => void } | undefined;
  #blocked = false;
  #paused = false;
  #ended = false;
  #exitSeen = false;
  readonly #unsubscribe: () => void;

  constructor(run: ContainerRun, output: FollowOutput, options: FollowerOptions) {
    this.#run = run;
    this.#output = output;
    this.#options = options;
    this.#formatter = new EntryFormatter(options);
    this.#file = run.newestFile;
    this.#position = firstEntry(this.#file, options);
    this.#unsubscribe = run.subscribe((event) => {
      // fsnotify sees nothing before the watcher exists (a rotation before the first end of file is never noticed);
      // equal neighbours are merged by inotify; the exit is not an event but a state that is asked for.
      if (this.#watcher && event !== "exit" && this.#events.at(-1) !== event) this.#events.push(event);
      this.#advance();
    });
  }

  start(): void {
    this.#advance();
  }

  /** The reader took what was buffered. */
  resume(): void {
    this.#blocked = false;
    this.#advance();
  }

  /** kubelet's goroutine does not run: a busy node, or a test that wants events to queue up. */
  pause(): void {
    this.#paused = true;
  }

  unpause(): void {
    this.#paused = false;
    this.#advance();
  }

  /** The connection is gone. */
  stop(): void {
    this.#finish();
  }

  #advance(): void {
    while (!this.#ended && !this.#blocked && !this.#paused) {
      if (this.#formatter.exhausted) {
        this.#end();
      } else if (this.#position < this.#file.length) {
        const { text, next } = this.#formatter.formatFile(this.#file, this.#position, batchBytes);
        this.#position = next;
        if (text.length > 0 && !this.#output.write(text)) this.#blocked = true;
      } else if (!this.#handleEndOfFile()) return;
    }
  }

  /** Whether there may be more to read now. */
  #handleEndOfFile(): boolean {
    if (this.#exitSeen) {
      this.#end();
      return false;
    }
    if (!this.#watcher) {
      const watcher = this.#options.acquireWatcher();
      if ("error" in watcher) {
        this.#end(watcher.error);
        return false;
      }
      this.#watcher = watcher;
      return true;
    }
    if (!this.#run.running) {
      this.#exitSeen = true;
      return true;
    }
    const event = this.#events.shift();
    if (event === undefined) return false;
    if (event === "create") {
      this.#file = this.#run.newestFile;
      this.#position = 0;
    }
    return true;
  }

  #end(error?: string): void {
    if (this.#ended) return;
    this.#finish();
    this.#output.end(error);
  }

  #finish(): void {
    this.#ended = true;
    this.#unsubscribe();
    this.#watcher?.release();
    this.#watcher = undefined;
  }
}
