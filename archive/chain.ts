import { type ObjectStore, readBytes, StorageError } from "../storage-adapters/store.ts";
import { type ChunkEnd, type ChunkHeader, decodeHeader, encodeChunk, type Mark, packText } from "./chunk.ts";
import { ArchiveError } from "./error.ts";
import { chunkKey, chunkPrefix, type LogId, type Position, parseKey, START, segmentPrefix } from "./keys.ts";
import { advance, later, timeSpan } from "./line.ts";
import { type PersistOptions, persist } from "./persist.ts";
import type { Gap, Log, Segment } from "./record.ts";
import { type ChainLink, Sealer } from "./sealer.ts";
import { Window } from "./window.ts";

/** Another writer has gone on with this log: what is in memory may be there already. Open it again and align. */
export class LogConflict extends Error {
  override readonly name = "LogConflict";
}

/** The chain of this log belongs to another pod of the same name. */
export class ForeignChain extends Error {
  override readonly name = "ForeignChain";
}

export type ChainOptions = PersistOptions & {
  /** Told when chunks have been replaced by a segment and can go in a while. */
  onSealed?: (chunks: string[]) => void;
  /** Segments that the record describes already, so that a resumed log need not read them. */
  known?: readonly Segment[];
  /**
   * After so long without a put the chain is looked at before the next one: the chunk that would have been in the way
   * may be sealed and gone. Must be well below the time that sealed chunks stay.
   */
  fenceMs?: number;
  now?: () => number;
  /** Told of every chunk that is in the store; `firstTime` of its oldest line. */
  onStored?: (chunk: { lines: number; bytes: number; firstTime: string | undefined }) => void;
  /** Told of every gap. */
  onGap?: (gap: Gap) => void;
};

/** A gap at the place that the log has come to. */
export type GapHere = Omit<Gap, "afterLine">;

export type PutOptions = {
  newest?: string | undefined;
  end?: ChunkEnd | undefined;
  packed?: Promise<Buffer> | undefined;
};

const FENCE_MS = 60_000;

/**
 * What the store has of a log: chunks, each link's name where the one before ended, and the segments that they
 * become. Of two writers of one place one gets LogConflict.
 */
export class Chain {
  readonly id: LogId;
  readonly #store: ObjectStore;
  readonly #podUid: string;
  readonly #options: ChainOptions;
  readonly #sealer: Sealer;
  readonly #window: Window;
  #next: Position;
  #totalBytes: number;
  #firstTime: string | undefined;
  #lastTime: string | undefined;
  #newestTime: string | undefined;
  #gaps: Gap[];
  #end: ChunkEnd | undefined;
  /** The newest chunk. */
  #tip: string | undefined;
  #checkedAt: number;

  private constructor(
    store: ObjectStore,
    id: LogId,
    podUid: string,
    options: ChainOptions,
    key?: string,
    tip?: ChunkHeader,
  ) {
    this.id = id;
    this.#store = store;
    this.#podUid = podUid;
    this.#options = options;
    this.#sealer = new Sealer(store, id, options);
    this.#window = new Window(tip?.window);
    this.#next = tip?.next ?? START;
    this.#totalBytes = tip?.totalBytes ?? 0;
    this.#firstTime = tip?.firstTime;
    this.#lastTime = tip?.lastTime;
    this.#newestTime = tip?.newestTime;
    this.#gaps = tip?.gaps ?? [];
    this.#end = tip?.end;
    this.#tip = key;
    this.#checkedAt = this.#now();
  }

  /**
   * A log where the store has it: at its start, or behind the last chunk.
   * @throws ForeignChain, if the chain is another pod's
   * @throws ArchiveError, if what is there cannot be continued
   */
  static async open(store: ObjectStore, id: LogId, podUid: string, options: ChainOptions): Promise<Chain> {
    const signal = options.signal && { signal: options.signal };
    const links = await Array.fromAsync(linksOf(store, id, options.signal));
    const tip = links.at(-1);
    if (!tip) {
      for await (const item of store.list(segmentPrefix(id), signal)) {
        throw new ArchiveError("damaged", `${item.key} is there without a chunk after it: this log is finished`);
      }
      return new Chain(store, id, podUid, options);
    }
    const header = decodeHeader(await readBytes(store, tip.key, signal), tip.key);
    if (header.podUid !== podUid) throw new ForeignChain(`${tip.key} belongs to the pod with UID ${header.podUid}`);
    const chain = new Chain(store, id, podUid, options, tip.key, header);
    await chain.#sealer.resume(links, options.known ?? []);
    return chain;
  }

  /** The store has no object of this log. */
  get empty(): boolean {
    return this.#tip === undefined;
  }

  /** How the log ended, if it has. */
  get end(): ChunkEnd | undefined {
    return this.#end;
  }

  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** The newest lines, oldest first. */
  marks(): Mark[] {
    return this.#window.marks();
  }

  /** Of the last line that begins in it. */
  get lastTime(): string | undefined {
    return this.#lastTime;
  }

  /** The latest of all times so far. */
  get newestTime(): string | undefined {
    return this.#newestTime;
  }

