import { RE2JS } from "re2js";
import type { Pattern } from "../../../viewer/grep/pattern.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) /;

/** Which lines have a hit, counted from 1: line by line, with nothing clever. */
export function plainHits(text: Buffer, pattern: Pattern): number[] {
  const lines = text.toString("latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const re = RE2JS.compile(
    pattern.isRegex ? pattern.text : RE2JS.quote(pattern.text),
    pattern.ignoresCase ? RE2JS.CASE_INSENSITIVE : 0,
  );
  return lines.flatMap((raw, i) => {
    const bare = raw
      .replace(TIME, "")
      .replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "")
      .replace(/\r$/, "");
    return re.matcher(Buffer.from(bare, "latin1").toString()).find() ? [i + 1] : [];
  });
}
