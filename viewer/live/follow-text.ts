import { START } from "../../archive/keys.ts";
import { advance } from "../../archive/line.ts";
import { isFinished } from "../../archive/record.ts";
import { StorageError } from "../../storage-adapters/store.ts";
import type { FollowedLog } from "./live.ts";
import { changeOf } from "./poll.ts";

/** Nothing depends on it: whoever waits is told of changes. */
const WAIT_MS = 60_000;
const MAX_MOVES = 3;

/**
 * A log's text from a line on, as it is stored, and what is added to it, until it ends.
 * @throws the signal's reason: a text that has not come to its end must not look as if it had
 */
export async function* followedText(
  { key, log, reopen }: FollowedLog,
  line: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let at = { ...START, line };
  for (let moves = 0; ; ) {
    signal.throwIfAborted();
    const reader = log.value;
    try {
      for await (const text of reader.textFrom(at)) {
        yield text;
        signal.throwIfAborted();
        at = advance(at, text);
        moves = 0;
      }
    } catch (error) {
      const hasMoved = error instanceof StorageError && error.kind === "not-found";
      if (!hasMoved || ++moves > MAX_MOVES)
        throw hasMoved ? new StorageError("not-found", `parts of ${key} are missing`, { cause: error }) : error;
      await reopen(reader);
      continue;
    }
    if (isFinished(reader.log)) return;
    if (log.value === reader) await changeOf([log], WAIT_MS, signal);
  }
}
