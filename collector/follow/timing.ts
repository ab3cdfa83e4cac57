import type { RelayTiming } from "./relay.ts";

/** Everything that following a log waits for, in ms. */
export const TIMING = {
  /** Between two reads of a container that has no follow. */
  pollMs: 500,
  backoffMs: 250,
  maxBackoffMs: 10_000,
  silenceMs: 4 * 60_000,
  maxAgeMs: 55 * 60_000,
  fastAgeMs: 4_000,
  fastBytesPerSecond: 512 * 1024,
  fastForMs: 30_000,
  fileEndMs: 2_000,
  fileOverMs: 15_000,
  closeMs: 20,
  fileMs: 2_500,
  lookMs: 9_000,
  unseenMs: 10_000,
  orderMs: 1_000,
  drainMs: 30_000,
  settleMs: 5_000,
  replayMs: 60_000,
  /** How much earlier than the newest lines a replay begins, for clocks that step back. */
  overlapMs: 2_000,
  /** How long to wait for a container to start before its pod is looked at again without being told. */
  waitMs: 30_000,
  /** A stream that ends in order so soon after its last line was ended by its container, not by a balancer's idle limit. */
  idleMs: 60_000,
  /** A restart is in the pod's status this long after the container's first line, at the latest. */
  statusLagMs: 3_000,
  /** Who begins to read later than this after a container's start cannot know whether its log was rotated before. */
  lateMs: 5_000,
  /** And a first line that is later than this after the start may not be the first. Starts are told in whole seconds. */
  promptMs: 1_500,
  /** Lines that come so late, and then leap so far in time, may lack a file between them: kubelet rotates every 10 s. */
  leapMs: 5_000,
  /** A finished container's log counts as gone when Kubernetes has said so for so long. */
  goneMs: 10_000,
  /** A finished container's log counts as unreadable when it could not be read for so long: kubelet may be restarting. */
  unreadableMs: 120_000,
} satisfies RelayTiming & Record<string, number>;

export type Timing = typeof TIMING;
