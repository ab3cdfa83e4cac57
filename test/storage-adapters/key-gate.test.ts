import { normalize } from "node:path/posix";
import { describe, expect, test } from "vitest";
import { temporaryName } from "../../storage-adapters/filesystem.ts";
import { checkKey, checkPrefix, gated, maxKeyBytes } from "../../storage-adapters/key-gate.ts";
import { compareKeys } from "../../storage-adapters/key-order.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { StorageError } from "../../storage-adapters/store.ts";
import fc from "../property.ts";
import { unusualNames } from "./store-contract-keys.ts";
import { keys, text } from "./store-contract-tools.ts";

const parts = (bytes: number, part = 100) =>
  `${"x".repeat(part - 1)}/`
    .repeat(Math.ceil(bytes / part))
    .slice(0, bytes - 1)
    .concat("x");

describe("the key gate", () => {
  test.each([
    ["", "is empty"],
    ["/a", "empty segment"],
    ["a/", "empty segment"],
    ["a//b", "empty segment"],
    ["/", "empty segment"],
    [".", 'the segment "."'],
    ["..", 'the segment ".."'],
    ["a/./b", 'the segment "."'],
    ["a/..", 'the segment ".."'],
    ["../../etc/passwd", 'the segment ".."'],
    ["a\0", "control character"],
    ["a\tb", "control character"],
    ["a\r\nb", "control character"],
    ["a\u007f", "control character"],
    ["a\u0085", "control character"],
    ["a\ufffe", "U+FFFE"],
    ["a\uffff", "U+FFFF"],
    ["a\ud83d", "lone surrogate"],
    ["\udc00a", "lone surrogate"],
    ["x".repeat(256), "a segment of 256 bytes, at most 255"],
    ["é".repeat(128), "a segment of 256 bytes, at most 255"],
    [parts(901), "is 901 bytes long, at most 900"],
    [`a/${temporaryName()}`, "reserved"],
  ])("refuses %j", (key, problem) => {
    expect(() => checkKey(key)).toThrow(StorageError);
    expect(() => checkKey(key)).toThrow(problem);
  });

  test.each([...unusualNames, "a", "a/b", "x".repeat(255), parts(900), "..a/b..", "a/...", ".afterlog"])(
    "lets %j pass",
    (key) => {
      checkKey(key);
      checkPrefix(key);
    },
  );

  test("names the key, as JSON and not at any length", () => {
    expect(() => checkKey("a\nb")).toThrow('The key "a\\nb" contains');
    expect(() => checkKey("y".repeat(1000))).toThrow(/^The key "y{200}…" is 1000 bytes long/);
  });

  test.each(["", "a", "a/", "a/b", "a/..", "."])("lets the prefix %j pass", (prefix) => checkPrefix(prefix));
  test.each(["/", "/a", "a//", "../", "a/../b", "\0", "\ud800", parts(901)])("refuses the prefix %j", (prefix) => {
    expect(() => checkPrefix(prefix)).toThrow(StorageError);
  });

  test("whatever passes is a relative path that stays below its root and reads back from UTF-8", () => {
    const unit = fc.constantFrom(
      "a",
      "b",
      "é",
      "\u{1f600}",
      "/",
      "..",
      ".",
      " ",
      "\0",
      "\ud800",
      "\uffff",
      temporaryName(),
    );
    const anyText = fc.string({ unit });
    fc.assert(
      fc.property(anyText, (key) => {
        try {
          checkKey(key);
        } catch (error) {
          expect(error).toMatchObject({ name: "StorageError", kind: "invalid", retryable: false });
          return;
        }
        expect(Buffer.from(key).toString()).toBe(key);
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(maxKeyBytes);
        expect(normalize(key)).toBe(key);
        expect(key.split("/")).not.toContain("..");
      }),
    );
  });

  test("lists only what could be got", async () => {
    const inner = memoryStore();
    for (const key of ["a", "folder/", "b//c", "d/../e", "good/e"]) await inner.put(key, text("x"));
    expect(await keys(gated(inner), "")).toEqual(["a", "good/e"]);
    expect(await keys(gated(inner), "", { delimiter: "/" })).toContain("good/");
  });
});

test("compareKeys orders as the keys' UTF-8 bytes do", () => {
  const key = fc.string({ unit: fc.constantFrom("a", "b", "/", "-", "é", "\ud7ff", "\ue000", "\uff5e", "\u{1f600}") });
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
