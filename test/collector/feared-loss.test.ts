import { afterEach, expect, test, vi } from "vitest";
import type { ContainerView } from "../../collector/follow/container-view.ts";
import { FearedLoss } from "../../collector/follow/feared-loss.ts";
import type { Reading } from "../../collector/follow/reading.ts";
import type { RelayEnd } from "../../collector/follow/relay.ts";

afterEach(() => void vi.useRealTimers());

const FINISHED = Date.UTC(2026, 6, 30);
const view = { phase: "terminated", terminated: { finishedAt: new Date(FINISHED).toISOString() } } as ContainerView;
const closed = { type: "closed", tail: Buffer.alloc(0), begun: false } as const;
const broken = { type: "broken", error: new Error("reset") } as const;
const answer = (aligning: boolean) => ({ aligning }) as Reading;

/** `seconds`: when it ended, after the container's end. `hasLast`: it gave the log's last line, or had it behind it. */
type Follow = { seconds: number; end: RelayEnd; hasLast: boolean; mayLack?: boolean };
const together: Follow = { seconds: 1, end: closed, hasLast: true };

test.each<[string, Follow[], string | undefined]>([
  ["no follow ever had it", [], "rotated"],
  ["its follow ended with the container", [together], undefined],
  ["its follow was behind, and ended when all was read", [{ ...together, seconds: 30 }], undefined],
  ["its follow ended long before", [{ ...together, seconds: -60 }], "rotated"],
  ["its follow broke off", [{ ...together, end: broken }], "rotated"],
  ["its follow was given up for a store that was away", [{ ...together, end: { type: "full" } }], "store-away"],
  ["its follow may lack a file", [{ ...together, mayLack: true }], "unseen"],
  [
    "after its follow broke off another one began behind it",
    [
      { ...together, seconds: -20, end: broken },
      { ...together, hasLast: false },
    ],
    "rotated",
  ],
  [
    "after its follow another one was only to show the end",
    [together, { ...together, seconds: 2, end: broken, hasLast: false }],
    undefined,
  ],
])("of a finished container's log whose last line the node has no more: %s", (_, follows, cause) => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const loss = new FearedLoss();
  for (const { seconds, end, hasLast, mayLack = false } of follows) {
    vi.setSystemTime(FINISHED + seconds * 1_000);
    loss.followed({ end, reading: answer(!hasLast), silentMs: 0, mayLack });
  }
  loss.readAfterEnd(answer(true), view);
  expect(loss.cause).toBe(cause);
  loss.readAfterEnd(answer(false), view);
  expect(loss.cause, "where the node has it after all").toBeUndefined();
});
