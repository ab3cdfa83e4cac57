import { randomUUID } from "node:crypto";
import { type FileHandle, link, mkdir, open, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { bodyStream, emptyBody } from "./body-stream.ts";
import { isGone, listFiles } from "./filesystem-listing.ts";
import { temporaryNameStart } from "./key-gate.ts";
import { type ObjectStore, StorageError, type StorageErrorKind } from "./store.ts";

const kindOfErrno = new Map<string | undefined, StorageErrorKind>([
  ["EACCES", "denied"],
  ["EPERM", "denied"],
  ["EROFS", "denied"],
  ["ENAMETOOLONG", "invalid"],
  ["ELOOP", "invalid"],
  ["ENOTDIR", "invalid"],
]);

/** What `link` fails with on file systems without hard links, such as FAT and some network ones. */
const noHardLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const readBytesAtOnce = 128 * 1024;
/** A put's directory can vanish under it only so often as a delete in it becomes its last. */
const putAttempts = 10;

/** Of one length, so that the longest key's file can still be written. */
export const temporaryName = () => temporaryNameStart + randomUUID().replaceAll("-", "").slice(0, 16);

/**
 * Objects as files below a folder on a POSIX file system that tells letters' case apart; the first put makes it. A put writes
 * a temporary file beside its target, syncs it, and then links it (create-only) or renames it (replace), so that a
 * crash leaves at most a temporary file, which no listing shows and no key can name.
 */
export function filesystemStore(path: string): ObjectStore {
  const root = resolve(path);
  const pathOf = (key: string) => `${root}/${key}`;

  async function removeEmptyParents(path: string): Promise<void> {
    for (let directory = dirname(path); directory.length > root.length; directory = dirname(directory)) {
      if (!(await removedEmptyDirectory(directory))) return;
    }
  }

  return {
    async get(key, { offset = 0, length = Number.POSITIVE_INFINITY, signal } = {}) {
      const failure = (cause: unknown) => translate(cause, `read "${key}"`, signal);
      // The one descriptor keeps the bytes together: a put that replaces the file leaves this one as it was.
      const file = await open(pathOf(key), "r").catch((error) => {
        throw isGone(error) ? missing(key, root, error) : failure(error);
      });
      try {
        const found = await file.stat();
        if (!found.isFile()) throw missing(key, root);
        const expected = Math.min(length, found.size - offset);
        if (expected > 0) {
          const end = offset + expected - 1;
          const source = file.createReadStream({ start: offset, end, highWaterMark: readBytesAtOnce });
          return bodyStream(source, { expected, signal, failure });
        }
      } catch (error) {
        await file.close();
        throw failure(error);
      }
      await file.close();
      return emptyBody();
    },

    async stat(key, { signal } = {}) {
      try {
        const found = await stat(pathOf(key), { bigint: true });
        if (!found.isFile()) return undefined;
        return { size: Number(found.size), etag: `${found.ino}-${found.mtimeNs}-${found.ctimeNs}-${found.size}` };
      } catch (error) {
        if (isGone(error)) return undefined;
        throw translate(error, `stat "${key}"`, signal);
      }
    },

    async *list(prefix, options = {}) {
      try {
        yield* listFiles(root, prefix, options);
      } catch (error) {
        throw translate(error, `list "${prefix}"`, options.signal);
      }
    },

    async put(key, bytes, { ifAbsent = false, signal } = {}) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await putFile(pathOf(key), bytes, ifAbsent, signal);
        } catch (error) {
          const directoryVanished = (error as NodeJS.ErrnoException).code === "ENOENT";
          if (!directoryVanished || attempt === putAttempts) throw translate(error, `put "${key}"`, signal);
        }
      }
    },

    async delete(key, { signal } = {}) {
      const path = pathOf(key);
      try {
        if (await isDirectory(path)) return;
        await unlink(path);
        await removeEmptyParents(path);
      } catch (error) {
        if (!isGone(error)) throw translate(error, `delete "${key}"`, signal);
      }
    },
  };
}

async function putFile(target: string, bytes: Uint8Array, ifAbsent: boolean, signal?: AbortSignal): Promise<void> {
  const directory = dirname(target);
  const temporary = `${directory}/${temporaryName()}`;
  const file = await openNew(temporary, directory);
  try {
    try {
      await file.writeFile(bytes, { signal });
      await file.sync();
      signal?.throwIfAborted();
    } catch (error) {
      await file.close();
      throw error;
    }
    // What does not wait for each other goes side by side: a busy process gives each step a turn late.
    await Promise.all([file.close(), commit(temporary, target, ifAbsent)]);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await Promise.all([syncDirectory(directory), ifAbsent && unlink(temporary)]);
}

/** The directory is there for all but the first of many puts. */
async function openNew(path: string, directory: string): Promise<FileHandle> {
  try {
    return await open(path, "wx");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
  }
  await makeDirectory(directory);
  return await open(path, "wx");
}

async function commit(temporary: string, target: string, ifAbsent: boolean): Promise<void> {
  try {
    await (ifAbsent ? link(temporary, target) : rename(temporary, target));
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (ifAbsent && noHardLinks.has(code)) {
      const message = `${target}: this file system has no hard links, which create-only puts need; use another one.`;
      throw new StorageError("invalid", message, { cause: error });
    }
    if (code !== "EEXIST" && code !== "EISDIR") throw error;
    if (!(await isDirectory(target))) {
      throw new StorageError("conflict", `The file ${target} exists already.`, { cause: error });
    }
    if (await removedEmptyDirectory(target)) return await commit(temporary, target, ifAbsent);
    const message = `${target} is a directory with objects in it: it cannot be an object too.`;
    throw new StorageError("invalid", message, { cause: error });
  }
}

async function makeDirectory(directory: string): Promise<void> {
  let first: string | undefined;
  try {
    first = await mkdir(directory, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST" && code !== "ENOTDIR") throw error;
    const message = `${directory} cannot be a directory: it, or a part of it, is an object already.`;
    throw new StorageError("invalid", message, { cause: error });
  }
  // A new directory survives a crash only once the one that names it is synced.
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** false when it is in use, or gone already. */
async function removedEmptyDirectory(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"].includes(code)) return false;
    throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

function missing(key: string, root: string, cause?: unknown): StorageError {
  return new StorageError("not-found", `There is no object "${key}" in ${root}.`, { cause });
}

/** What to throw: the signal's own reason after an abort. */
function translate(error: unknown, action: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return signal.reason;
  if (error instanceof StorageError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const kind = kindOfErrno.get(code) ?? "unavailable";
  return new StorageError(kind, `Cannot ${action}: ${message}`, { cause: error });
}
