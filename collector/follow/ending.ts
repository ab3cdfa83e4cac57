import type { LogWriter } from "../../archive/log-writer.ts";
import type { Log } from "../../archive/record.ts";
import type { Pod } from "../kubernetes/objects.ts";
import type { ContainerView } from "./container-view.ts";
import { lossOf, neverStarted, unreadable, type Waiting } from "./missing.ts";

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
