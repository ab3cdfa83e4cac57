import { z } from "zod";
import { type Severity, severitySchema } from "./findings.ts";
import { type FoldEnd, Folder, foldEndSchema, openFoldSchema } from "./folds.ts";
import type { Position } from "./keys.ts";
import { timeLength } from "./line.ts";
import { MarkerReader } from "./markers.ts";
import { SeverityReader } from "./severity-reader.ts";

const LF = 0x0a;
/** Of one frame: what a hostile log makes of a frame's markers must not hold up the collector. */
const MAX_MARKED_LINES = 2_000;

const count = z.number().int().nonnegative();

/** What a reader must know of a log's fold markers to begin in its middle. */
export const foldStateSchema = z.object({ open: z.array(openFoldSchema), stopToken: z.string().optional() });
export type FoldState = z.infer<typeof foldStateSchema>;

export const surveySchema = z.object({
  /** Of the lines that begin in the frame: how many are of a severity. */
  severities: z.partialRecord(severitySchema, count).optional(),
  /**
   * Where fold markers stand in the frame, or folds are open where it begins: those, and the ends in it of folds that
   * began before it.
   */
  folds: foldStateSchema.extend({ ends: z.array(foldEndSchema) }).optional(),
});
export type Survey = z.infer<typeof surveySchema>;

/** Looks through a log frame after frame: one pass for newlines, severities and fold markers. Linear; keeps no text. */
export class Surveyor {
  readonly #markers: MarkerReader;
  readonly #folder: Folder;
  #first = 0;
  #ends: FoldEnd[] = [];

  /** @param state how the text before has left things */
  constructor(state: FoldState = { open: [] }) {
    this.#markers = new MarkerReader({}, state.stopToken);
    this.#folder = new Folder(({ start, end, closed, seconds }) => {
      if (start < this.#first) this.#ends.push({ start, end, closed, ...(seconds !== undefined && { seconds }) });
    }, state.open);
  }

  get state(): FoldState {
    const { stopToken } = this.#markers;
    return { open: this.#folder.open, ...(stopToken !== undefined && { stopToken }) };
  }

  /** @param text the next frame, which begins at `at` */
  survey(text: Buffer, at: Position): Survey & { newlines: number } {
    const before = this.state;
    this.#first = at.offset === 0 ? at.line : at.line + 1;
    this.#ends = [];
    let marked = 0;
    const severities: Partial<Record<Severity, number>> = {};
    const reader = new SeverityReader(text);
    const newlines = forEachLine(text, at, (number, start, from, end) => {
      reader.isStopped = this.#markers.stopToken !== undefined;
      const severity = reader.read(start, from, end);
      if (severity !== undefined) severities[severity] = (severities[severity] ?? 0) + 1;
      if (marked >= MAX_MARKED_LINES || !this.#markers.mayRead(text, from, end)) return;
      const read = this.#markers.read(text.toString("utf8", from, end));
      if (read.marks.length === 0) return;
      marked++;
      this.#folder.add({ number, ...(from > start && { time: text.toString("latin1", start, from - 1) }) }, read);
    });
    const hasFolds = marked > 0 || before.open.length > 0 || before.stopToken !== undefined;
    return {
      newlines,
      ...(Object.keys(severities).length > 0 && { severities: inOrder(severities) }),
      ...(hasFolds && { folds: { ...before, ends: this.#ends } }),
    };
  }
}

type Visit = (number: number, start: number, from: number, end: number) => void;

/**
 * Calls `visit` for each line that begins in the text, with its number, and where it begins, where it begins behind
 * its time, and where it ends. Returns the number of newlines.
 */
export function forEachLine(text: Buffer, at: Position, visit: Visit): number {
  let number = at.line;
  let newlines = 0;
  for (let start = 0; start < text.byteLength; number++) {
    const newline = text.indexOf(LF, start);
    const end = newline === -1 ? text.byteLength : newline;
    if (start > 0 || at.offset === 0) {
      const length = timeLength(text, start);
      visit(number, start, length === 0 ? start : Math.min(end, start + length + 1), end);
    }
    if (newline === -1) break;
    newlines++;
    start = newline + 1;
  }
  return newlines;
}

/** Two writers must make the same bytes; what is none is left out. */
const inOrder = (counts: Partial<Record<Severity, number>>): Partial<Record<Severity, number>> =>
  Object.fromEntries(severitySchema.options.flatMap((name) => (counts[name] ? [[name, counts[name]]] : [])));
