/** What was measured, and what it is held against. Pure. */

/** `ratio` is ours/rival. */
export type Goal = { of: "ours" | "ratio"; least: number } | { of: "ours" | "ratio"; most: number };

export type Figure = {
  name: string;
  unit: string;
  /** Absent where only the rival, or nothing, could be measured. */
  ours?: number | undefined;
  rival?: number | undefined;
  goal?: Goal | undefined;
  /** What a reader must know to judge it, one sentence. */
  note?: string | undefined;
};

/** @throws RangeError for no values */
export const median = (values: readonly number[]): number => {
  const sorted = ascending(values);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
};

/** Nearest rank: the smallest of the values that `percent` % of them do not exceed. @throws RangeError for no values */
export const percentile = (values: readonly number[], percent: number): number =>
  at(ascending(values), Math.max(1, Math.ceil((percent / 100) * values.length)) - 1);

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError("there are no values");
  return value;
}

/** ours/rival; undefined where one is missing or there is nothing to divide by. */
export const ratioOf = ({ ours, rival }: Figure): number | undefined =>
  ours === undefined || rival === undefined || rival === 0 ? undefined : ours / rival;

/** undefined where there is no goal, or not what it is about. */
export function holds(figure: Figure): boolean | undefined {
  const { goal } = figure;
  const value = goal?.of === "ratio" ? ratioOf(figure) : figure.ours;
  if (!goal || value === undefined) return undefined;
  return "least" in goal ? value >= goal.least : value <= goal.most;
}

const HEAD = ["figure", "ours", "rival", "ratio", "goal", "verdict"];

/** One line a figure, in columns; the notes below them. */
export function table(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column >= 4 ? cell.padEnd(widths[column] ?? 0) : pad(cell, widths[column]),
      )
      .join("  ")
      .trimEnd(),
  );
  const notes = figures.flatMap(({ name, note }) => (note ? `  ${name}: ${note}` : []));
  return [...lines, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

const pad = (cell: string, width = 0): string => cell.padStart(width);

function cells(figure: Figure): string[] {
  const { name, unit, ours, rival, goal } = figure;
  const verdict = { true: "holds", false: "does not hold", undefined: goal ? "not measured" : "" };
  return [
    `${name} [${unit}]`,
    number(ours),
    number(rival),
    number(ratioOf(figure)),
    goal ? goalText(goal) : "-",
    verdict[`${holds(figure)}`],
  ];
}

function goalText(goal: Goal): string {
  const what = goal.of === "ratio" ? "ratio " : "";
  return "least" in goal ? `${what}≥ ${goal.least}` : `${what}≤ ${goal.most}`;
}

/** Three significant digits, whole numbers whole. */
function number(value: number | undefined): string {
  if (value === undefined) return "-";
  return Number.isInteger(value) || Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
