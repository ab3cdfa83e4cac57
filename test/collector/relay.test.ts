import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import { LogStream } from "../../collector/follow/log-stream.ts";
import { Reading } from "../../collector/follow/reading.ts";
import { Relay, type RelayTiming } from "../../collector/follow/relay.ts";
import type { KubernetesClient } from "../../collector/kubernetes/client.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { id, line, stamp, textOf } from "../archive/log-fixture.ts";

const MINUTE = 60_000;
const TIMING: RelayTiming = {
  silenceMs: MINUTE,
  maxAgeMs: MINUTE,
  fastAgeMs: 1,
  fastBytesPerSecond: 0,
  fastForMs: MINUTE,
  fileEndMs: MINUTE,
  fileOverMs: MINUTE,
  closeMs: 20,
  fileMs: 2_500,
  lookMs: MINUTE,
  unseenMs: MINUTE,
  orderMs: 1_000,
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

afterEach(() => void vi.useRealTimers());

/** An answer of the log endpoint that says what it is told to say. */
function answer() {
  const { readable, writable } = new TransformStream<Buffer, Buffer>();
  const writer = writable.getWriter();
  return {
    body: readable as AsyncIterable<Buffer>,
    say: (text: string) => writer.write(Buffer.from(text)),
    break: () => writer.abort(new Error("the connection was ended")),
    end: () => writer.close(),
  };
}

/** A log so fast that further streams are opened all the time, and how it comes out. */
async function relay(timing: Partial<RelayTiming> = {}, hasEnded = false) {
  const answers: ReturnType<typeof answer>[] = [];
  let opened = Promise.withResolvers<void>();
  const open = async () => {
    answers.push(answer());
    opened.resolve();
    opened = Promise.withResolvers();
    return (answers.at(-1) as ReturnType<typeof answer>).body;
  };
  const client = { open } as unknown as KubernetesClient;
  const signal = new AbortController().signal;
  const request = { follow: true, previous: false, since: undefined };
  const openStream = () => LogStream.open(client, RUN, request, signal);
  const store = memoryStore();
  const writer = await LogWriter.open(store, id, "uid");
  const reading = { confirm: async () => true, leapMs: MINUTE };
  const stop = new AbortController();
  const deps = {
    open: openStream,
    writer,
    reading,
    timing: { ...TIMING, ...timing },
    podLeft: new Promise<void>(() => {}),
    hasEnded: async () => hasEnded,
    stop: stop.signal,
  };
  const ended = new Relay(deps, await openStream(), new Reading(writer, reading)).run();
  return {
    stop,
    /** The stream that is opened as the n-th one, from 0 on: the log's first one, and those that follow it. */
    async stream(n: number) {
      while (answers.length <= n) await opened.promise;
      return answers[n] as ReturnType<typeof answer>;
    },
    async log() {
      await ended;
      const log = await writer.finish({ state: "whole" });
      const reader = await LogReader.open(store, id, log);
      return { text: (await textOf(reader)).toString(), gaps: log.gaps.map(({ afterLine }) => afterLine) };
    },
  };
}

/** A line's time, a little later: containerd stamps a line's end anew when it begins a file with it. */
const later = (n: number) => stamp(n).replace("Z", "").slice(0, -1).concat("9Z");
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i)).join("");

test.each([
  ["with a line", line(3)],
  ["with the end of a line that the first one has as a whole", `${later(3)} e 3\n`],
])("of two streams of a fast log the second takes over where it begins: %s", async (_, first) => {
  const { stream, log } = await relay();
  const old = await stream(0);
  await old.say(line(1));
  const young = await stream(1);
  await young.say(first);
  await turn(); // kubelet sends its first line by itself
  await young.say(line(4));
  await stream(2); // so it has its place
  await old.say(lines(2, 4));
  await young.say(line(5));
  await young.end();
  (await stream(2)).end();
  expect(await log()).toEqual({ text: lines(1, 5), gaps: [] });
});

