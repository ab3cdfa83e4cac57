import type { LogId } from "../../archive/keys.ts";
import type { LogReader } from "../../archive/log-reader.ts";
import type { ObjectStore } from "../../storage-adapters/store.ts";

export const id: LogId = {
  namespace: "ci",
  runUid: "run",
  taskRunUid: "task",
  attempt: 0,
  container: "step-a",
  restart: 0,
};
export const stamp = (n: number) =>
  new Date(Date.UTC(2026, 6, 30) + n * 1000).toISOString().replace(".000Z", `.${String(n).padStart(9, "0")}Z`);
export const line = (n: number, text = `line ${n}`) => `${stamp(n)} ${text}\n`;

/** All of a log's text, or of some of its lines. */
export async function textOf(reader: LogReader, from?: number, to?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of reader.text(from, to)) parts.push(part);
  return Buffer.concat(parts);
}

export async function keys(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const item of store.list(prefix)) found.push(item.key);
  return found;
}
