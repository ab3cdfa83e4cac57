import { z } from "zod";
import { familySchema, type Mark, type MarkedLine, type MarkerOptions, MarkerReader, titleOf } from "./markers.ts";

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
  /** What was read ends before the fold does: `end` is the last line of that. */
  goesOn?: true;
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

/** Bounds for hostile logs: starts beyond it fold nothing. */
const MAX_DEPTH = 16;
/** Of `::group::`, which officially does not nest: deeper, they are taken for groups that nobody closed. */
const MAX_GROUPS = 4;
const MAX_TITLE = 200;

const count = z.number().int().nonnegative();
const momentSchema = z.object({ number: count, time: z.string().optional() });
type Moment = { number: number; time?: string | undefined };

/** A fold that has begun and not ended, as a frame's index holds it. */
export const openFoldSchema = z.object({
  start: count,
  time: z.string().optional(),
  family: familySchema,
  name: z.string(),
  title: z.string(),
  unix: count.optional(),
  seconds: z.number().optional(),
  isCollapsed: z.boolean().optional(),
  /** The first group right inside this one: where it ends if nobody closes it. */
  inner: momentSchema.optional(),
});
export type OpenFold = z.infer<typeof openFoldSchema>;

/** The end of a fold that began in an earlier frame. */
export const foldEndSchema = z.object({
  start: count,
  end: count,
  closed: z.boolean(),
  seconds: z.number().optional(),
});
export type FoldEnd = z.infer<typeof foldEndSchema>;

/** The folds of a log in the order of their starts. Pure; time is linear in the text. */
export function foldsOf(lines: Iterable<FoldLine>, options: MarkerOptions = {}): Fold[] {
  const reader = new MarkerReader(options);
  const found: Fold[] = [];
  const folder = new Folder((fold) => found.push(fold));
  for (const line of lines) folder.add(line, reader.read(line.text));
  folder.end({ isOver: true });
  return nested(found);
}

/** Outer folds before inner ones, each with its depth. */
export function nested(folds: readonly Fold[]): Fold[] {
  const around: Fold[] = [];
  return folds
    .toSorted((a, b) => a.start - b.start || b.end - a.end || a.depth - b.depth)
    .map((fold) => {
      while (around.length > 0 && (around.at(-1) as Fold).end < fold.start) around.pop();
      const own = { ...fold, depth: around.length };
      around.push(own);
      return own;
    });
}

/**
 * Makes folds of lines and their markers; tells each when it ends, its depth as it was then. An end ends the innermost
 * open fold of its family and name, and with it what is still open inside. A `::group::` inside another is nested if
 * both are closed in the end; a group that is not ends where the next one begins, as GitHub shows it. A Buildkite
 * header ends the one before. Memory: the folds that are open, MAX_DEPTH at most.
 */
export class Folder {
  readonly #onFold: (fold: Fold) => void;
  readonly #open: OpenFold[];
  #last: Moment = { number: 0 };

  /** @param open what is open before the first line that will be added */
  constructor(onFold: (fold: Fold) => void, open: readonly OpenFold[] = []) {
    this.#onFold = onFold;
    this.#open = open.map((fold) => ({ ...fold }));
  }

  get open(): OpenFold[] {
    return this.#open.map((fold) => ({ ...fold }));
  }

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

  /** Lines that have no marker need not be added one by one; `last` is the last of them. */
  pass(last: Moment): void {
    this.#last = last;
  }

  /** An end that is known without its line. */
  settle({ start, end, closed, seconds }: FoldEnd): void {
    const index = this.#open.findLastIndex((open) => open.start === start);
    const [open] = index === -1 ? [] : this.#open.splice(index, 1);
    if (open) this.#onFold({ ...told(open, index), end, closed, ...(seconds !== undefined && { seconds }) });
  }

  /** What is still open ends here; or goes on, if the log is not over. */
  end({ isOver }: { isOver: boolean }): void {
    if (isOver) this.#close(0, this.#last);
    const { number } = this.#last;
    for (const [i, open] of this.#open.splice(0).entries())
      this.#onFold({ ...told(open, i), end: Math.max(open.start, number), closed: false, goesOn: true });
  }

  #start({ family, name, unix, isCollapsed }: Start, at: Moment, title: string): void {
    const before = this.#open.findIndex((open) => open.family === "buildkite");
    if (family === "buildkite" && before !== -1) this.#close(before, { ...at, number: at.number - 1 }, { unix });
    if (family === "github") this.#limitGroups();
    if (this.#open.length >= MAX_DEPTH) return;
    const outer = this.#open.at(-1);
    if (family === "github" && outer?.family === family) outer.inner ??= moment(at);
    this.#open.push({
      start: at.number,
      ...(at.time !== undefined && { time: at.time }),
      family,
      name,
      title: (title || name).slice(0, MAX_TITLE),
      ...(unix !== undefined && { unix }),
      ...(isCollapsed !== undefined && { isCollapsed }),
    });
  }

  #end({ family, name, unix }: Extract<Mark, { type: "end" }>, at: Moment): void {
    const index = this.#open.findLastIndex((open) => open.family === family && open.name === name);
    if (index !== -1) this.#close(index, at, { unix });
  }

  #tell(mark: Extract<Mark, { type: "duration" | "open" }>): void {
    const fold = this.#open.findLast(({ family }) => family === mark.family);
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
      const isClosed = by !== undefined && i === 0;
      this.#finish(open, index + i, at, isClosed, isClosed ? by.unix : undefined);
    }
  }

  /** Too many groups inside one another: nobody has closed the outermost. */
  #limitGroups(): void {
    const first = this.#open.findLastIndex(({ family }) => family !== "github") + 1;
    if (this.#open.length - first >= MAX_GROUPS) this.#unnest(first);
  }

  /** Ends a group where the first one inside it begins. */
  #unnest(index: number): void {
    const [open] = this.#open.splice(index, 1);
    if (open?.inner) this.#finish(open, index, { ...open.inner, number: open.inner.number - 1 }, false);
  }

  #finish(open: OpenFold, depth: number, at: Moment, closed: boolean, endUnix?: number): void {
    const { unix, time, start } = open;
    const isTold = unix !== undefined && endUnix !== undefined;
    const ms = isTold ? (endUnix - unix) * 1_000 : Date.parse(at.time ?? "") - Date.parse(time ?? "");
    const seconds = open.seconds ?? (Number.isNaN(ms) ? undefined : Math.max(0, ms / 1_000));
    const end = Math.max(start, at.number);
    this.#onFold({ ...told(open, depth), end, closed, ...(seconds !== undefined && { seconds }) });
  }
}

type Start = Extract<Mark, { type: "start" }>;

const moment = ({ number, time }: Moment) => ({ number, ...(time !== undefined && { time }) });

const told = ({ start, title, seconds, isCollapsed }: OpenFold, depth: number) => ({
  start,
  depth,
  title,
  ...(seconds !== undefined && { seconds }),
  ...(isCollapsed !== undefined && { isCollapsed }),
});
