import { expect } from "vitest";
import { type CaseTools, type Contract, eachOf, inOrder, items, keys, text } from "./store-contract-tools.ts";

/** Their order by UTF-16 code units differs, and so does that of a walk that sorts each directory's names. */
const trickyNames = ["a-b", "a.b", "a/b-", "a/b/c", "a/b0", "a0", "aa", "b\u{1f600}", "b\uff5e", "bé", "bz"];

export function listCases({ promise }: Contract): void {
  const putAll = async ({ store, at }: CaseTools, names: string[]) =>
    await eachOf(names, (name) => store.put(at(name), text(name)));

  promise("list gives keys in the order of their UTF-8 bytes, with sizes", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, trickyNames);
    const expected = inOrder(trickyNames).map((name) => ({
      type: "object",
      key: at(name),
      size: Buffer.byteLength(name),
    }));
    expect(expected.map(({ key }) => key).at(-1)).toBe(at("b\u{1f600}"));
    expect(await items(store, at(""))).toEqual(expected);
  });
  promise("a/ does not list ab/, while a lists both", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, ["a/1", "ab/1", "b/1"]);
    expect(await keys(store, at("a/"))).toEqual([at("a/1")]);
    expect(await keys(store, at("a"))).toEqual([at("a/1"), at("ab/1")]);
    expect(await keys(store, at("ab"))).toEqual([at("ab/1")]);
    expect(await keys(store, at("a/1"))).toEqual([at("a/1")]);
    expect(await keys(store, at("a/1/"))).toEqual([]);
    expect(await keys(store, at("nothing/"))).toEqual([]);
  });
  promise('the prefix "" lists everything', async ({ store, at }) => {
    await store.put(at("object"), text("x"));
    for await (const { key } of store.list("", { startAfter: at("") })) {
      expect(key).toBe(at("object"));
      return;
    }
    expect.fail("nothing was listed");
  });
  promise("a delimiter gives each shared prefix once, in one order with the objects", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, ["a-", "a/1", "a/2", "a/b/3", "a0", "b/1", "c"]);
    expect(await items(store, at(""), { delimiter: "/" })).toEqual([
      { type: "object", key: at("a-"), size: 2 },
      { type: "prefix", key: at("a/") },
      { type: "object", key: at("a0"), size: 2 },
      { type: "prefix", key: at("b/") },
      { type: "object", key: at("c"), size: 1 },
    ]);
    expect(await keys(store, at("a/"), { delimiter: "/" })).toEqual([at("a/1"), at("a/2"), at("a/b/")]);
    expect(await keys(store, at("a"), { delimiter: "/" })).toEqual([at("a-"), at("a/"), at("a0")]);
  });
  promise("a prefix is gone with its last object", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, ["a/b/c", "d"]);
    await store.delete(at("a/b/c"));
    expect(await keys(store, at(""), { delimiter: "/" })).toEqual([at("d")]);
  });
  promise("a key may be used that was a prefix before", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, ["a/b/c", "d/e"]);
    await eachOf(["a/b/c", "d/e"], (name) => store.delete(at(name)));
    await store.put(at("a"), text("now an object"));
    await store.put(at("d"), text("now an object"), { ifAbsent: true });
    expect(await keys(store, at(""), { delimiter: "/" })).toEqual([at("a"), at("d")]);
  });
  promise("startAfter is exclusive, wherever it lies", async (tools) => {
    const { store, at } = tools;
    const names = inOrder(["a-b", "a/1", "a/2", "a/b/1", "a/b/2", "a0", "b/1"]);
    await putAll(tools, names);
    for (const after of [...names, "a", "a/", "a/1z", "a/b", "a/b/", "a/b/11", "a/zz", "b/", "b/2", "\u{10ffff}"]) {
      const expected = inOrder([...names, after]).filter((_, index, all) => index > all.lastIndexOf(after));
      expect(await keys(store, at(""), { startAfter: at(after) })).toEqual(expected.map(at));
    }
    expect(await keys(store, at("a/"), { startAfter: at("a-") })).toEqual(["a/1", "a/2", "a/b/1", "a/b/2"].map(at));
  });
  promise("startAfter with a delimiter leaves out the prefix that it is or lies in", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, ["a-", "a/1", "a/2", "a0", "b/1"]);
    const listed = async (after: string) => await keys(store, at(""), { delimiter: "/", startAfter: at(after) });
    expect(await listed("a-")).toEqual([at("a/"), at("a0"), at("b/")]);
    expect(await listed("a/")).toEqual([at("a0"), at("b/")]);
    expect(await listed("a/1")).toEqual([at("a0"), at("b/")]);
    expect(await listed("a0")).toEqual([at("b/")]);
    expect(await listed("b/")).toEqual([]);
  });
  promise("a listing can be left early", async (tools) => {
    const { store, at } = tools;
    await putAll(tools, ["a", "b", "c"]);
    for await (const { key } of store.list(at(""))) {
      expect(key).toBe(at("a"));
      break;
    }
    expect(await keys(store, at(""))).toHaveLength(3);
  });
  promise("more than a thousand keys are listed, all of them and in order", async (tools) => {
    const { store, at } = tools;
    const numbers = Array.from({ length: 1100 }, (_, number) => String(number).padStart(4, "0"));
    const isFolder = (number: string) => number.endsWith("7");
    const names = numbers.map((number) => (isFolder(number) ? `${number}/object` : number));
    const level = numbers.map((number) => (isFolder(number) ? `${number}/` : number));
    await putAll(tools, names);
    expect(await keys(store, at(""))).toEqual(names.map(at));
    expect(await keys(store, at(""), { delimiter: "/" })).toEqual(level.map(at));
    expect(await keys(store, at(""), { startAfter: at("0041") })).toEqual(names.slice(42).map(at));
    expect(await keys(store, at(""), { startAfter: at("0041"), delimiter: "/" })).toEqual(level.slice(42).map(at));
  });
}
