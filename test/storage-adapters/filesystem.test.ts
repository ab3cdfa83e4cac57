import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBytes } from "../../storage-adapters/store.ts";
import { temporaryFilesystemStore } from "./filesystem-fixture.ts";
import { storeContract } from "./store-contract.ts";
import { content, items, keys, text } from "./store-contract-tools.ts";

storeContract("filesystem", temporaryFilesystemStore);

describe("the filesystem store", () => {
  let opened: Awaited<ReturnType<typeof temporaryFilesystemStore>>;
  beforeEach(async () => {
    opened = await temporaryFilesystemStore();
  });
  afterEach(() => opened.close());

  test("is empty before its folder exists, which the first put makes", async () => {
    const { root, store } = opened;
    expect(await items(store, "")).toEqual([]);
    expect(await store.stat("a")).toBeUndefined();
    await store.put("a/b", text("x"));
    expect(await readdir(root)).toEqual(["a"]);
  });

  test("leaves neither temporary files nor empty directories behind", async () => {
    const { root, store } = opened;
    await store.put("a/b/c", text("1"));
    await store.put("a/b/c", text("2"));
    await expect(store.put("a/b/c", text("3"), { ifAbsent: true })).rejects.toMatchObject({ kind: "conflict" });
    expect(await readdir(root, { recursive: true })).toEqual(["a", "a/b", "a/b/c"]);
    await store.delete("a/b/c");
    expect(await readdir(root)).toEqual([]);
  });

  test("says that a part of a key's path is an object, or that the key is a directory", async () => {
    const { store } = opened;
    await store.put("a", text("x"));
    for (const key of ["a/b", "a/b/c"]) {
      const put = store.put(key, text("x"));
      await expect(put).rejects.toMatchObject({ kind: "invalid", retryable: false });
      await expect(put).rejects.toThrow("is an object already");
      await expect(store.get(key)).rejects.toMatchObject({ kind: "not-found" });
    }
    await store.put("d/e", text("x"));
    for (const ifAbsent of [true, false]) {
      const put = store.put("d", text("x"), { ifAbsent });
      await expect(put).rejects.toMatchObject({ kind: "invalid" });
      await expect(put).rejects.toThrow("is a directory with objects in it");
    }
  });

  test("puts an object where a crash left an empty directory", async () => {
    const { root, store } = opened;
    for (const [key, ifAbsent] of [
      ["created", true],
      ["replaced", false],
    ] as const) {
      await mkdir(join(root, key), { recursive: true });
      await store.put(key, text("x"), { ifAbsent });
      expect(await content(store, key)).toBe("x");
    }
  });

  test("an opened get reads on in the bytes that it began with", async () => {
    const { store } = opened;
    const before = Buffer.alloc(2_000_000, "a");
    await store.put("object", before);
    const stream = await store.get("object");
    await store.put("object", text("new"));
    const chunks = await stream.toArray();
    expect(Buffer.concat(chunks).equals(before)).toBe(true);
    expect(await content(store, "object")).toBe("new");
  });

  test.skipIf(process.getuid?.() === 0)("a folder without permission is denied (not as root)", async () => {
    const { root, store } = opened;
    await store.put("a/b", text("x"));
    await chmod(join(root, "a"), 0);
    await expect(store.get("a/b")).rejects.toMatchObject({ kind: "denied" });
    await chmod(join(root, "a"), 0o700);
  });

  test("a writer killed at any moment leaves whole objects only", async () => {
    const { root, store } = opened;
    const writer = join(import.meta.dirname, "endless-writer.ts");
    for (const puts of [1, 5, 14]) {
      const child = spawn(process.execPath, [writer, root], { stdio: ["ignore", "pipe", "inherit"] });
      for (let dots = 0; dots < puts; ) dots += (await once(child.stdout, "data"))[0].length;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const listed = await items(store, "");
    expect(listed.length).toBeGreaterThan(0);
    for (const { key } of listed) {
      const bytes = await readBytes(store, key);
      expect(bytes.equals(Buffer.alloc(1_000_000, bytes[0]))).toBe(true);
    }
  });

  test("files that other tools left under unusable names are not listed", async () => {
    const { root, store } = opened;
    await store.put("good", text("x"));
    await writeFile(join(root, "bad\nname"), "x");
    expect(await keys(store, "")).toEqual(["good"]);
  });
});
