import type { LogReader } from "../../archive/log-reader.ts";
import { isFinished, type RunRecord } from "../../archive/record.ts";
import { StorageError } from "../../storage-adapters/store.ts";
import { moreRows } from "../pages/more-rows.ts";
import type { LogSelection } from "../pages/pane.ts";
import { WINDOW_LINES } from "../window.ts";
import { encodeEvent, encodeRetry, HEARTBEAT } from "./event.ts";
import { type FollowedLog, type FollowedRun, rowFinder } from "./live.ts";
import { changeOf } from "./poll.ts";
import type { SharedBytes } from "./shared-bytes.ts";

const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;
/** How often in a row a part of a log may have moved while it was read. */
const MAX_MOVES = 3;

type Events = AsyncGenerator<Buffer>;

/** Tells of the changes of a run's record until it is final. Ends without an `end` when the signal is aborted. */
export async function* runEvents({ record }: FollowedRun, signal: AbortSignal): Events {
  yield encodeRetry(RETRY_MS);
  let told: RunRecord | undefined;
  while (!signal.aborted) {
    const known = record.value;
    if (known !== told) yield changeEvent(known);
    told = known;
    if (known.final) {
      yield endEvent(0);
      return;
    }
    await changeOf([record], HEARTBEAT_MS, signal);
    if (record.value === told && !signal.aborted) yield HEARTBEAT;
  }
}

/**
 * The rows of a log after a line, as they come, and the changes of its run's record, until the log has ended and all
 * of it was sent. Every row comes once; it comes again where a later line has changed it. Windows end at the same
 * lines for every reader, so that those who are behind soon share them.
 */
export async function* logEvents(
  followed: FollowedLog,
  { selection, after, rows }: { selection: LogSelection; after: number; rows: SharedBytes },
  signal: AbortSignal,
): Events {
  const { record, log } = followed;
  const draw = drawer(followed, selection, rows);
  yield encodeRetry(RETRY_MS);
  let sent = after;
  let told: RunRecord | undefined;
  let shown: LogReader | undefined;
  let moves = 0;
  while (!signal.aborted) {
    const known = record.value;
    if (known !== told) yield changeEvent(known);
    told = known;
    const reader = log.value;
    const hasEnded = isFinished(reader.log);
    if (reader !== shown && (sent < reader.lines || shown || hasEnded)) {
      const drawn = await draw(reader, sent);
      if (!drawn && ++moves > MAX_MOVES) throw new StorageError("not-found", `parts of ${followed.key} are missing`);
      if (!drawn) {
        await followed.reopen(reader);
        continue;
      }
      moves = 0;
      yield drawn.event;
      sent = drawn.last;
      if (drawn.to < reader.lines) continue;
    }
    shown = reader;
    if (hasEnded) {
      yield endEvent(reader.lines);
      return;
    }
    if (log.value !== shown || record.value !== told) continue;
    await changeOf([record, log], HEARTBEAT_MS, signal);
    if (log.value === shown && record.value === told && !signal.aborted) yield HEARTBEAT;
  }
}

/** `last`: the last line that stays as it was sent. `to`: the last one sent. */
type Drawn = { event: Buffer; last: number; to: number };

/** Draws the rows after a line as an event, once for all readers of a log; undefined if parts of it have gone. */
function drawer({ record, key }: FollowedLog, selection: LogSelection, rows: SharedBytes) {
  const find = rowFinder(record.value, selection);
  return async (reader: LogReader, sent: number): Promise<Drawn | undefined> => {
    const after = Math.min(sent, reader.lines);
    const to = Math.min(reader.lines, (Math.floor(after / WINDOW_LINES) + 1) * WINDOW_LINES);
    // What another viewer has sent already may not have been seen by this one yet.
    const last = Math.max(sent, Math.min(to, reader.settledLines));
    const known = record.value;
    const draw = async () => {
      const html = await moreRows(known, { type: "log", ...(find(known) ?? selection) }, reader, {
        from: after + 1,
        to,
      });
      return encodeEvent({ event: "rows", id: last, data: String(html) });
    };
    try {
      return { event: await rows.get(`${key}#${generationOf(reader)}:${sent}`, draw), last, to };
    } catch (error) {
      if (error instanceof StorageError && error.kind === "not-found") return undefined;
      throw error;
    }
  };
}

/** Tells the states of a log apart. */
const generations = new WeakMap<LogReader, number>();
let newest = 0;

function generationOf(reader: LogReader): number {
  const known = generations.get(reader) ?? ++newest;
  generations.set(reader, known);
  return known;
}

const changeEvent = ({ updatedAt, final }: RunRecord): Buffer =>
  encodeEvent({ event: "run", data: JSON.stringify({ updatedAt, final }) });

const endEvent = (lines: number): Buffer => encodeEvent({ event: "end", data: JSON.stringify({ lines }) });
