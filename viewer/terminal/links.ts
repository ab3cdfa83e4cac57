import type { Run } from "./markup.ts";
import { leading } from "./style.ts";

/** The address of a line of a file of the run's repository, as it was for the run. */
export type SourceLink = (path: string, line: number) => string;

/** As VTE's hyperlinks: longer addresses are no links. */
const MAX_HREF = 2083;

/** What cannot stand in an address (RFC 3986), and quotation marks, which mostly stand around one. */
const WEB = /(?<![a-z0-9])https?:\/\/[^\s<>"'`\\^{|}\u2018-\u201f\u27e8\u27e9]+/gi;

const EXTENSIONS =
  "bazel|bzl|bash|c|cc|cfg|clj|cmake|cpp|cs|css|cue|cxx|dart|erl|ex|exs|go|gradle|graphql|groovy|h|hcl|hh|hpp|hs|html|ini|java|jl|js|json|jsx|kt|kts|less|lua|m|md|mjs|cjs|mts|cts|ml|mm|nix|php|pl|pm|properties|proto|py|pyi|pyx|r|rb|rego|rs|rst|scala|scss|sh|sol|sql|svelte|swift|tf|toml|ts|tsx|txt|vue|xml|yaml|yml|zig|zsh";

/**
 * A relative path with at least one directory: the bare name that test runners print says no directory. After it
 * `:12`, `:12:5`, `(12,5)` or, as Python writes, `", line 12`. No part of it can match in two ways, so time is linear.
 */
const SOURCE = new RegExp(
  `(?<![\\w./@:~\\\\+%$-])(?:\\./)?((?:[\\w@+.-]+/)+[\\w@+-][\\w@+.-]*\\.(?:${EXTENSIONS}))(?::(\\d{1,6})(?::\\d{1,5})?|\\((\\d{1,6})(?:,\\d{1,5})?\\)|", line (\\d{1,6}))(?![\\w/])`,
  "g",
);

/** What is not of the repository, though its path is relative: installed packages, and Go's import paths. */
const FOREIGN = /^[^/]*[^/.]\.[a-z]{2,}\/|(?:^|\/)(?:\.\.?|node_modules|site-packages|dist-packages)\//;

/** Whether looking for source files may be worth it. */
const HINT = /\.\w+(?:[:(]\d|", line )/;

type Found = { start: number; end: number; href: string };

/**
 * The same text with links where it says an address of the web or, given `source`, a line of a source file. What is
 * a link already stays one. Links may go over changes of style.
 */
export function linked(runs: readonly Run[], source?: SourceLink): readonly Run[] {
  let text = "";
  for (const run of runs) text += run.text;
  const found = text.includes("://") ? webLinks(text) : [];
  if (source && HINT.test(text)) found.push(...sourceLinks(text, found, source));
  return found.length === 0
    ? runs
    : split(
        runs,
        found.sort((a, b) => a.start - b.start),
      );
}

function webLinks(text: string): Found[] {
  return [...text.matchAll(WEB)].flatMap(({ 0: match, index: start }) => {
    const href = withoutTail(match);
    if (href.length > MAX_HREF || !URL.canParse(href)) return [];
    return { start, end: start + href.length, href };
  });
}

/** Without the marks that end a sentence, and brackets that were opened before the address. */
function withoutTail(address: string): string {
  const opened = { ")": 0, "]": 0 };
  for (const character of address) {
    if (character === "(") opened[")"]++;
    else if (character === ")") opened[")"]--;
    else if (character === "[") opened["]"]++;
    else if (character === "]") opened["]"]--;
  }
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1] as string;
    if (last === ")" || last === "]") {
      if (opened[last] >= 0) break;
      opened[last]++;
    } else if (!".,;:!?*\u2026".includes(last)) break;
  }
  return address.slice(0, end);
}

function sourceLinks(text: string, others: readonly Found[], source: SourceLink): Found[] {
  const sources: Found[] = [];
  let next = 0;
  for (const match of text.matchAll(SOURCE)) {
    const [path = "", ...lines] = match.slice(1);
    const [start, end] = [match.index, match.index + match[0].length];
    while ((others[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next++;
    const isInside = (others[next]?.start ?? Number.POSITIVE_INFINITY) < end;
    const line = Number(lines.find((digits) => digits !== undefined));
    if (!isInside && line > 0 && !FOREIGN.test(path)) sources.push({ start, end, href: source(path, line) });
  }
  return sources;
}

/** `found` is in order and does not overlap. */
function split(runs: readonly Run[], found: readonly Found[]): Run[] {
  const parts: Run[] = [];
  let at = 0;
  let next = 0;
  for (const { text, style } of runs) {
    const end = at + text.length;
    for (let start = at; start < end; ) {
      while ((found[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next++;
      const link = found[next];
      const isIn = link !== undefined && link.start <= start;
      const stop = Math.min(end, link === undefined ? end : isIn ? link.end : link.start);
      const isLink = isIn && style.href === undefined;
      parts.push({ text: text.slice(start - at, stop - at), style: isLink ? leading(style, link.href) : style });
      start = stop;
    }
    at = end;
  }
  return parts;
}
