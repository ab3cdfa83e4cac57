import { expect, test } from "vitest";
import { openStore, probeStore } from "../../../storage-adapters/open.ts";
import { s3Client, s3Store } from "../../../storage-adapters/s3.ts";
import { parseStoreUrl, type StoreLocation } from "../../../storage-adapters/store-url.ts";
import { storeContract } from "../../storage-adapters/store-contract.ts";
import { items, text } from "../../storage-adapters/store-contract-tools.ts";
import { belowRandomPrefix, withBucket, withRealStore } from "./real-store.ts";

const skip = (await isVersityGateway(process.env.S3_STORE))
  ? [
      {
        reason: "versitygw 1.7.0 checks If-None-Match long before it publishes, see versity/versitygw#2288",
        cases: ["create-only: of ten racing writers exactly one succeeds, and its bytes are stored"],
      },
    ]
  : [];

withRealStore("S3_STORE", "S3", (url) => {
  storeContract("S3", async () => ({ store: await openStore(url) }), { skip });
  storeContract("prefixed S3", async () => ({ store: await openStore(belowRandomPrefix(url)) }), { skip });

  test("the probe finds that the bucket can be used", async () => {
    await probeStore(await openStore(belowRandomPrefix(url)), { write: true });
  });

  test("a missing bucket is not-found, and named", async () => {
    const store = await openStore(withBucket(url, "no-such-bucket"));
    for (const request of [() => items(store, ""), () => store.put("a", text("x")), () => store.get("a")]) {
      const answer = request();
      await expect(answer).rejects.toMatchObject({ kind: "not-found", retryable: false });
      await expect(answer).rejects.toThrow(/"no-such-bucket".*the bucket does not exist/);
    }
  });

  test("wrong credentials are denied", async () => {
    const { bucket, ...server } = parseStoreUrl(url) as Extract<StoreLocation, { scheme: "s3:" }>;
    const client = s3Client({ bucket, ...server });
    const { credentials } = client.config;
    client.config.credentials = async () => ({ ...(await credentials()), secretAccessKey: "wrong" });
    await expect(items(s3Store({ client, bucket }), "")).rejects.toMatchObject({ kind: "denied", retryable: false });
  });
});

async function isVersityGateway(url?: string): Promise<boolean> {
  const endpoint = url && new URL(url).searchParams.get("endpoint");
  if (!endpoint) return false;
  const { headers } = await fetch(endpoint);
  return headers.get("server") === "VERSITYGW";
}
