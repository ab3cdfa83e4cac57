import type { IncomingMessage } from "node:http";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import type { KubernetesClient } from "../../collector/kubernetes/client.ts";
import type { Meta } from "../../collector/kubernetes/objects.ts";
import { type WatchEvent, type WatchOptions, watch } from "../../collector/kubernetes/watch.ts";

type Thing = { metadata: Meta };

const event = (name: string, resourceVersion: string) => {
  const object: Thing = {
    metadata: { name, namespace: "n", uid: name, resourceVersion, creationTimestamp: "2026-07-30T10:00:00Z" },
  };
  return `${JSON.stringify({ type: "ADDED", object })}\n`;
};

/** What a watch of things gives until one of them is there, and the errors that it told. */
async function watched(
  client: Partial<KubernetesClient>,
  timing: WatchOptions<Thing>["timing"],
): Promise<{ events: WatchEvent<Thing>[]; errors: unknown[] }> {
  const ended = new AbortController();
  const events: WatchEvent<Thing>[] = [];
  const errors: unknown[] = [];
  for await (const one of watch<Thing>({
    client: client as KubernetesClient,
    path: "/apis/x/v1/things",
    trim: (thing) => thing,
    signal: ended.signal,
    onError: (error) => errors.push(error),
    timing,
  })) {
    events.push(one);
    if (one.type === "applied") break;
  }
  ended.abort();
  return { events, errors };
}

const emptyList = async <T>() => ({ metadata: { resourceVersion: "7" }, items: [] }) as T;

test("an event without an end is given up, and the watch goes on", async () => {
  let given = 0;
  let opened = 0;
  const open = async () => {
    opened++;
    if (opened > 1) return Readable.from([Buffer.from(event("next", "9"))]) as IncomingMessage;
    const block = Buffer.alloc(1024 * 1024, " ");
    return Readable.from(
      (function* () {
        for (; given < 1024; given++) yield block;
      })(),
    ) as IncomingMessage;
  };
  const { errors } = await watched({ get: emptyList, open }, { backoffMs: 1 });
  expect(String(errors)).toBe("Error: an event of /apis/x/v1/things is longer than 16 MiB");
  expect(given).toBeLessThan(32);
});

test("a quiet watch is opened again where it was, and is no failure: it may have nothing to tell", async () => {
  const opened: unknown[] = [];
  const open: KubernetesClient["open"] = async (_, { resourceVersion }) => {
    opened.push(resourceVersion);
    const body = new PassThrough();
    if (opened.length === 3) body.write(event("late", "9"));
    return body as unknown as IncomingMessage;
  };
  const { events, errors } = await watched({ get: emptyList, open }, { idleMs: 20 });
  expect(events.map(({ type }) => type)).toEqual(["init", "synced", "applied"]);
  expect(opened).toEqual(["7", "7", "7"]);
  expect(errors).toEqual([]);
});
