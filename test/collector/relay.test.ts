import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { LogWriter } from "../../archive/log-writer.ts";
import { LogStream } from "../../collector/follow/log-stream.ts";
import { Reading } from "../../collector/follow/reading.ts";
import { Relay, type RelayTiming, type Successor } from "../../collector/follow/relay.ts";
import type { KubernetesClient } from "../../collector/kubernetes/client.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { id, line, stamp } from "../archive/log-fixture.ts";

const MINUTE = 60_000;
const TIMING: RelayTiming = {
  silenceMs: MINUTE,
  maxAgeMs: MINUTE,
  fastAgeMs: 0,
  fastBytesPerSecond: 0,
  drainMs: MINUTE,
  settleMs: MINUTE,
  replayMs: MINUTE,
};
const RUN = {
  node: "node",
  namespace: "ci",
  pod: "pod",
  podUid: "uid",
  container: "step-a",
  restart: 0,
  restartable: false,
};

/** An answer of the log endpoint that says what it is told to say. */
function answer() {
  const { readable, writable } = new TransformStream<Buffer, Buffer>();
  const writer = writable.getWriter();
  return {
    body: readable as AsyncIterable<Buffer>,
    say: (text: string) => writer.write(Buffer.from(text)),
    end: () => writer.close(),
  };
}

/** A log that is so fast that a second stream is opened for each file, and how it comes out. */
async function relay() {
  const [old, young] = [answer(), answer()];
  const answers = [old, young];
  const open = async () => {
    const next = answers.shift();
    if (!next) throw new Error("a third stream");
    return next.body;
  };
  const client = { open } as unknown as KubernetesClient;
  const signal = new AbortController().signal;
  const request = { follow: true, previous: false, since: undefined };
  const openStream = () => LogStream.open(client, RUN, request, signal);
  const writer = await LogWriter.open(memoryStore(), id, "uid");
  const reading = { confirm: async () => true, leapMs: MINUTE };
  const asked = Promise.withResolvers<Successor>();
  const deps = {
    open: openStream,
    writer,
    reading,
    timing: TIMING,
    podLeft: new Promise<void>(() => {}),
    onSuccessor: asked.resolve,
  };
  const ended = new Relay(deps, await openStream(), new Reading(writer, reading)).run();
  return {
    old,
    young,
    asked: asked.promise,
    async log() {
      await ended;
      return writer.finish({ state: "whole" });
    },
  };
}

/** containerd stamps a line's end anew when it begins a file with it. */
const later = (n: number) => stamp(n).replace("Z", "").slice(0, -1).concat("9Z");

test.each([
  ["with a line", line(3)],
  ["with the end of a line that the first one has as a whole", `${later(3)} e 3\n`],
])("of two streams of a fast log the second takes over where it begins: %s", async (_, first) => {
  const { old, young, asked, log } = await relay();
  await old.say(line(1));
  expect(await asked).toBe("rate");
  await young.say(first + line(4));
  await turn(); // all that it waits for is in this process
  await old.say(line(2) + line(3) + line(4));
  await young.say(line(5));
  await young.end();
  expect(await log()).toMatchObject({
    lines: 5,
    bytes: Buffer.byteLength([1, 2, 3, 4, 5].map((n) => line(n)).join("")),
    state: "whole",
    gaps: [],
  });
});
