import { createHash } from "node:crypto";
import { type ObjectStore, readBytes, StorageError } from "../storage-adapters/store.ts";
import { decodeHeader, decodeText } from "./chunk.ts";
import { type LogId, type Position, parseKey, segmentKey, segmentPrefix } from "./keys.ts";
import { isBefore } from "./line.ts";
import { type PersistOptions, persist } from "./persist.ts";
import type { Segment } from "./record.ts";
import { lineStartsBetween, locateIndex, readIndex, SEGMENT_BYTES, SegmentBuilder } from "./segment.ts";
import type { FoldState } from "./survey.ts";

/** A chunk in its chain. */
export type ChainLink = { key: string; size: number; at: Position };

/** Stretches that may wait for a store to catch up before they are sealed all the same: chunks cost more to keep and list. */
const MAX_WAITING = 8;

/**
 * Seals finished stretches of a chunk chain into segments. Where a segment ends follows from the stored sizes of the
 * chunks alone, so that whoever seals a chain makes the same segments. Sealing waits while text does: it takes the
 * processor from what makes lines readable and safe.
 */
export class Sealer {
  readonly segments: Segment[] = [];
  readonly #store: ObjectStore;
  readonly #id: LogId;
  readonly #onSealed: ((chunks: string[]) => void) | undefined;
  readonly #persist: PersistOptions;
  #pending: ChainLink[] = [];
  #pendingSize = 0;
  /** Finished stretches that are not sealed yet, oldest first. */
  #waiting: ChainLink[][] = [];
  /** Where the segments end that were there when the chain was taken up. */
  #sealedTo: Position | undefined;
  /** What the last segment leaves open. */
  #folds: FoldState | undefined;
  #sealing: Promise<void> = Promise.resolve();

  constructor(
    store: ObjectStore,
    id: LogId,
    options: PersistOptions & { onSealed?: ((chunks: string[]) => void) | undefined },
  ) {
    this.#store = store;
    this.#id = id;
    this.#onSealed = options.onSealed;
    this.#persist = options;
  }

  /** Takes up a chain: what is sealed already, by the record (`known`) or by the objects, and what is not. */
  async resume(chain: readonly ChainLink[], known: readonly Segment[]): Promise<void> {
    for await (const item of this.#store.list(segmentPrefix(this.#id), this.#signal())) {
      if (item.type !== "object" || parseKey(item.key)?.type !== "segment") continue;
      const described = known.find((segment) => segment.key === item.key);
      const index = described?.index ?? (await locateIndex(this.#store, item.key, item.size));
      const { next, folds } = await readIndex(this.#store, { key: item.key, index }, this.#persist.signal);
      this.#sealedTo = next;
      this.#folds = folds;
      this.segments.push(described ?? (await this.#describe(item.key)));
    }
    for (const link of chain) this.add(link);
  }

  /** A link that a segment holds already is passed over: another collector may have sealed while the chain was read. */
  add(link: ChainLink): void {
    if (this.#sealedTo && isBefore(link.at, this.#sealedTo)) return;
    this.#pending.push(link);
    this.#pendingSize += link.size;
    if (this.#pendingSize >= SEGMENT_BYTES) this.#endStretch();
    if (this.#waiting.length > MAX_WAITING) this.seal();
  }

  /** Stretches are finished that are not being sealed. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Begins to seal what is finished: no more text waits for now. */
  seal(): void {
    for (const links of this.#waiting.splice(0)) this.#sealing = this.#sealing.then(() => this.#seal(links));
    this.#sealing.catch(() => {}); // finish() awaits and reports it
  }

  /** Resolves when the whole chain is sealed. */
  async finish(): Promise<void> {
    if (this.#pending.length > 0) this.#endStretch();
    this.seal();
    await this.#sealing;
  }

  #endStretch(): void {
    this.#waiting.push(this.#pending);
    this.#pending = [];
    this.#pendingSize = 0;
  }

  async #seal(links: readonly ChainLink[]): Promise<void> {
    const [first] = links as [ChainLink];
    const key = segmentKey(this.#id, first.at);
    const builder = new SegmentBuilder(first.at, this.#folds);
    for (const link of links) {
      const object = await persist(() => readBytes(this.#store, link.key, this.#signal()), this.#persist);
      await builder.append(await decodeText(object, decodeHeader(object, link.key), link.key));
    }
    const { object, segment } = await builder.finish(key);
    this.#folds = builder.folds;
    // Nothing but the chunk that ends the chain.
    if (segment.bytes > 0) {
      const made = await persist(() => this.#create(key, object), this.#persist);
      this.segments.push(made ? segment : await persist(() => this.#describe(key), this.#persist));
    }
    this.#onSealed?.(links.map((link) => link.key));
  }

  /** False if another collector was first: by the rule above it made the same segment. */
  async #create(key: string, object: Buffer): Promise<boolean> {
    try {
      await this.#store.put(key, object, { ifAbsent: true, contentType: "application/zstd", ...this.#signal() });
      return true;
    } catch (error) {
      if (error instanceof StorageError && error.kind === "conflict") return false;
      throw error;
    }
  }

  async #describe(key: string): Promise<Segment> {
    const object = await readBytes(this.#store, key, this.#signal());
    const index = await locateIndex(this.#store, key, object.byteLength, this.#persist.signal);
    const { frames, next } = await readIndex(this.#store, { key, index }, this.#persist.signal);
    const parsed = parseKey(key);
    const at = parsed?.type === "segment" ? parsed.at : { line: 1, offset: 0 };
    const firstTime = frames.find((frame) => frame.firstTime)?.firstTime;
    const lastTime = frames.findLast((frame) => frame.lastTime)?.lastTime;
    return {
      key,
      firstLine: at.line,
      offset: at.offset,
      lines: lineStartsBetween(at, next),
      bytes: frames.reduce((sum, frame) => sum + frame.bytes, 0),
      size: object.byteLength,
      index,
      ...(firstTime && { firstTime }),
      ...(lastTime && { lastTime }),
      sha256: createHash("sha256").update(object).digest("hex"),
    };
  }

  #signal(): { signal?: AbortSignal } {
    return this.#persist.signal ? { signal: this.#persist.signal } : {};
  }
}
