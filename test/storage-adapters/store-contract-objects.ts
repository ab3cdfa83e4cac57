import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { readBytes } from "../../storage-adapters/store.ts";
import { type Contract, content, keys, text } from "./store-contract-tools.ts";

export function objectCases({ promise }: Contract): void {
  promise("get of a missing object: not-found before the first byte", async ({ store, at }) => {
    await expect(store.get(at("missing"))).rejects.toMatchObject({ kind: "not-found", retryable: false });
    await expect(store.get(at("missing"), { offset: 5, length: 5 })).rejects.toMatchObject({ kind: "not-found" });
    await expect(store.get(at("missing"), { length: 0 })).rejects.toMatchObject({ kind: "not-found" });
  });
  promise("errors name the key", async ({ store, at }) => {
    await expect(store.get(at("missing"))).rejects.toThrow(at("missing"));
  });
  promise("stat of a missing object: undefined", async ({ store, at }) => {
    expect(await store.stat(at("missing"))).toBeUndefined();
    await store.put(at("folder/object"), text("x"));
    expect(await store.stat(at("folder"))).toBeUndefined();
    await expect(store.get(at("folder"))).rejects.toMatchObject({ kind: "not-found" });
  });
  promise("delete is quiet when there is no object", async ({ store, at }) => {
    await store.delete(at("missing"));
    await store.put(at("object"), text("x"));
    await store.delete(at("object"));
    await store.delete(at("object"));
    expect(await store.stat(at("object"))).toBeUndefined();
    await expect(store.get(at("object"))).rejects.toMatchObject({ kind: "not-found" });
  });
  promise("delete of what is only a prefix deletes nothing", async ({ store, at }) => {
    await store.put(at("folder/object"), text("x"));
    await store.delete(at("folder"));
    expect(await keys(store, at(""))).toEqual([at("folder/object")]);
  });
  promise("put, then get and stat, of no byte, a few and many", async ({ store, at }) => {
    for (const size of [0, 1, 3 * 1024 * 1024 + 1]) {
      const bytes = randomBytes(size);
      await store.put(at(`${size}`), bytes, { contentType: "application/zstd" });
      expect((await readBytes(store, at(`${size}`))).equals(bytes)).toBe(true);
      expect(await store.stat(at(`${size}`))).toMatchObject({ size });
    }
  });
  promise("put takes the part of a buffer that it is given, and keeps its own copy", async ({ store, at }) => {
    const whole = new Uint8Array(text("0123456789"));
    await store.put(at("part"), whole.subarray(2, 5));
    whole.fill(0);
    expect(await content(store, at("part"))).toBe("234");
  });
  promise("put replaces, and the etag changes with the bytes", async ({ store, at }) => {
    const etags = new Set<string | undefined>();
    for (const bytes of ["one", "two", "three"]) {
      await store.put(at("object"), text(bytes));
      expect(await content(store, at("object"))).toBe(bytes);
      const stat = await store.stat(at("object"));
      expect(stat?.size).toBe(bytes.length);
      etags.add(stat?.etag);
    }
    expect(etags.size).toBe(3);
    expect((await store.stat(at("object")))?.etag).toBe((await store.stat(at("object")))?.etag);
  });
  promise("readers during a put see the old bytes or the new ones, whole", async ({ store, at }) => {
    const versions = [Buffer.alloc(700_000, "a"), Buffer.alloc(300_000, "b")] as const;
    await store.put(at("object"), versions[0]);
    let writing = true;
    const read = async () => {
      for (let reads = 0; writing || reads === 0; reads++) {
        const bytes = await readBytes(store, at("object"));
        expect(versions.some((version) => version.equals(bytes))).toBe(true);
      }
    };
    const write = async () => {
      for (let round = 1; round <= 12; round++) await store.put(at("object"), versions[round % 2 ? 1 : 0]);
      writing = false;
    };
    await Promise.all([write(), read(), read(), read()]);
  });
  promise("puts and deletes side by side do not hinder each other", async ({ store, at }) => {
    const churn = async (name: string) => {
      for (let round = 0; round < 8; round++) {
        await store.put(at(`deep/er/${name}`), text(name));
        expect(await content(store, at(`deep/er/${name}`))).toBe(name);
        await store.delete(at(`deep/er/${name}`));
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(churn));
    expect(await keys(store, at(""))).toEqual([]);
  });
}

export function rangeCases({ promise }: Contract): void {
  const ranges: [name: string, range: { offset?: number; length?: number }, expected: string][] = [
    ["inside", { offset: 2, length: 3 }, "234"],
    ["from the start", { length: 4 }, "0123"],
    ["to the end", { offset: 7 }, "789"],
    ["up to the last byte", { offset: 7, length: 3 }, "789"],
    ["that reaches past the end gives what there is", { offset: 7, length: 2 ** 40 }, "789"],
    ["that begins at the end is empty", { offset: 10 }, ""],
    ["that begins past the end is empty", { offset: 1000, length: 5 }, ""],
    ["of no length is empty", { offset: 3, length: 0 }, ""],
    ["of the whole", { offset: 0, length: 10 }, "0123456789"],
  ];
  for (const [name, range, expected] of ranges) {
    promise(`a range ${name}`, async ({ store, at }) => {
      await store.put(at("object"), text("0123456789"));
      expect((await readBytes(store, at("object"), range)).toString()).toBe(expected);
    });
  }
  promise("every range of an empty object is empty", async ({ store, at }) => {
    await store.put(at("empty"), text(""));
    for (const range of [{}, { offset: 0 }, { offset: 0, length: 5 }, { offset: 5 }, { length: 0 }]) {
      expect((await readBytes(store, at("empty"), range)).length).toBe(0);
    }
  });
  promise("a range that is none is refused as invalid", async ({ store, at }) => {
    for (const range of [{ offset: -1 }, { length: -1 }, { offset: 0.5 }, { length: Number.NaN }]) {
      await expect(store.get(at("object"), range)).rejects.toMatchObject({ kind: "invalid" });
    }
  });
}
