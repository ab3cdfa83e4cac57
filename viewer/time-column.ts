/** What the time column of a log shows. Pure, and the same in the server and in the browser. */

export const TIME_MODES = ["off", "clock", "elapsed", "delta"] as const;
export type TimeMode = (typeof TIME_MODES)[number];

export const isTimeMode = (text: string | null | undefined): text is TimeMode =>
  (TIME_MODES as readonly unknown[]).includes(text);

/** A line that came so long after the one before stands out. */
export const LAG_MS = 1_000;

/** As nodes on UTC write it, of a day and a time of day that there is. */
const USUAL = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3,9}Z$/;

export type TimeCell = { text: string; isLag: boolean };

/**
 * One line's cell. `off` is hidden by style and has the clock's text.
 * @param time,first,before RFC 3339: of the line, of the log's first, of the line before; without what it needs a cell is empty
 */
export function timeCell(
  mode: TimeMode,
  time: string,
  first: string | undefined,
  before: string | undefined,
): TimeCell {
  const isClock = mode === "clock" || mode === "off";
  if (isClock && USUAL.test(time)) return { text: time.slice(11, 23), isLag: false }; // a page asks for hundreds
  const ms = Date.parse(time);
  const lag = before === undefined ? Number.NaN : ms - Date.parse(before);
  const isLag = mode === "delta" && lag >= LAG_MS;
  if (Number.isNaN(ms)) return { text: time, isLag };
  if (mode === "elapsed") return { text: signed(first === undefined ? Number.NaN : ms - Date.parse(first)), isLag };
  if (mode === "delta") return { text: signed(lag), isLag };
  return { text: new Date(ms).toISOString().slice(11, 23), isLag };
}

/** `+0.042`, `+1:02.500`, `+3:00:00.000`; nothing for what is no number. */
function signed(ms: number): string {
  if (Number.isNaN(ms)) return "";
  const whole = Math.abs(Math.round(ms));
  const pad = (n: number, length: number) => String(n).padStart(length, "0");
  const [hours, minutes, seconds] = [
    Math.floor(whole / 3_600_000),
    Math.floor(whole / 60_000) % 60,
    Math.floor(whole / 1_000) % 60,
  ];
  const fraction = pad(whole % 1_000, 3);
  const clock =
    hours > 0
      ? `${hours}:${pad(minutes, 2)}:${pad(seconds, 2)}`
      : minutes > 0
        ? `${minutes}:${pad(seconds, 2)}`
        : String(seconds);
  return `${ms < 0 ? "−" : "+"}${clock}.${fraction}`;
}
