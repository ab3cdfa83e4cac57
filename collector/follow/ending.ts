import type { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import type { Pod } from "../kubernetes/objects.ts";
import type { ContainerView } from "./container-view.ts";
import type { Lateness } from "./lateness.ts";
import { type GapCause, gapWords, lossOf, neverStarted, unreadable, type Waiting } from "./missing.ts";
import type { Recover } from "./reading.ts";

/** The log is given up while its container runs or waits; `words` say why. */
export function finishCut(
  writer: LogWriter,
  view: ContainerView,
  pod: Pod,
  waiting: Waiting | undefined,
  words: string,
): Promise<Log> {
  if (view.phase !== "waiting") return writer.finish({ state: "cut", words });
  return writer.finish({ state: "none", words: neverStarted(pod, waiting) });
}

/**
 * What a log may lack though it was read to its end. `feared`: see FearedLoss; files that nobody has seen
 * are written for `fileMs` at the least.
 */
export type Doubts = {
  view: ContainerView;
  lateness: Lateness;
  feared: GapCause | undefined;
  fileMs: number;
  recover: ((writer: LogWriter) => Recover) | undefined;
};

/** The log was read to its end. What it may lack all the same is fetched from the node, or said to be missing. */
export async function finishWhole(writer: LogWriter, doubts: Doubts): Promise<Log> {
  const cause = doubtOf(writer, doubts);
  const append = async (text: Buffer) => writer.append(text);
  const isClear = !cause || (await doubts.recover?.(writer)(Buffer.alloc(0), append));
  if (!isClear) writer.declare({ cause, words: gapWords(cause) });
  return writer.finish({ state: "whole" });
}

/** Nothing to read is no proof that nothing was printed: a node that has just rotated a log gives an empty one. */
function doubtOf(writer: LogWriter, { view, lateness, feared, fileMs }: Doubts): GapCause | undefined {
  if (writer.empty) return lateness.doubtsEmpty(view) ? "read-late" : undefined;
  if (feared !== "unseen") return feared;
  const finished = view.phase === "terminated" ? Date.parse(view.terminated?.finishedAt ?? "") : Date.now();
  const isSoon = finished - Date.parse(writer.lastTime ?? "") < fileMs;
  return isSoon ? undefined : feared;
}

/** `drained`: the container has ended and was read to its end. `followEnded`: a follow ended in order soon after a line. */
export type LeftBehind = {
  view: ContainerView;
  pod: Pod;
  waiting: Waiting | undefined;
  drained: boolean;
  followEnded: boolean;
};

/**
 * The pod does not exist any more. The log is whole if a follow ended with its container.
 */
export function finishWithoutPod(
  writer: LogWriter,
  { view, pod, waiting, drained, followEnded }: LeftBehind,
): Promise<Log> {
  // With the pod gone nothing can be read again, and its containers have gone with it.
  if (drained || followEnded) return writer.finish({ state: "whole" });
  const started = view.phase === "running" || (view.phase === "terminated" && view.terminated?.startedAt);
  if (!started && writer.empty) return writer.finish({ state: "none", words: neverStarted(pod, waiting) });
  const { cause, words } = lossOf(pod);
  return finishUnreadable(writer, cause, words);
}

/** Nothing more of the log can be read; `why` continues a sentence. */
export function finishUnreadable(writer: LogWriter, cause: string, why: string): Promise<Log> {
  const words = unreadable(writer.empty, why);
  if (writer.empty) return writer.finish({ state: "none", words });
  writer.declare({ cause, words });
  return writer.finish({ state: "incomplete", words });
}
