import { badRequest } from "./problem.ts";
import { parseTime } from "./window.ts";

/** A moment as an address says it: itself, or so long before now or before the log's end. */
export type Moment = { type: "time"; time: string } | { type: "ago"; ms: number };

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d)){1,5}$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** `2026-07-30T10:03:31Z`, or as kubectl and stern say it: `10m`, `1h30m`, `48h`, `2d`. @throws Problem, which names the parameter */
export function parseMoment(name: string, text: string): Moment {
  if (DURATION.test(text)) {
    const parts = [...text.matchAll(PART)].map(([, number, unit]) => Number(number) * (UNITS[unit ?? ""] ?? 0));
    return { type: "ago", ms: parts.reduce((sum, ms) => sum + ms, 0) };
  }
  if (/^\d{4}-/.test(text)) return { type: "time", time: parseTime(name, text) };
  throw badRequest(
    `${name} is an RFC 3339 time or how long ago, for example ${name}=2026-07-30T10:03:31Z or ${name}=10m.`,
  );
}

/** As RFC 3339. `end`: what a duration counts back from. */
export function timeOf(moment: Moment, end: string): string {
  if (moment.type === "time") return moment.time;
  return new Date(Math.max(0, Date.parse(end) - moment.ms)).toISOString();
}

/** @throws Problem, if what begins with `since` would end, with `until`, before that */
export function checkOrder(since: Moment | undefined, until: Moment | undefined): void {
  if (!since || !until) return;
  const isReversed =
    (since.type === "time" && until.type === "time" && Date.parse(since.time) > Date.parse(until.time)) ||
    (since.type === "ago" && until.type === "ago" && since.ms < until.ms);
  if (isReversed) throw reversed();
}

export const reversed = () => badRequest("since is later than until: nothing can be between them. Exchange the two.");
