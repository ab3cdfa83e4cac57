/** Times and durations in words. Pure; all times are shown in UTC, because readers sit everywhere. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const pad = (n: number): string => String(n).padStart(2, "0");

/** From one time to another in ms; undefined while one of them is missing or makes no sense. */
export function between(from: string | undefined, to: string | undefined): number | undefined {
  const ms = Date.parse(to ?? "") - Date.parse(from ?? "");
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** `23 m 46 s` */
export function duration(ms: number): string {
  if (ms < SECOND) return "under 1 s";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ${pad(Math.floor((ms % MINUTE) / SECOND))} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${pad(Math.floor((ms % HOUR) / MINUTE))} m`;
  return `${Math.floor(ms / DAY)} d ${pad(Math.floor((ms % DAY) / HOUR))} h`;
}

/** `23m 46s`, for columns. */
export const shortDuration = (ms: number): string =>
  ms < SECOND ? "0s" : duration(ms).replace(/(\d) (?=[smhd])/g, "$1");

/** `3.02 s`, for gaps and pauses. */
export const preciseDuration = (ms: number): string =>
  ms < 10 * SECOND ? `${Number((ms / SECOND).toFixed(2))} s` : duration(ms);

/** `30 Jul 2026` */
export const date = (time: string | Date): string => {
  const d = new Date(time);
  return Number.isNaN(d.getTime())
    ? String(time)
    : `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
};

/** `30 Jul 2026, 09:46 UTC` */
export const dateTime = (time: string | Date): string => {
  const d = new Date(time);
  return Number.isNaN(d.getTime()) ? String(time) : `${date(d)}, ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())} UTC`;
};

/** `4 min ago`, and the day for what is older than one. */
export function ago(time: string, now: Date): string {
  const ms = now.getTime() - Date.parse(time);
  if (Number.isNaN(ms)) return time;
  if (ms < MINUTE) return "just now";
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  const text = date(time);
  return text.endsWith(` ${now.getUTCFullYear()}`) ? text.slice(0, -5) : text;
}

/** `1,204,551` */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** `148 MB`, decimal as browsers show downloads. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["KB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length);
  const value = bytes / 1_000 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`;
}
