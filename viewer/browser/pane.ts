import { pane } from "./dom.ts";
import { mode, retime } from "./times.ts";
import { LogWindow } from "./window.ts";

/** The log that the page shows now. Steps are switched without a reload: there is one after the other. */
export type ShownLog = {
  /** What leads to it and to no other. */
  search: string;
  /** Its text's address. */
  text: string;
  window: LogWindow;
};

let shown: ShownLog | undefined;
const listeners: (() => void)[] = [];

export const shownLog = (): ShownLog | undefined => shown;
/** Tells of rows that have come or gone. */
export const onRows = (listener: () => void): void => void listeners.push(listener);

/** What the address looks for: rows that are fetched carry the marks, too. */
function searched(): Record<string, string> {
  const params = new URLSearchParams(location.search);
  const names = ["grep", "regex", "case", "severity"];
  return Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name) as string]] : [])));
}

/** Takes over the log that is in the document. */
export function openPane(): void {
  shown?.window.close();
  shown = undefined;
  const { log, text, lines, from, to, plain } = pane()?.dataset ?? {};
  const box = pane()?.querySelector<HTMLElement>(".rows");
  if (log === undefined || !box || plain !== undefined) return;
  const window = new LogWindow(
    {
      box,
      search: log,
      values: () => ({ ...searched(), time: mode() }),
      changed: () => {
        retime();
        for (const listener of listeners) listener();
      },
    },
    { from: Number(from), to: Number(to) },
    Number(lines),
  );
  shown = { search: log, text: `${text}${log}`, window };
}
