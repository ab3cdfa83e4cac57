import { later } from "./line.ts";

/** Knows the latest time up to each place of a text that grows at one end and is stored from the other. */
export class NewestTimes {
  #newest: string | undefined;
  #upTo: { end: number; time: string | undefined }[] = [];

  constructor(newest: string | undefined) {
    this.#newest = newest;
  }

  /** Of all of it, and of what was there before. */
  get newest(): string | undefined {
    return this.#newest;
  }

  /** The text up to `end` has no later time than this one and those before. */
  note(time: string | undefined, end: number): void {
    this.#newest = later(this.#newest, time);
    const last = this.#upTo.at(-1);
    if (last && last.time === this.#newest) last.end = end;
    else this.#upTo.push({ end, time: this.#newest });
  }

  /** The latest time of what was noted to end at or before a place. Places must not go back. */
  take(place: number): string | undefined {
    const passed = this.#upTo.findLastIndex(({ end }) => end <= place);
    return passed === -1 ? undefined : this.#upTo.splice(0, passed + 1).at(-1)?.time;
  }

  /** Somebody else has stored this time. */
  join(time: string | undefined): void {
    this.#newest = later(this.#newest, time);
  }
}
