import type { PackedFrame, Unreadable } from "../../archive/log-reader.ts";
import { Problem } from "../problem.ts";
import { type Block, blocksOf } from "./blocks.ts";
import type { BlockOutcome, WantedText } from "./job.ts";
import type { Pattern } from "./pattern.ts";
import { SearchPool } from "./pool.ts";

/** Searches that are open at the same time: each holds a few packed frames and found stretches. */
const MAX_OPEN = 64;
/** Text that a thread gets at once. */
const JOB_BYTES = 3 * 1024 * 1024;
/** A reader that takes nothing for so long does not keep others from searching. */
const IDLE_MS = 30_000;

/**
 * A stretch of a log that was searched, or could not be. `from` and `to` are lines, both included; `count` how many have
 * a hit, and `lines` which, as far as that is wanted; `isInside`: it begins within line `from`.
 */
export type Part =
  | { from: number; to: number; count: number; lines: number[]; text?: Buffer; isInside: boolean }
  /** `words` name the object and what is wrong with it. */
  | { from: number; to: number; unreadable: string };

type Wanted = { pattern: Pattern; text: WantedText; signal: AbortSignal; isNumbered: () => boolean };

export type SearchOptions = {
  signal: AbortSignal;
  text?: WantedText;
  /** So many lines are told by their numbers; of those after them, how many there are. */
  maxNumbers?: number;
};

/** The searches of a process. Bounded: beyond 64 open ones there is a 503, and all share the pool's threads fairly. */
export class Searches {
  readonly pool: SearchPool;
  readonly #maxOpen: number;
  readonly #idleMs: number;
  #open = 0;

  constructor({ pool = new SearchPool(), maxOpen = MAX_OPEN, idleMs = IDLE_MS } = {}) {
    this.pool = pool;
    this.#maxOpen = maxOpen;
    this.#idleMs = idleMs;
  }

  /**
   * Searches a log from its first line to its last; each line is told of at most once. Ends with the signal, and when
   * nobody takes the next part for half a minute.
   * @throws Problem 503 while too many searches are open, 400 for an expression that takes too long; StorageError
   */
  async *search(
    frames: AsyncIterable<PackedFrame | Unreadable>,
    pattern: Pattern,
    { signal, text = "none", maxNumbers = Number.POSITIVE_INFINITY }: SearchOptions,
  ): AsyncGenerator<Part> {
    if (this.#open >= this.#maxOpen) throw busy();
    this.#open++;
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    let isOpen = true;
    const close = (reason?: unknown) => {
      if (isOpen) this.#open--;
      isOpen = false;
      ended.abort(reason);
    };
    try {
      let [last, numbers] = [0, 0];
      const isNumbered = () => numbers < maxNumbers;
      for await (const part of this.#parts(frames, { pattern, text, signal: both, isNumbered })) {
        if ("lines" in part) {
          // What is left of a line after a damaged frame may be a hit once more.
          if (part.lines[0] === last) {
            part.lines.shift();
            part.count--;
          }
          last = part.lines.at(-1) ?? last;
          numbers += part.lines.length;
        }
        const idle = setTimeout(() => close(new Error("nobody took what was found")), this.#idleMs);
        yield part;
        clearTimeout(idle);
        both.throwIfAborted();
      }
    } finally {
      close();
    }
  }

  /** In the order of the text, while the threads work ahead. */
  async *#parts(frames: AsyncIterable<PackedFrame | Unreadable>, what: Wanted): AsyncGenerator<Part> {
    const ahead = this.pool.threads * 3;
    const pending: Promise<Part[]>[] = [];
    let blocks: Block[] = [];
    const send = (parts: Promise<Part[]>) => {
      parts.catch(() => {}); // thrown where it is awaited
      pending.push(parts);
    };
    for await (const block of blocksOf(frames)) {
      what.signal.throwIfAborted();
      const isLost = "error" in block;
      if (!isLost) blocks.push(block);
      if (blocks.length > 0 && (isLost || blocks.reduce((sum, { bytes }) => sum + bytes, 0) >= JOB_BYTES)) {
        send(this.#searched(blocks, what));
        blocks = [];
      }
      if (isLost) send(Promise.resolve([lost(block, block.error.message)]));
      while (pending.length >= ahead) yield* await (pending.shift() as Promise<Part[]>);
    }
    if (blocks.length > 0) send(this.#searched(blocks, what));
    while (pending.length > 0) yield* await (pending.shift() as Promise<Part[]>);
  }

  async #searched(blocks: Block[], { pattern, text, signal, isNumbered }: Wanted): Promise<Part[]> {
    const areNumbered = isNumbered();
    const job = blocks.map(({ frames, begins }) => ({
      frames: frames.map(({ packed, bytes, key }) => ({ packed, bytes, key })),
      begins,
      // Of a line that is searched in parts it must be seen that it is one.
      isNumbered: areNumbered || begins !== "line" || (frames.at(-1) as PackedFrame).next.offset > 0,
    }));
    const outcomes = await this.pool.run({ pattern, blocks: job, text }, signal);
    return outcomes.map((outcome, i) => partOf(blocks[i] as Block, outcome));
  }
}

function partOf(block: Block, outcome: BlockOutcome): Part {
  const [first, last] = [block.frames[0] as PackedFrame, block.frames.at(-1) as PackedFrame];
  if ("damage" in outcome) return lost({ at: first.at, next: last.next }, outcome.damage);
  const { count, lines, text } = outcome;
  const from = first.at.line;
  for (let i = 0; i < lines.length; i++) lines[i] = (lines[i] as number) + from;
  const part = { from, to: lastLine(last), count, lines, isInside: block.begins !== "line" };
  return text ? { ...part, text: Buffer.from(text.buffer, text.byteOffset, text.byteLength) } : part;
}

const lost = (stretch: Pick<PackedFrame, "at" | "next">, words: string): Part => ({
  from: stretch.at.line,
  to: Math.max(stretch.at.line, lastLine(stretch)),
  unreadable: words,
});

const lastLine = ({ next }: Pick<PackedFrame, "next">): number => (next.offset > 0 ? next.line : next.line - 1);

const busy = (): Problem =>
  new Problem(503, "Too many searches", "As many logs are being searched as this viewer can bear: try again soon.");
