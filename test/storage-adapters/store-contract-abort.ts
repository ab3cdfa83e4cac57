import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { expect } from "vitest";
import { readBytes } from "../../storage-adapters/store.ts";
import { type Contract, items, keys, text } from "./store-contract-tools.ts";

export function abortCases({ promise }: Contract): void {
  promise("an aborted signal stops every verb before it starts, with its reason", async ({ store, at }) => {
    const reason = new Error("the reader left");
    const signal = AbortSignal.abort(reason);
    await expect(store.get(at("a"), { signal })).rejects.toBe(reason);
    await expect(store.stat(at("a"), { signal })).rejects.toBe(reason);
    await expect(store.put(at("a"), text("x"), { signal })).rejects.toBe(reason);
    await expect(store.delete(at("a"), { signal })).rejects.toBe(reason);
    await expect(items(store, at(""), { signal })).rejects.toBe(reason);
    expect(await keys(store, at(""))).toEqual([]);
  });
  promise("aborting a get destroys its stream with the reason", async ({ store, at }) => {
    await store.put(at("object"), randomBytes(5 * 1024 * 1024));
    const controller = new AbortController();
    const stream = await store.get(at("object"), { signal: controller.signal });
    const reason = new Error("the reader left");
    const reading = (async () => {
      for await (const _ of stream) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    expect(stream.destroyed).toBe(true);
  });
  promise("a get's stream that was aborted before it is read still gives the reason", async ({ store, at }) => {
    await store.put(at("object"), text("x"));
    const controller = new AbortController();
    const stream = await store.get(at("object"), { signal: controller.signal });
    const reason = new Error("the reader left");
    controller.abort(reason);
    await expect(buffer(stream)).rejects.toBe(reason);
  });
  promise("a get's stream that is destroyed early leaves the store usable", async ({ store, at }) => {
    await store.put(at("object"), randomBytes(5 * 1024 * 1024));
    const kept = await store.get(at("object"));
    (await store.get(at("object"))).destroy();
    expect((await buffer(kept)).length).toBe(5 * 1024 * 1024);
  });
  promise("aborting a list ends it with the reason", async ({ store, at }) => {
    for (const name of ["a", "b", "c"]) await store.put(at(name), text("x"));
    const controller = new AbortController();
    const reason = new Error("the reader left");
    const seen: string[] = [];
    const listing = (async () => {
      for await (const { key } of store.list(at(""), { signal: controller.signal })) {
        seen.push(key);
        controller.abort(reason);
      }
    })();
    await expect(listing).rejects.toBe(reason);
    expect(seen).toEqual([at("a")]);
  });
  promise("aborting a put leaves all of the object or nothing", async ({ store, at }) => {
    const bytes = randomBytes(4 * 1024 * 1024);
    const controller = new AbortController();
    const reason = new Error("the writer left");
    const putting = store.put(at("object"), bytes, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    const outcome = await putting.catch((error: unknown) => error);
    expect([undefined, reason]).toContain(outcome);
    for (const item of await items(store, at(""))) {
      expect(item).toEqual({ type: "object", key: at("object"), size: bytes.length });
      expect((await readBytes(store, at("object"))).equals(bytes)).toBe(true);
    }
  });
}
