import { compareKeys } from "../../storage-adapters/key-order.ts";
import { type ListItem, type ListOptions, type ObjectStore, readBytes } from "../../storage-adapters/store.ts";

export type OpenedStore = {
  store: ObjectStore;
  close?: () => Promise<void>;
  /** Leaves below the prefix what a crash in the middle of a put leaves. Absent where a crash leaves nothing. */
  crashLeftover?: (prefix: string) => Promise<void>;
};
export type Contract = {
  /** One promise of the port. The keys that `at` gives belong to this case alone. */
  promise: (name: string, run: (tools: CaseTools) => Promise<void>) => void;
  segmentBytes: number;
};
export type CaseTools = OpenedStore & { at: (key: string) => string };

export const text = (content: string): Buffer => Buffer.from(content);

export async function content(store: ObjectStore, key: string): Promise<string> {
  return (await readBytes(store, key)).toString();
}

export async function items(store: ObjectStore, prefix: string, options?: ListOptions): Promise<ListItem[]> {
  return await Array.fromAsync(store.list(prefix, options));
}

export async function keys(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  return (await items(store, prefix, options)).map(({ key }) => key);
}

/** Runs over the values, sixteen at a time. */
export async function eachOf<T>(values: Iterable<T>, run: (value: T) => Promise<void>): Promise<void> {
  const rest = values[Symbol.iterator]();
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

export const inOrder = (unordered: string[]): string[] => [...unordered].sort(compareKeys);
