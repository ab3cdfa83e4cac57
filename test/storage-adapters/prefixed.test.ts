import { expect, test } from "vitest";
import { gated } from "../../storage-adapters/key-gate.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { prefixed } from "../../storage-adapters/prefixed.ts";
import { temporaryFilesystemStore } from "./filesystem-fixture.ts";
import { storeContract } from "./store-contract.ts";
import { content, keys, text } from "./store-contract-tools.ts";

storeContract("prefixed memory", async () => ({ store: gated(prefixed(memoryStore(), "some/where")) }));
storeContract("prefixed filesystem", () => temporaryFilesystemStore({ prefix: "some where" }));

test("a prefixed store sees nothing beside its prefix", async () => {
  const whole = memoryStore();
  const store = prefixed(whole, "logs");
  for (const key of ["log", "logs", "logs-old/a", "logs/a", "logs/b/c", "logs0"]) await whole.put(key, text(key));
  expect(await keys(store, "")).toEqual(["a", "b/c"]);
  expect(await keys(store, "", { delimiter: "/", startAfter: "a" })).toEqual(["b/"]);
  expect(await content(store, "a")).toBe("logs/a");
  await store.delete("a");
  expect(await keys(whole, "logs/")).toEqual(["logs/b/c"]);
});
