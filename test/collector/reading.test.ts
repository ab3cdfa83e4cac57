import { expect, test } from "vitest";
import { LogReader } from "../../archive/log-reader.ts";
import { LogWriter } from "../../archive/log-writer.ts";
import { Reading, WrongRun } from "../../collector/follow/reading.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { id, line, stamp, textOf } from "../archive/log-fixture.ts";

const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i)).join("");

/** A log of three lines, then an answer that begins with a newer file, once the container has ended with this line cut. */
async function lastFile(answer: string, ended: { cut: string } | undefined) {
  const store = memoryStore();
  const writer = await LogWriter.open(store, id, "uid");
  writer.append(Buffer.from(lines(1, 3)));
  const reading = new Reading(writer, {
    confirm: async () => true,
    leapMs: 60_000,
    ended: ended && { cut: Buffer.from(ended.cut), timing: { closeMs: 20, fileMs: 2_500 } },
  });
  await reading.take({ type: "text", bytes: Buffer.from(answer) });
  await reading.end({ type: "closed", tail: Buffer.alloc(0), begun: false });
  const log = await writer.finish({ state: "whole" });
  const text = (await textOf(await LogReader.open(store, id, log))).toString();
  return { text, gaps: log.gaps.map(({ afterLine }) => afterLine) };
}

const cut = line(4).slice(0, -4);
const restOfLine = `${stamp(4).replace("Z", "").slice(0, -1)}9Z e 4\n`;

test.each([
  ["begins soon after the last line: nothing is missing", lines(4, 5), { cut: "" }, lines(1, 5), []],
  ["begins inside a line: it goes on there", restOfLine + line(5), { cut }, lines(1, 5), []],
  ["begins later: another file may lie between", lines(6, 7), { cut: "" }, lines(1, 3) + lines(6, 7), [3]],
  ["begins earlier: a clock has stepped back", line(1, "new"), { cut: "" }, lines(1, 3) + line(1, "new"), [3]],
  ["begins soon, but no follow has ended", lines(4, 5), undefined, lines(1, 5), [3]],
])("after the container's end a newer file %s", async (_, answer, ended, text, gaps) => {
  expect(await lastFile(answer, ended)).toEqual({ text, gaps });
});

test("the next file may be another run's: a sidecar that was started again", async () => {
  const writer = await LogWriter.open(memoryStore(), id, "uid");
  writer.append(Buffer.from(line(1)));
  const next = new Reading(writer, { confirm: async () => false, leapMs: 60_000, joined: "next" });
  await expect(next.take({ type: "text", bytes: Buffer.from(line(2)) })).rejects.toThrow(WrongRun);
  expect(await writer.finish({ state: "whole" })).toMatchObject({ lines: 1, gaps: [] });
});
