import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { temporaryNameStart } from "./key-gate.ts";
import { compareKeys } from "./key-order.ts";
import type { ListItem, ListOptions } from "./store.ts";

type Walk = Required<Pick<ListOptions, "startAfter">> & {
  root: string;
  prefix: string;
  /** Give the directories of the first level as prefixes. */
  collapse: boolean;
  signal?: AbortSignal;
};
type Entry = { key: string; isDirectory: boolean };

/** Sizes are asked for so many at once. */
const statBatch = 32;

/** Reads one directory after the other, as the listing comes to it; only one directory's names are held per level. */
export function listFiles(root: string, prefix: string, options: ListOptions): AsyncIterable<ListItem> {
  const { delimiter, startAfter = "", signal } = options;
  const directory = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  return walk(directory, { root, prefix, startAfter, collapse: delimiter !== undefined, signal });
}

async function* walk(directory: string, settings: Walk): AsyncGenerator<ListItem> {
  settings.signal?.throwIfAborted();
  const entries = await entriesOf(directory, settings);
  for (let at = 0; at < entries.length; at += statBatch) {
    const batch = entries.slice(at, at + statBatch);
    const sizes = await Promise.all(batch.map((entry) => sizeOf(settings.root, entry)));
    for (const [index, { key, isDirectory }] of batch.entries()) {
      const size = sizes[index];
      if (!isDirectory) {
        if (size !== undefined) yield { type: "object", key, size };
      } else if (!settings.collapse) yield* walk(key, settings);
      else if (await holdsObjects(key, settings)) yield { type: "prefix", key };
    }
  }
}

/** In the order of the keys below: a directory sorts as `name/`, thus after `name-a` and before `name0`. */
async function entriesOf(directory: string, { root, prefix, startAfter, collapse }: Walk): Promise<Entry[]> {
  const entries = (await namesIn(`${root}/${directory}`))
    .filter((entry) => (entry.isFile() || entry.isDirectory()) && !entry.name.startsWith(temporaryNameStart))
    .map((entry) => {
      const isDirectory = entry.isDirectory();
      return { key: `${directory}${entry.name}${isDirectory ? "/" : ""}`, isDirectory };
    });
  return entries
    .filter(({ key, isDirectory }) => {
      const mayHoldLaterKeys = isDirectory && !collapse && startAfter.startsWith(key);
      return key.startsWith(prefix) && (mayHoldLaterKeys || compareKeys(key, startAfter) > 0);
    })
    .sort((a, b) => compareKeys(a.key, b.key));
}

/** Directories appear before their first object and stay after their last: neither may be listed. */
async function holdsObjects(directory: string, settings: Walk): Promise<boolean> {
  for await (const _ of walk(directory, { ...settings, collapse: false })) return true;
  return false;
}

async function namesIn(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** undefined for directories and for what was deleted since its directory was read. */
async function sizeOf(root: string, { key, isDirectory }: Entry): Promise<number | undefined> {
  if (isDirectory) return undefined;
  try {
    return (await lstat(`${root}/${key}`)).size;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
