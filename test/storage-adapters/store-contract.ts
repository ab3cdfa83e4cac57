import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { ObjectStore } from "../../storage-adapters/store.ts";
import { abortCases } from "./store-contract-abort.ts";
import { createOnlyCases } from "./store-contract-create-only.ts";
import { keyCases } from "./store-contract-keys.ts";
import { listCases } from "./store-contract-list.ts";
import { objectCases, rangeCases } from "./store-contract-objects.ts";
import { type Contract, eachOf, keys, type OpenedStore } from "./store-contract-tools.ts";

export type ContractOptions = {
  /** Where a server behind the adapter is itself at fault: the named cases are shown as skipped, with the reason. */
  skip?: { reason: string; cases: string[] }[];
  /** Below 255 where a server for tests cannot hold more. */
  segmentBytes?: number;
};
/** Every promise of the port, as one named case each. The store must come through the key gate. */
export function storeContract(name: string, open: () => Promise<OpenedStore>, options: ContractOptions = {}): void {
  describe(`${name} keeps the promises of the port`, () => {
    const run = `contract-${randomBytes(4).toString("hex")}`;
    const names: string[] = [];
    let opened: OpenedStore;

    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await removeAll(opened.store, `${run}/`);
      await opened.close?.();
    });

    const promise: Contract["promise"] = (caseName, body) => {
      const skipped = options.skip?.find(({ cases }) => cases.includes(caseName));
      const prefix = `${run}/${names.push(caseName)}`;
      const shown = skipped ? `${caseName} (skipped: ${skipped.reason})` : caseName;
      test.skipIf(skipped)(shown, () => body({ ...opened, at: (key) => `${prefix}/${key}` }));
    };
    const contract = { promise, segmentBytes: options.segmentBytes ?? 255 };
    objectCases(contract);
    rangeCases(contract);
    createOnlyCases(contract);
    listCases(contract);
    keyCases(contract);
    abortCases(contract);

    for (const caseName of options.skip?.flatMap(({ cases }) => cases) ?? []) {
      if (!names.includes(caseName)) throw new Error(`the contract has no case "${caseName}" to skip`);
    }
  });
}

async function removeAll(store: ObjectStore, prefix: string): Promise<void> {
  await eachOf(await keys(store, prefix), (key) => store.delete(key));
}
