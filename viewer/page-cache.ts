import { ByteCache } from "../archive/read-cache.ts";
import type { Log, RunRecord } from "../archive/record.ts";

/** A page as it was answered, compressed; `log`: of which it shows lines. */
export type KeptPage = { packed: Uint8Array<ArrayBuffer>; log?: Log | undefined };

/**
 * Pages that can change no more, so that one that many open at once is made once. A page is told by its record as it was
 * parsed, which is another one as soon as its bytes are others, and by all else that it depends on.
 */
export class PageCache {
  readonly #kept: ByteCache<KeptPage>;
  readonly #numbers = new WeakMap<RunRecord, number>();
  #last = 0;

  constructor(maxBytes: number) {
    this.#kept = new ByteCache(maxBytes);
  }

  get(record: RunRecord, address: string): KeptPage | undefined {
    return this.#kept.get(this.#keyOf(record, address));
  }

  set(record: RunRecord, address: string, page: KeptPage): void {
    const key = this.#keyOf(record, address);
    this.#kept.set(key, page, page.packed.byteLength + 2 * key.length);
  }

  #keyOf(record: RunRecord, address: string): string {
    const number = this.#numbers.get(record) ?? ++this.#last;
    this.#numbers.set(record, number);
    return `${number} ${address}`;
  }
}
