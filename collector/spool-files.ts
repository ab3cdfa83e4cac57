import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";

const LF = 0x0a;
/** A file is left for the next one when it is so long: read to its end, it gives its blocks back to the disk. */
const FILE_BYTES = 16 * 1024 * 1024;

/** What is in it from `start` to `end` is still to be read. */
type SpoolFile = { handle: FileHandle; start: number; end: number };

/** A file that vanishes with the process, however that ends. */
export async function openNameless(directory: string): Promise<FileHandle> {
  const path = join(directory, `afterlog-spool-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}

/**
 * Text on disk, first in, first out. It takes up at most one file more than waits. One call at a time.
 * @param openFile a new file, for writing and reading
 */
export class SpoolFiles {
  readonly #open: () => Promise<FileHandle>;
  readonly #fileBytes: number;
  #files: SpoolFile[] = [];

  constructor(openFile: () => Promise<FileHandle>, fileBytes = FILE_BYTES) {
    this.#open = openFile;
    this.#fileBytes = fileBytes;
  }

  /** Still to be read. */
  get bytes(): number {
    return this.#files.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** On disk. */
  get length(): number {
    return this.#files.reduce((sum, { end }) => sum + end, 0);
  }

  /** @throws what the file system says; then nothing of the block counts as written */
  async write(block: Buffer): Promise<void> {
    const file = await this.#writable();
    // A disk that becomes full takes a part of it first.
    for (let done = 0; done < block.byteLength; ) {
      const { bytesWritten } = await file.handle.write(block, done, block.byteLength - done, file.end + done);
      done += bytesWritten;
    }
    file.end += block.byteLength;
  }

  /** The oldest text, at most `limit` bytes of it, ending with a line where more follows and it can; empty if there is none. */
  async read(limit: number): Promise<Buffer> {
    const [file] = this.#files;
    if (!file || file.start === file.end) return Buffer.alloc(0);
    const block = Buffer.allocUnsafe(Math.min(limit, file.end - file.start));
    const { bytesRead } = await file.handle.read(block, 0, block.byteLength, file.start);
    if (bytesRead !== block.byteLength) throw new Error("a spool file is shorter than what was written to it");
    // The rest of the last line is read again.
    const newline = file.start + bytesRead === file.end ? -1 : block.lastIndexOf(LF);
    const text = newline === -1 ? block : block.subarray(0, newline + 1);
    file.start += text.byteLength;
    if (file.start === file.end) await this.#discard(file);
    return text;
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.splice(0).map(({ handle }) => handle.close()));
  }

  async #writable(): Promise<SpoolFile> {
    const last = this.#files.at(-1);
    if (last && last.end < this.#fileBytes) return last;
    const file = { handle: await this.#open(), start: 0, end: 0 };
    this.#files.push(file);
    return file;
  }

  /** The last one is kept for what comes. */
  async #discard(file: SpoolFile): Promise<void> {
    if (this.#files.length > 1) {
      this.#files.shift();
      await file.handle.close();
    } else {
      await file.handle.truncate(0);
      file.start = file.end = 0;
    }
  }
}
