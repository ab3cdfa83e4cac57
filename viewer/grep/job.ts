import type { Pattern } from "./pattern.ts";

/** Which text is wanted beside the numbers: none, that of frames with hits, or all. */
export type WantedText = "none" | "hits" | "all";

/** What a search thread is told and tells, by messages. */
export type Job = {
  id: number;
  pattern: Pattern;
  frames: { packed: Uint8Array; bytes: number; key: string }[];
  begins: "line" | "match" | "skip";
  text: WantedText;
};

export type Found = {
  /** Lines with a hit, counted from the first one that is in the frames or begins before them. */
  lines: number[];
  /** As it is stored; where it is wanted. */
  text?: Uint8Array;
};

/** `damage`: a frame could not be unpacked. `failure`: anything else. */
export type Outcome = { id: number } & ({ found: Found } | { damage: string } | { failure: string });
