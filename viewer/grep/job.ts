import type { Hits } from "./hit-lines.ts";
import type { Pattern } from "./pattern.ts";

/** Which text is wanted beside the numbers: none, that of frames with hits, or all. */
export type WantedText = "none" | "hits" | "all";

/** What a search thread is told and tells, by messages. */
export type Job = {
  id: number;
  pattern: Pattern;
  /** Searched one after the other: a message for each would cost a tenth of the search. */
  blocks: JobBlock[];
  text: WantedText;
};

export type JobBlock = {
  frames: { packed: Uint8Array; bytes: number; key: string }[];
  begins: "line" | "match" | "skip";
  /** Whether it is to be told which lines have a hit, and not only how many. */
  isNumbered: boolean;
};

/**
 * Lines are counted from the first one that is in the frames or begins before them. `damage`: a frame of the block could
 * not be unpacked.
 */
export type BlockOutcome = Found | { damage: string };

export type Found = Hits & {
  /** As it is stored; where it is wanted. */
  text?: Uint8Array;
};

/** One outcome a block, in their order. */
export type Outcome = { id: number } & ({ blocks: BlockOutcome[] } | { failure: string });
