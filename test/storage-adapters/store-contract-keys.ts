import { expect } from "vitest";
import { type Contract, content, eachOf, inOrder, items, keys, text } from "./store-contract-tools.ts";

export const unusualNames = [
  "two words",
  " leading and trailing ",
  "100%",
  "%41 is not A",
  "a+b",
  "a#b",
  "a?b",
  "a&b=c",
  "a;b,c:d@e$f!g*h'i(j)k~l",
  'a<b>"c"',
  "a\\b",
  "[a]{b}|c^d`e",
  "...",
  ".hidden",
  "--flag",
  "e\u0301 is not \u00e9",
  "Grüße",
  "日志",
  "\u{1f4dc} scroll",
  "\uffe6",
  "\ufffd",
];

export function keyCases({ promise, segmentBytes }: Contract): void {
  promise("unusual keys are put, got, listed and deleted as they are", async ({ store, at }) => {
    const all = unusualNames.flatMap((name) => [at(name), at(`in ${name}/${name}`)]);
    await eachOf(all, (key) => store.put(key, text(key)));
    expect(await keys(store, at(""))).toEqual(inOrder(all));
    await eachOf(all, async (key) => {
      expect(await content(store, key)).toBe(key);
      expect((await store.stat(key))?.size).toBe(Buffer.byteLength(key));
      expect(await keys(store, key)).toContain(key);
    });
    await eachOf(all, (key) => store.delete(key));
    expect(await keys(store, at(""))).toEqual([]);
  });
  promise("keys of 900 bytes in parts as long as can be", async ({ store, at }) => {
    const long = (letter: string) => {
      const parts = Array.from({ length: 10 }, () => letter.repeat(segmentBytes / Buffer.byteLength(letter))).join("/");
      const room = 900 - at("").length;
      return at(
        Buffer.from(parts)
          .subarray(0, room)
          .toString()
          .replace(/\ufffd|\/$/g, ""),
      );
    };
    const all = [long("x"), long("é"), long("日")];
    await eachOf(all, (key) => store.put(key, text(key), { ifAbsent: true }));
    await eachOf(all, async (key) => {
      expect(Buffer.byteLength(key)).toBeGreaterThan(895);
      expect(await content(store, key)).toBe(key);
      await expect(store.put(key, text("x"), { ifAbsent: true })).rejects.toMatchObject({ kind: "conflict" });
    });
    expect(await keys(store, at(""))).toEqual(inOrder(all));
  });
  promise("keys that not every store can hold are refused as invalid by every verb", async ({ store, at }) => {
    for (const key of ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\0b", "a\nb", "\ud800", "x".repeat(256)]) {
      const refused = { kind: "invalid", retryable: false };
      await expect(store.get(key)).rejects.toMatchObject(refused);
      await expect(store.stat(key)).rejects.toMatchObject(refused);
      await expect(store.put(key, text("x"))).rejects.toMatchObject(refused);
      await expect(store.delete(key)).rejects.toMatchObject(refused);
    }
    for (const prefix of ["/", "a//", "../", "a/../b", "a\0b"]) {
      await expect(items(store, prefix)).rejects.toMatchObject({ kind: "invalid" });
    }
    await expect(items(store, at(""), { delimiter: "-" })).rejects.toMatchObject({ kind: "invalid" });
  });
}
