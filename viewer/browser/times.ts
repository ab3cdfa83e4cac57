import { isTimeMode, TIME_MODES, type TimeMode, timeCell } from "../time-column.ts";
import { all, pane, remember, remembered, say } from "./dom.ts";

const select = (): HTMLSelectElement | null => document.querySelector(".tools [name=time]");

export function mode(): TimeMode {
  const value = select()?.value;
  return isTimeMode(value) ? value : "clock";
}

/** Writes the time column anew, from what the rows themselves say. */
export function retime(): void {
  const now = mode();
  const first = pane()?.dataset.first;
  let before: string | undefined;
  let row = 0;
  for (const cell of all(".rows .r > time")) {
    const time = cell.getAttribute("datetime");
    if (!time) continue;
    // The line before the first row here may be known to the server alone.
    const isKnown = row++ > 0 || now !== "delta";
    if (isKnown || cell.dataset.mode !== now) {
      const { text, isLag } = timeCell(now, time, first, before);
      if (cell.textContent !== text && (isKnown || text)) cell.textContent = text;
      cell.classList.toggle("lag", isLag);
      cell.dataset.mode = now;
    }
    before = time;
  }
}

export function nextMode(): void {
  const field = select();
  if (!field) return;
  field.value = TIME_MODES[(TIME_MODES.indexOf(mode()) + 1) % TIME_MODES.length] ?? "clock";
  field.dispatchEvent(new Event("change", { bubbles: true }));
  say(`Time column: ${field.selectedOptions[0]?.textContent}`);
}

export function toggleWrap(): void {
  document.querySelector<HTMLInputElement>(".tools [name=wrap]")?.click();
}

/** What the reader chose before; an address that says it itself wins. */
export function restoreChoices(): void {
  const params = new URLSearchParams(location.search);
  const field = select();
  const time = remembered("time");
  if (field && !params.has("time") && isTimeMode(time)) field.value = time;
  const wrap = document.querySelector<HTMLInputElement>(".tools [name=wrap]");
  if (wrap && !params.has("wrapping")) wrap.checked = remembered("wrap") !== "off";
  if (field && mode() !== "clock") retime();
}

export function keepChoices(target: EventTarget | null): void {
  if (target instanceof HTMLSelectElement && target.name === "time") {
    remember("time", target.value);
    retime();
  }
  if (target instanceof HTMLInputElement && target.name === "wrap") remember("wrap", target.checked ? "on" : "off");
}
