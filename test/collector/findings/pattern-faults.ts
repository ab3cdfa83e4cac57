/** No pattern says more than this of one repetition. */
const MAX_REPEATS = 1000;

/**
 * Why a pattern may take more than linear time, in words. What has no repetition without a bound, none inside another
 * and no back reference does a bounded number of steps at each place.
 */
export function patternFaults(pattern: RegExp): string[] {
  const faults: string[] = [];
  /** For each open group, and for the one just closed: whether something in it repeats. */
  const open: boolean[] = [false];
  let closed = false;
  for (const [token] of pattern.source.matchAll(TOKENS)) {
    const repeats = closed;
    closed = false;
    if (token.startsWith("(")) open.push(false);
    else if (token === ")") {
      closed = open.pop() ?? false;
      if (closed) open[open.length - 1] = true;
    } else if (/^\\[1-9k]/.test(token)) faults.push("a back reference");
    else if (/^[*+{]/.test(token) || token === "?") {
      const most = mostOf(token);
      if (most === Number.POSITIVE_INFINITY) faults.push(`${token} has no bound`);
      else if (most > MAX_REPEATS) faults.push(`${token} is more than ${MAX_REPEATS}`);
      if (repeats && most > 1) faults.push("a repetition is repeated");
      open[open.length - 1] = true;
    }
  }
  return faults;
}

/** Escapes and classes as a whole, the openings of groups, closings, repetitions; any other character. */
const TOKENS = /\\k<\w+>|\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<\w+>))?|\)|\{\d+(?:,\d*)?\}|[*+?]|./g;

function mostOf(token: string): number {
  if (token === "?") return 1;
  if (token === "*" || token === "+" || token.endsWith(",}")) return Number.POSITIVE_INFINITY;
  return Number(/(\d+)\}$/.exec(token)?.[1]);
}
