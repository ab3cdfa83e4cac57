import type { Severity } from "./findings.ts";

/** A level stands near the start; further on it is what a line talks about. In characters after the line's times. */
const NEAR = 80;

/** The same for `level=`, which times and callers may stand before. */
const LOGFMT_NEAR = 112;

export const WORDS: Readonly<Record<string, Severity>> = {
  ...words("error", "ERROR ERR ERRO FATA FATAL CRITICAL CRIT ALERT EMERG EMERGENCY PANIC SEVERE DPANIC"),
  ...words("warning", "WARNING WARN"),
  ...words("notice", "NOTICE INFO INFORMATION"),
  ...words("debug", "DEBUG DEBU DBG TRACE VERBOSE FINE FINER FINEST"),
};

/** A word that begins near the start is looked at whole, with what stands behind it. In characters. */
const LONGEST_WORD = 64;

const KLOG: Record<string, Severity> = { I: "notice", W: "warning", E: "error", F: "error" };

function words(severity: Severity, names: string): Record<string, Severity> {
  return Object.fromEntries(names.split(" ").map((name) => [name, severity]));
}

/** One quick look tells most lines apart from those that name a level. */
const HINT =
  /ERR|WARN|INFO|DEBU|DBG|NOTICE|FATAL|CRIT|TRACE|PANIC|SEVERE|ALERT|EMERG|FINE|VERBOSE|[Ee]rror|[Ww]arn|[Ff]atal|\[info\]|\[debug\]|evel|everity|lvl|##\[|::|@l|[IWEF]\d{4} /;

const TIMES =
  /^(?:\s{0,8}\[?(?:[a-z]{1,16} )?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| UTC)?\]?)?\s{0,8}(?:\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?)?/;
/** GitHub's commands and log markers, the Dashboard's family, and Taskcluster's. */
const MARKER =
  /^\s{0,16}(?:::(error|warning|notice|info|debug)(?: [^:]{0,300})?::|##\[(error|warning|notice|debug)\]|\[taskcluster:(error|warn)[ \]])/;
const KLOG_LINE = /^\s{0,4}([IWEF])\d{4} \d\d:\d\d:\d\d/;
const JSON_LEVEL = /"(?:level|severity|log\.level|@l|levelname|lvl)"\s{0,4}:\s{0,4}"([A-Za-z]{1,16})"/;
const LOGFMT_LEVEL = /(?<![\w.-])(?:level|lvl|severity)="?([A-Za-z]{1,16})/;
const LOUD =
  /\[(ERROR|ERR|FATAL|CRITICAL|SEVERE|WARNING|WARN|INFO|NOTICE|DEBUG|TRACE|error|warning|warn|info|debug|fatal)\]|(?:^|\s)(ERRO|FATA|WARN|INFO|DEBU)(?=\[\d{4}\])|(?:^|[\s:)(])(ERROR|FATAL|CRITICAL|WARNING|WARN|INFO|NOTICE|DEBUG|TRACE|SEVERE|[Ee]rror|[Ww]arning|[Ff]atal)(?:\[[\w-]{1,40}\]| [A-Z]{1,4}\d{2,6})?:/g;
const CAPITALS =
  /(?:^|[^A-Za-z0-9_-])(ERROR|ERR|FATAL|CRITICAL|CRIT|ALERT|EMERG|EMERGENCY|PANIC|DPANIC|SEVERE|WARNING|WARN|NOTICE|INFO|INFORMATION|DEBUG|DBG|TRACE|VERBOSE|FINE|FINER|FINEST)(?![A-Za-z0-9_-])/g;

/** The severity that a word names, whatever its case. */
const named = (word: string | undefined): Severity | undefined => WORDS[word?.toUpperCase() ?? ""];

/** All that a tier's pattern names near the start: one severity, `unknown` for two that differ. */
function agreed(pattern: RegExp, text: string): Severity | undefined {
  let found: Severity | undefined;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match && match.index < NEAR; match = pattern.exec(text)) {
    const severity = named(match[1] ?? match[2] ?? match[3]);
    if (severity === undefined) continue;
    if (found !== undefined && found !== severity) return "unknown";
    found = severity;
    // The separator that ended this word may begin the next.
    pattern.lastIndex--;
  }
  return found;
}

/** Enough of a line to find its level: the times, the words near the start, or a JSON object's first fields. */
export const HEAD_LENGTH = 320;

/**
 * The severity that a line names, by the first tier that names one (log-viewers.md §2.5): explicit markers, klog's
 * letter, a JSON level, a logfmt level, `[ERROR]` and `ERROR:`, a word in capitals near the start.
 * @param head the line's first HEAD_LENGTH characters, without Kubernetes' time and without escapes
 * @param isStopped `::stop-commands::` holds: `::error::` is text
 */
export function namedSeverity(head: string, isStopped = false): Severity | undefined {
  if (!HINT.test(head)) return undefined;
  const start = TIMES.exec(head)?.[0].length ?? 0;
  let text = start === 0 ? head : head.slice(start);
  const marker = MARKER.exec(text);
  // What it says behind the command still counts.
  if (isStopped && marker?.[1]) text = text.slice(marker[0].length);
  else if (marker) return named((marker[1] ?? marker[2] ?? marker[3])?.replace(/^warn$/, "warning"));
  const klog = KLOG_LINE.exec(text)?.[1];
  if (klog !== undefined) return KLOG[klog];
  const near = text.slice(0, NEAR + LONGEST_WORD);
  const json = near.startsWith("{") ? named(JSON_LEVEL.exec(text)?.[1]) : undefined;
  return (
    json ?? named(LOGFMT_LEVEL.exec(text.slice(0, LOGFMT_NEAR))?.[1]) ?? agreed(LOUD, near) ?? agreed(CAPITALS, near)
  );
}
