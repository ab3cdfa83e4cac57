import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesystemStore, temporaryName } from "../../storage-adapters/filesystem.ts";
import { gated } from "../../storage-adapters/key-gate.ts";
import { prefixed } from "../../storage-adapters/prefixed.ts";
import type { OpenedStore } from "./store-contract-tools.ts";

/** A store in a folder that does not exist yet and that goes away when the store is closed. */
export async function temporaryFilesystemStore({ prefix }: { prefix?: string } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "afterlog-store-"));
  const root = join(folder, "not yet", "there");
  const adapter = filesystemStore(root);
  return {
    root,
    store: gated(prefix ? prefixed(adapter, prefix) : adapter),
    close: () => rm(folder, { recursive: true }),
    crashLeftover: async (below: string) => {
      const directory = join(root, prefix ?? "", below);
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, temporaryName()), "half a lo");
    },
  } satisfies OpenedStore & { root: string };
}
