import type { LogReader } from "../../archive/log-reader.ts";
import type { MarkerOptions } from "../../archive/markers.ts";
import type { RunRecord } from "../../archive/record.ts";
import { choiceOf, runPath } from "../address.ts";
import { sourceLink } from "../forge.ts";
import type { Highlighter } from "../grep/highlighter.ts";
import type { LineRange } from "../window.ts";
import { type Html, html } from "./html.ts";
import { end, type LogSelection, liveStrip } from "./pane.ts";
import { rows } from "./rows.ts";

/** More rows for a page that has those before them: what they change of it too, and how the log stands by now. */
export async function moreRows(
  record: RunRecord,
  selection: LogSelection,
  reader: LogReader,
  lines: LineRange,
  markers?: MarkerOptions,
  highlighter?: Highlighter,
): Promise<Html> {
  const { task, attempt, container } = selection;
  const drawn = await rows(reader, {
    ...lines,
    textPath: `${runPath(record.run)}.txt`,
    choice: { ...choiceOf(record, task, attempt, container), uid: record.run.uid },
    source: sourceLink(record.place),
    markers,
    highlighter,
    isContinued: true,
  });
  return html`${drawn.rows}${liveStrip(reader.log)}${end({ log: reader.log, placed: lines, selection })}`;
}