test("inside a line that goes on and on only the present stream counts", async () => {
  const { stream, log } = await relay();
  const words = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i} `).join("");
  const old = await stream(0);
  await old.say(`${line(1)}${stamp(2)} ${words(0, 20_000)}`);
  const young = await stream(1);
  await young.say(`${stamp(3)} ${words(10_000, 30_000)}`);
  await stream(2);
  await old.say(`${words(20_000, 40_000)}\n${line(9)}`);
  // It has been closed.
  young.say(`${words(30_000, 40_000)}\n${line(9)}`).catch(() => {});
  await old.end();
  for (const n of [1, 2]) (await stream(n)).end().catch(() => {});
  const whole = `${line(1)}${stamp(2)} ${words(0, 40_000)}\n${line(9)}`;
  expect(await log()).toEqual({ text: whole, gaps: [] });
});

/** A log whose node has written three files, each followed by a stream of its own; the third begins with line 20. */
async function threeFiles(second: string, timing: Partial<RelayTiming> = {}, hasEnded = true) {
  const { stop, stream, log } = await relay({ fileEndMs: 20, settleMs: 20, ...timing }, hasEnded);
  const first = await stream(0);
  await first.say(line(1));
  await (await stream(1)).say(second);
  await (await stream(2)).say(lines(20, 21));
  await stream(3); // so both have their places
  return {
    first,
    async stop() {
      stop.abort();
      for (const n of [0, 1, 2, 3]) void (await stream(n)).break();
      return log();
    },
    /** How the log comes out when nothing more is printed. */
    async log() {
      for (const n of [1, 2, 3]) await (await stream(n)).end();
      return log();
    },
  };
}
const soon = line(3).replace(stamp(3), later(2));
const cut = line(3).slice(0, -4);
const restOfLine = `${later(3)} e 3\n`;

test.each([
  ["goes on at once", soon + lines(4, 19), line(2), lines(1, 2) + soon + lines(4, 21)],
  ["begins inside a line", restOfLine + lines(4, 19), line(2) + cut, lines(1, 21)],
])("a reader that falls silent is left soon where the next file %s", async (_, second, rest, text) => {
  const { first, log } = await threeFiles(second);
  await first.say(rest);
  expect(await log()).toEqual({ text, gaps: [] });
});

test.each([
  ["after a pause", lines(3, 19), line(2) + lines(20, 26)],
  ["inside a line", restOfLine + lines(4, 19), `${line(2)}${cut}line 20\n${lines(21, 26)}`],
])("a reader that leaps over a file has read its own to the end: %s", async (_, second, rest) => {
  const { first, log } = await threeFiles(second);
  await first.say(rest);
  expect(await log()).toEqual({ text: lines(1, 21), gaps: [] });
});

test("a reader that leapt shortly before its end did so all the same", async () => {
  const { first, log } = await threeFiles(restOfLine + lines(4, 19), { fileEndMs: MINUTE });
  await first.say(`${line(2)}${cut}line 20\n${line(21)}`);
  await first.end();
  expect(await log()).toEqual({ text: lines(1, 21), gaps: [] });
});

test("the line before a leap is left out where nobody knows what it ends with", async () => {
  const { first, log } = await threeFiles(restOfLine + lines(4, 19));
  await first.say(`${line(2)}${cut}line 30\n${lines(31, 36)}`);
  expect(await log()).toEqual({ text: lines(1, 2) + restOfLine + lines(4, 21), gaps: [2] });
});

test.each<[string, Partial<RelayTiming>, boolean, number[]]>([
  ["its file is over after a while", { fileOverMs: 20 }, false, [18]],
  ["its file is over when its container is", {}, true, []],
  ["its end shows nothing while its container runs", {}, false, [1, 18]],
])("of a reader that gives no more before a pause: %s", async (_, timing, hasEnded, gaps) => {
  const { first, log } = await threeFiles(lines(3, 19), timing, hasEnded);
  if (timing.fileOverMs === undefined) await first.end();
  expect(await log()).toEqual({ text: line(1) + lines(3, 21), gaps });
});

test("a file that was empty when it was opened is the next one, however long nothing is printed", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const lookMs = 9_000;
  const { stream, log } = await relay({ lookMs, fileEndMs: 20, fileOverMs: 20, settleMs: 20 }, true);
  const old = await stream(0);
  await old.say(line(1));
  const young = await stream(1);
  await turn(); // its answer has begun
  vi.setSystemTime(Date.now() + 2 * lookMs);
  await young.say(lines(20, 21));
  await stream(2); // so it has its place
  await old.end();
  for (const n of [1, 2]) (await stream(n)).end();
  expect(await log()).toEqual({ text: line(1) + lines(20, 21), gaps: [] });
});

test("after a clock's step back a further stream of the same file is none of a newer one", async () => {
  const { stream, log } = await relay({ fileEndMs: 20, settleMs: 20 }, true);
  const text = lines(4, 5) + line(2);
  const first = await stream(0);
  await first.say(text);
  await (await stream(1)).say(lines(4, 5));
  await stream(2); // so it has its place
  await first.end();
  await (await stream(2)).end();
  expect(await log()).toEqual({ text, gaps: [] });
});

test("where the stream that took over is silent, too, another one is opened", async () => {
  const { stream, log } = await relay({ silenceMs: 20, settleMs: 20, fastBytesPerSecond: 1e9 }, true);
  await (await stream(0)).say(line(1));
  await stream(1); // silent, takes over from the first one
  const third = await stream(2);
  await third.say(lines(1, 2));
  await third.end();
  expect((await log()).text).toBe(lines(1, 2));
});

test("a collector that stops leaves the files that wait to the next one", async () => {
  const { stop } = await threeFiles(lines(5, 19), { fileEndMs: MINUTE });
  expect(await stop()).toEqual({ text: line(1), gaps: [] });
});
