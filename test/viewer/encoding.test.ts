import { buffer } from "node:stream/consumers";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { chooseEncoding, packed } from "../../viewer/encoding.ts";

describe("Accept-Encoding", () => {
  test.each([
    [undefined, "identity"],
    ["", "identity"],
    ["gzip", "gzip"],
    ["zstd", "zstd"],
    ["deflate, gzip, br, zstd", "zstd"],
    ["GZIP", "gzip"],
    ["br", "identity"],
    ["gzip;q=0", "identity"],
    ["gzip;q=0.5, zstd;q=0.4", "gzip"],
    ["gzip;q=0.5, identity;q=0.8", "identity"],
    ["gzip;q=0.5, identity", "identity"],
    ["zstd;q=0, *", "gzip"],
    ["*", "zstd"],
    ["*;q=0", "identity"],
    ["identity;q=0", "identity"],
    ["gzip; q=0.001", "gzip"],
    ["gzip;q=nonsense", "gzip"],
    [",,;;=,", "identity"],
  ])("%s is %s", (header, encoding) => {
    expect(chooseEncoding(header)).toBe(encoding);
  });
});

describe("packing", () => {
  async function* pieces(failure?: Error) {
    for (let i = 0; i < 100; i++) yield Buffer.from(`line ${i}\n`.repeat(1_000));
    if (failure) throw failure;
  }

  test.each([
    ["gzip", gunzipSync],
    ["zstd", zstdDecompressSync],
  ] as const)("%s is undone by its tool", async (encoding, unpack) => {
    const text = await buffer(pieces());
    const bytes = await buffer(packed(pieces(), encoding));
    expect(bytes.byteLength).toBeLessThan(text.byteLength / 5);
    expect(unpack(bytes).equals(text)).toBe(true);
  });

  test("a failure of what is packed is the packed one's", async () => {
    await expect(buffer(packed(pieces(new Error("lost")), "gzip"))).rejects.toThrow("lost");
  });

  test("who stops reading stops what is packed", async () => {
    let isClosed = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024, "x");
      } finally {
        isClosed = true;
      }
    }
    for await (const _ of packed(endless(), "zstd")) break;
    await expect.poll(() => isClosed).toBe(true);
  });
});
