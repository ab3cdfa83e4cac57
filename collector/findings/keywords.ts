/** So many bytes of a keyword find it. */
const GRAM = 3;
/** Only every second place is looked at, so each keyword is known by two neighbouring grams. */
const STRIDE = 2;
const SHORTEST = GRAM + STRIDE - 1;
const TABLE_BITS = 16;
const SHIFT = 32 - TABLE_BITS;
/** Spreads a gram over the table (2^32 divided by the golden ratio). */
const SPREAD = 0x9e3779b1;

/** The characters of logs, the most common first. */
const COMMON = " etaoinsrldcumpfghbvyw0123456789./-_:kxETAOINSRLDCUMPFGHBVYWK'\"jqzXJQZ()[]";

interface Entry {
  keyword: Buffer;
  /** Where its gram stands in it. */
  offset: number;
  values: readonly number[];
}

/**
 * Finds many words at once in one pass over the bytes: the three bytes at every second place are looked up in a table,
 * where plain text meets nearly always nothing. Linear, and as fast with a thousand words as with ten.
 */
export class Keywords {
  /** The number of the bucket, 0 for none, by the gram. */
  readonly #table = new Uint16Array(1 << TABLE_BITS);
  readonly #buckets: Entry[][] = [[]];

  /**
   * @param values what each word stands for
   * @throws RangeError for a word of less than four bytes
   */
  constructor(values: ReadonlyMap<string, readonly number[]>) {
    for (const [word, own] of values) {
      const keyword = Buffer.from(word, "utf8");
      if (keyword.byteLength < SHORTEST)
        throw new RangeError(`the keyword "${word}" is shorter than ${SHORTEST} bytes`);
      const offset = rarestPlace(keyword);
      for (let place = offset; place < offset + STRIDE; place++) this.#enter({ keyword, offset: place, values: own });
    }
  }

  #enter(entry: Entry): void {
    const slot = spread(entry.keyword.readUIntLE(entry.offset, GRAM));
    const bucket = this.#table[slot] || this.#buckets.push([]) - 1;
    this.#table[slot] = bucket;
    this.#buckets[bucket]?.push(entry);
  }

  /** Adds the values of all words that stand between `from` and `to`. */
  find(bytes: Uint8Array, from: number, to: number, found: Set<number>): void {
    const table = this.#table;
    const last = to - GRAM;
    let low = bytes[from] as number;
    for (let at = from; at <= last; at += STRIDE) {
      const high = bytes[at + 2] as number;
      const bucket = table[
        Math.imul(low | ((bytes[at + 1] as number) << 8) | (high << 16), SPREAD) >>> SHIFT
      ] as number;
      if (bucket !== 0) this.#check(bucket, bytes, at, from, to, found);
      low = high;
    }
  }

  #check(bucket: number, bytes: Uint8Array, at: number, from: number, to: number, found: Set<number>): void {
    for (const { keyword, offset, values } of this.#buckets[bucket] as Entry[]) {
      const start = at - offset;
      if (start < from || start + keyword.length > to || !standsAt(keyword, bytes, start)) continue;
      for (const value of values) found.add(value);
    }
  }
}

const spread = (gram: number) => Math.imul(gram, SPREAD) >>> SHIFT;

/** A call of Buffer's own comparison costs more than the few bytes until the first that differs. */
function standsAt(keyword: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < keyword.length; i++) if (keyword[i] !== bytes[start + i]) return false;
  return true;
}

/** Where the bytes of two neighbouring grams stand that plain text has least. */
function rarestPlace(keyword: Buffer): number {
  const rank = (byte: number) => {
    const at = COMMON.indexOf(String.fromCharCode(byte));
    return at === -1 ? COMMON.length : at;
  };
  let best = 0;
  let bestScore = -1;
  for (let offset = 0; offset + SHORTEST <= keyword.byteLength; offset++) {
    const score = keyword.subarray(offset, offset + SHORTEST).reduce((sum, byte) => sum + rank(byte), 0);
    if (score <= bestScore) continue;
    best = offset;
    bestScore = score;
  }
  return best;
}
