import { type Family, type Mark, type MarkedLine, type MarkerOptions, MarkerReader, titleOf } from "./markers.ts";
import { between } from "./time.ts";

/** Lines that belong together, both ends included. `start` is the line of the title. */
export type Fold = {
  start: number;
  end: number;
  /** 0 = in no other fold. */
  depth: number;
  title: string;
  /** How long it took, by its marker or else by the lines' times. */
  seconds?: number;
  /** Whether a marker closed it; else it ends with what is around it, or where the next of its kind begins. */
  closed: boolean;
  /** Whether it asks to be closed or open at first; absent when it asks for nothing. */
  isCollapsed?: boolean;
};

export type FoldLine = {
  number: number;
  /** RFC 3339. */
  time?: string | undefined;
  /** The raw line, decoded. */
  text: string;
};

/** Bounds for hostile logs: starts beyond them fold nothing. */
const MAX_DEPTH = 16;
const MAX_FOLDS = 10_000;
/** Of `::group::`, which officially does not nest: deeper, they are taken for groups that nobody closed. */
const MAX_GROUPS = 4;
const MAX_TITLE = 200;

/** The folds of a log in the order of their starts. Pure; time is linear in the text. */
export function foldsOf(lines: Iterable<FoldLine>, options: MarkerOptions = {}): Fold[] {
  const reader = new MarkerReader(options);
  const folder = new Folder();
  for (const line of lines) folder.add(line, reader.read(line.text));
  return folder.end();
}

type Moment = { number: number; time?: string | undefined };
type OpenFold = {
  fold: Fold;
  family: Family;
  name: string;
  unix: number | undefined;
  time: string | undefined;
  /** The first group right inside this one: where it ends if nobody closes it. */
  inner?: Moment & { index: number };
};

/**
 * Builds folds from lines and their markers. An end ends the innermost open fold of its family and name, and with it
 * what is still open inside. A `::group::` inside another is nested if both are closed in the end; a group that is not
 * ends where the next one begins, as GitHub shows it. A Buildkite header ends the one before.
 */
export class Folder {
  readonly #folds: Fold[] = [];
  readonly #open: OpenFold[] = [];
  #last: Moment = { number: 0 };

  add({ number, time }: Moment, { marks, shown }: MarkedLine): void {
    const lastStart = marks.findLast(({ type }) => type === "start");
    for (const mark of marks) {
      // A line that begins another fold belongs to that.
      const end = { number: lastStart ? number - 1 : number, time };
      if (mark.type === "start") this.#start(mark, { number, time }, mark === lastStart ? titleOf(shown) : "");
      else if (mark.type === "end") this.#end(mark, end);
      else this.#tell(mark);
    }
    this.#last = { number, time };
  }

  /** The log is over. */
  end(): Fold[] {
    this.#close(0, this.#last);
    return this.#folds;
  }

  #start({ family, name, unix, isCollapsed }: Start, at: Moment, title: string): void {
    const before = this.#open.findIndex((open) => open.family === "buildkite");
    if (family === "buildkite" && before !== -1) this.#close(before, { ...at, number: at.number - 1 }, { unix });
    if (family === "github") this.#limitGroups();
    if (this.#folds.length >= MAX_FOLDS || this.#open.length >= MAX_DEPTH) return;
    const outer = this.#open.at(-1);
    if (family === "github" && outer?.family === family) outer.inner ??= { ...at, index: this.#folds.length };
    const fold: Fold = {
      start: at.number,
      end: at.number,
      depth: this.#open.length,
      title: (title || name).slice(0, MAX_TITLE),
      closed: false,
      ...(isCollapsed !== undefined && { isCollapsed }),
    };
    this.#folds.push(fold);
    this.#open.push({ fold, family, name, unix, time: at.time });
  }

  #end({ family, name, unix }: Extract<Mark, { type: "end" }>, at: Moment): void {
    const index = this.#open.findLastIndex((open) => open.family === family && open.name === name);
    if (index !== -1) this.#close(index, at, { unix });
  }

  #tell(mark: Extract<Mark, { type: "duration" | "open" }>): void {
    const fold = this.#open.findLast(({ family }) => family === mark.family)?.fold;
    if (!fold) return;
    if (mark.type === "duration") fold.seconds = mark.seconds;
    else fold.isCollapsed = false;
  }

  /** Ends the open folds from `index` on; the first of them `by` a marker, if there was one. */
  #close(index: number, at: Moment, by?: { unix: number | undefined }): void {
    for (let i = by ? index + 1 : index; i < this.#open.length; ) {
      if (this.#open[i]?.inner) this.#unnest(i);
      else i++;
    }
    for (const [i, open] of this.#open.splice(index).entries()) {
      open.fold.closed = by !== undefined && i === 0;
      finish(open, at, open.fold.closed ? by?.unix : undefined);
    }
  }

  /** Too many groups inside one another: nobody has closed the outermost. */
  #limitGroups(): void {
    const first = this.#open.findLastIndex(({ family }) => family !== "github") + 1;
    if (this.#open.length - first >= MAX_GROUPS) this.#unnest(first);
  }

  /** Ends a group where the first one inside it begins. No fold moves up more often than it is deep. */
  #unnest(index: number): void {
    const [open] = this.#open.splice(index, 1);
    if (!open?.inner) return;
    finish(open, { ...open.inner, number: open.inner.number - 1 });
    for (let i = open.inner.index; i < this.#folds.length; i++) (this.#folds[i] as Fold).depth--;
  }
}

type Start = Extract<Mark, { type: "start" }>;

function finish({ fold, unix, time }: OpenFold, at: Moment, endUnix?: number): void {
  fold.end = Math.max(fold.start, at.number);
  const ms = unix !== undefined && endUnix !== undefined ? (endUnix - unix) * 1_000 : between(time, at.time);
  if (ms !== undefined) fold.seconds ??= Math.max(0, ms / 1_000);
}
