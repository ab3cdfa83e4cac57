import { clamp } from "./scale.ts";

/** In CSS pixels from the top of what the browser shows. */
export type View = { top: number; bottom: number; height: number };

/** What stays at the view's top while a log's rows scroll below it. */
export const toolsOf = (box: Element): HTMLElement | null | undefined =>
  box.closest(".pane")?.querySelector<HTMLElement>(".tools");

/** Where a log can be seen: below the tools. Never less than 50 pixels high. */
export function viewOf(box: Element): View {
  const top = clamp(toolsOf(box)?.getBoundingClientRect().bottom ?? 0, 0, innerHeight - 50);
  return { top, bottom: innerHeight, height: innerHeight - top };
}
