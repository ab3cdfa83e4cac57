import { timeLength } from "../archive/line.ts";
import type { LogReader } from "../archive/log-reader.ts";
import {
  type Attempt,
  type Container,
  type ContainerRow,
  type Gap,
  isFinished,
  type Log,
  type RunRecord,
  type Task,
} from "../archive/record.ts";
import type { LineRange } from "./window.ts";

const LF = 0x0a;
/** As long as a line's time can be, with the space after it. */
const LONGEST_TIME = 36;

/** One log as it is stored, or without the times; all of it or some lines. */
export async function* logText(
  reader: LogReader,
  { from, to }: LineRange,
  { timestamps }: { timestamps: boolean },
): AsyncGenerator<Buffer> {
  yield* withTimes(reader.text(from, to), timestamps);
}

/** A log's text as it is, or without the times in front of its lines. */
export const withTimes = (text: AsyncGenerator<Buffer>, timestamps: boolean): AsyncGenerator<Buffer> =>
  timestamps ? text : rewritten(text, { prefix: "", timestamps, notes: new Map() });

export type RunTextOptions = {
  timestamps: boolean;
  /** Sidecars and init containers too; tkn shows steps alone. */
  all: boolean;
  open: (log: ContainerRow) => Promise<LogReader>;
};

/**
 * Logs of a run as tkn prints them: `[task : step] line`, one empty line after each container, in the order of the
 * attempts that are given. What is missing is said in a line of its own.
 */
export async function* runText(
  record: RunRecord,
  tries: readonly { task: Task; attempt?: Attempt }[],
  options: RunTextOptions,
): AsyncGenerator<Buffer> {
  const yet = record.final ? "" : " yet";
  if (tries.length === 0) yield Buffer.from(note("", `no task has begun${yet}${because(record.run)}`));
  for (const { task, attempt } of tries) {
    const containers = attempt?.containers.filter(({ kind }) => kind === "step" || options.all) ?? [];
    if (!attempt || containers.length === 0)
      yield Buffer.from(`${note(`[${task.name}] `, `no log${yet}${because(attempt ?? task)}`)}\n`);
    else
      for (const container of containers) {
        const reader = await options.open({ task, attempt, container });
        yield* containerText(reader, `[${textName(record, task, container)}] `, options.timestamps);
      }
  }
}

/** What stands in front of a line, as tkn has it. */
export const textName = ({ run }: RunRecord, task: Task, { title }: Container): string =>
  run.kind === "PipelineRun" ? `${task.name} : ${title}` : title;

/** Words of Afterlog's own between the lines of logs. */
export const note = (prefix: string, words: string): string =>
  `${prefix}(afterlog: ${words.replaceAll(/\s+/g, " ")})\n`;

const because = ({ message, reason }: { message?: string | undefined; reason?: string | undefined }): string =>
  message || reason ? `: ${message || reason}` : "";

async function* containerText(reader: LogReader, prefix: string, timestamps: boolean): AsyncGenerator<Buffer> {
  const say = (words: string) => note(prefix, words);
  const { log } = reader;
  const notes = new Map<number, string>();
  for (const gap of log.gaps) notes.set(gap.afterLine, (notes.get(gap.afterLine) ?? "") + say(gapWords(gap)));
  const first = notes.get(0);
  if (first) yield Buffer.from(first);
  if (log.lines > 0) yield* rewritten(reader.text(), { prefix, timestamps, notes });
  const ending = endWords(log);
  yield Buffer.from(`${ending ? say(ending) : ""}\n`);
}

const gapWords = ({ words, from, to }: Gap): string => `gap${from && to ? ` from ${from} to ${to}` : ""}: ${words}`;

function endWords(log: Log): string | undefined {
  if (log.state === "none") return `no log: ${log.words ?? "nothing that could be read was written"}`;
  if (!isFinished(log)) return "still running, the log goes on";
  if (log.state === "whole") return undefined;
  return `${log.state === "cut" ? "cut here" : "not whole"}: ${log.words ?? "lines are missing where a gap is told"}`;
}

type Rewriting = {
  prefix: string;
  timestamps: boolean;
  /** Whole lines to put in after a line of the log. */
  notes: ReadonlyMap<number, string>;
};

/**
 * The same lines with something in front, and perhaps without their times. Works piece by piece: a line may be
 * longer than memory. Ends with a newline if there is a prefix, so that the next log begins on a line of its own.
 */
async function* rewritten(
  text: AsyncIterable<Buffer>,
  { prefix, timestamps, notes }: Rewriting,
): AsyncGenerator<Buffer> {
  const head = Buffer.from(prefix);
  let carried: Buffer = Buffer.alloc(0);
  let line = 0;
  let isInside = false;
  const rewrite = (piece: Buffer, isLast: boolean): Buffer => {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < piece.byteLength) {
      const newline = piece.indexOf(LF, at);
      if (!isInside) {
        const isShort = newline === -1 && piece.byteLength - at <= LONGEST_TIME;
        if (isShort && !isLast) break;
        const time = timestamps ? 0 : timeLength(piece, at);
        parts.push(head);
        at += time === 0 ? 0 : time + 1;
        isInside = true;
      }
      const end = newline === -1 ? piece.byteLength : newline + 1;
      parts.push(piece.subarray(at, end));
      at = end;
      if (newline === -1) break;
      isInside = false;
      const note = notes.get(++line);
      if (note) parts.push(Buffer.from(note));
    }
    carried = piece.subarray(at);
    return Buffer.concat(parts);
  };
  for await (const piece of text) {
    const out = rewrite(carried.byteLength === 0 ? piece : Buffer.concat([carried, piece]), false);
    if (out.byteLength > 0) yield out;
  }
  const rest = rewrite(carried, true);
  if (rest.byteLength > 0) yield rest;
  if (isInside && prefix !== "") yield Buffer.from(`\n${notes.get(line + 1) ?? ""}`);
}
