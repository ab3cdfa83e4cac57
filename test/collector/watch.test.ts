import type { IncomingMessage } from "node:http";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import type { KubernetesClient } from "../../collector/kubernetes/client.ts";
import type { Meta } from "../../collector/kubernetes/objects.ts";
import { type WatchEvent, watch } from "../../collector/kubernetes/watch.ts";

type Thing = { metadata: Meta };

const event = (name: string, resourceVersion: string) => {
  const object: Thing = {
    metadata: { name, namespace: "n", uid: name, resourceVersion, creationTimestamp: "2026-07-30T10:00:00Z" },
  };
  return `${JSON.stringify({ type: "ADDED", object })}\n`;
};

test("an event without an end is given up, and the watch goes on", async () => {
  const ended = new AbortController();
  let given = 0;
  let opened = 0;
  const client = {
    get: async () => ({ metadata: { resourceVersion: "7" }, items: [] }),
    open: async () => {
      opened++;
      if (opened > 1) return Readable.from([Buffer.from(event("next", "9"))]);
      const block = Buffer.alloc(1024 * 1024, " ");
      return Readable.from(
        (function* () {
          for (; given < 1024; given++) yield block;
        })(),
      );
    },
  } as unknown as KubernetesClient;
  const errors: unknown[] = [];
  const options = {
    client,
    path: "/apis/x/v1/things",
    trim: (thing: Thing) => thing,
    signal: ended.signal,
    onError: (error: unknown) => errors.push(error),
    timing: { backoffMs: 1 },
  };
  for await (const one of watch<Thing>(options)) if (one.type === "applied") break;
  ended.abort();
  expect(String(errors)).toBe("Error: an event of /apis/x/v1/things is longer than 16 MiB");
  expect(given).toBeLessThan(32);
});

test("a quiet watch is opened again where it was, and is no failure: it may have nothing to tell", async () => {
  const ended = new AbortController();
  const opened: unknown[] = [];
  const client = {
    get: async () => ({ metadata: { resourceVersion: "7" }, items: [] }),
    open: async (_: string, { resourceVersion }: Record<string, unknown>) => {
      opened.push(resourceVersion);
      const body = new PassThrough();
      if (opened.length === 3) body.write(event("late", "9"));
      return body as unknown as IncomingMessage;
    },
  } as unknown as KubernetesClient;
  const errors: unknown[] = [];
  const events: WatchEvent<Thing>[] = [];
  const options = {
    client,
    path: "/apis/x/v1/things",
    trim: (thing: Thing) => thing,
    signal: ended.signal,
    onError: (error: unknown) => errors.push(error),
    timing: { idleMs: 20 },
  };
  for await (const one of watch<Thing>(options)) {
    events.push(one);
    if (one.type === "applied") break;
  }
  ended.abort();
  expect(events.map(({ type }) => type)).toEqual(["init", "synced", "applied"]);
  expect(opened).toEqual(["7", "7", "7"]);
  expect(errors).toEqual([]);
});