  /** Something is missing between what is there and what comes next; the next chunk says so. */
  declare(gap: GapHere): void {
    const here = { afterLine: linesBefore(this.#next), ...gap };
    this.#gaps = [...this.#gaps, here];
    this.#options.onGap?.(here);
  }

  /** The text so far does not end with a newline. */
  get inLine(): boolean {
    return this.#next.offset > 0;
  }

  /** The beginning of a line that has not ended. */
  get begun(): Mark | undefined {
    return this.#window.begun;
  }

  /**
   * Adds a chunk, tried until the store has it or has another one there. `end` ends the log for every writer.
   * @param newest the latest of the times before and in the text, but for its last line
   * @param packed what packText makes of the text, where that was begun before
   * @throws LogConflict
   */
  async put(text: Buffer, { newest, end, packed = packText(text) }: PutOptions = {}): Promise<void> {
    const at = this.#next;
    const next = advance(at, text);
    const span = timeSpan(text, at);
    this.#window.push(text);
    const totalBytes = this.#totalBytes + text.byteLength;
    const firstTime = this.#firstTime ?? span.firstTime;
    const lastTime = span.lastTime ?? this.#lastTime;
    const newestTime = later(later(this.#newestTime, newest), span.lastTime);
    const header = {
      podUid: this.#podUid,
      ...at,
      next,
      bytes: text.byteLength,
      totalBytes,
      ...(firstTime && { firstTime }),
      ...(lastTime && { lastTime }),
      ...(newestTime && { newestTime }),
      window: this.#window.recent(),
      gaps: this.#gaps,
      ...(end && { end }),
    };
    const object = encodeChunk(header, await packed);
    const key = chunkKey(this.id, at);
    await persist(() => this.#create(key, object), this.#options);
    const lines = linesBefore(next) - linesBefore(at);
    this.#options.onStored?.({ lines, bytes: text.byteLength, firstTime: span.firstTime });
    this.#next = next;
    this.#totalBytes = totalBytes;
    this.#firstTime = firstTime;
    this.#lastTime = lastTime;
    this.#newestTime = newestTime;
    this.#end = end;
    this.#tip = key;
    this.#checkedAt = this.#now();
    this.#sealer.add({ key, size: object.byteLength, at });
  }

  /** Something is finished and not being sealed yet. */
  get sealingWaits(): boolean {
    return this.#sealer.waits;
  }

  /** No more text waits for now: what is finished can be sealed. */
  settle(): void {
    this.#sealer.seal();
  }

  /** Resolves when all of it is sealed into segments. */
  seal(): Promise<void> {
    return this.#sealer.finish();
  }

  /** What the record says of the log. */
  log(): Log {
    return {
      state: this.#end?.state ?? "open",
      ...(this.#end?.words && { words: this.#end.words }),
      lines: linesBefore(this.#next),
      bytes: this.#totalBytes,
      ...(this.#end && this.inLine && { noEol: true }),
      ...(this.#firstTime && { firstTime: this.#firstTime }),
      ...(this.#lastTime && { lastTime: this.#lastTime }),
      gaps: [...this.#gaps],
      segments: [...this.#sealer.segments],
    };
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** The same bytes at every try, so that an own put whose answer was lost is told from another writer's. */
  async #create(key: string, object: Buffer): Promise<void> {
    const signal = this.#options.signal && { signal: this.#options.signal };
    if (this.#now() - this.#checkedAt > (this.#options.fenceMs ?? FENCE_MS)) await this.#check(key);
    try {
      await this.#store.put(key, object, { ifAbsent: true, contentType: "application/zstd", ...signal });
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      const found = await readBytes(this.#store, key, signal).catch((error: unknown) => {
        if (isKind(error, "not-found")) return undefined;
        throw error;
      });
      if (found && object.equals(found)) return;
      throw new LogConflict(`${key} was written by another collector`);
    }
  }

  /** @throws LogConflict, if the chain has gone on, or has been sealed to its end, since the last look */
  async #check(key: string): Promise<void> {
    let tip: string | undefined;
    for await (const link of linksOf(this.#store, this.id, this.#options.signal)) tip = link.key;
    // The own put whose answer was lost: whether it is ours is told when it is tried again.
    if (tip !== this.#tip && tip !== key)
      throw new LogConflict(`${chunkPrefix(this.id)} was continued by another collector`);
    this.#checkedAt = this.#now();
  }
}

async function* linksOf(store: ObjectStore, id: LogId, signal?: AbortSignal): AsyncGenerator<ChainLink> {
  for await (const item of store.list(chunkPrefix(id), signal && { signal })) {
    const parsed = parseKey(item.key);
    if (item.type === "object" && parsed?.type === "chunk") yield { key: item.key, size: item.size, at: parsed.at };
  }
}

const isKind = (error: unknown, kind: StorageError["kind"]): boolean =>
  error instanceof StorageError && error.kind === kind;

/** Lines before a place, one that has begun included. */
const linesBefore = ({ line, offset }: Position): number => (offset > 0 ? line : line - 1);
