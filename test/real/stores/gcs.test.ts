import { expect, test } from "vitest";
import { openStore, probeStore } from "../../../storage-adapters/open.ts";
import { storeContract } from "../../storage-adapters/store-contract.ts";
import { items, text } from "../../storage-adapters/store-contract-tools.ts";
import { belowRandomPrefix, withBucket, withRealStore } from "./real-store.ts";

/** fake-gcs-server 1.55.1 writes each object to a temporary file that is named `.<last segment><number>`. */
const segmentBytes = 230;
const skip = [
  {
    reason: "fake-gcs-server 1.55.1 keeps the empty folder of deleted objects",
    cases: ["a key may be used that was a prefix before"],
  },
];

withRealStore("GCS_STORE", "GCS", (url) => {
  storeContract("GCS", async () => ({ store: await openStore(url) }), { segmentBytes, skip });
  storeContract("prefixed GCS", async () => ({ store: await openStore(belowRandomPrefix(url)) }), {
    segmentBytes,
    skip,
  });

  test("the probe finds that the bucket can be used", async () => {
    await probeStore(await openStore(belowRandomPrefix(url)), { write: true });
  });

  test("a missing bucket is not-found, and named", async () => {
    const store = await openStore(withBucket(url, "no-such-bucket"));
    for (const request of [() => items(store, ""), () => store.put("a", text("x"))]) {
      const answer = request();
      await expect(answer).rejects.toMatchObject({ kind: "not-found", retryable: false });
      await expect(answer).rejects.toThrow(/"no-such-bucket".*the bucket does not exist/);
    }
  });
});
