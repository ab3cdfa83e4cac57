import type { Entry } from "../archive/entry.ts";
import { query } from "./address.ts";
import type { Page } from "./listing.ts";
import { runAddress } from "./lookup.ts";
import { lookOf } from "./pages/icons.ts";
import { damagedWords, suffixed } from "./pages/list.ts";
import { shortCommit } from "./pages/names.ts";
import { happenedWords, tookWords } from "./pages/runs.ts";
import type { Site } from "./site.ts";

/** A list as aligned columns: the last one, which may be long, is what happened. */
export function listText(
  site: Site,
  { entries, next, damaged }: Page,
  path: string,
  params: Record<string, string | undefined>,
): string {
  const rows = entries.map((entry) => [
    lookOf(entry.status).word,
    entry.startedAt ?? entry.createdAt,
    tookWords(entry, site.now()),
    `${entry.run.namespace}/${entry.run.name}`,
    belongsTo(entry),
    oneLine(happenedWords(entry) ?? ""),
  ]);
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const older = next && `\nOlder: ${site.url ?? ""}${suffixed(path, ".txt")}${query({ ...params, before: next })}`;
  const remarks = [entries.length === 0 && "No runs.", damaged > 0 && damagedWords(damaged), older];
  return [...lines, ...remarks].flatMap((line) => (line ? `${line}\n` : [])).join("");
}

const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, " ");

const belongsTo = ({ repository, pull, commit }: Entry): string =>
  [repository && `${repository}${pull === undefined ? "" : `#${pull}`}`, commit && shortCommit(commit)]
    .filter(Boolean)
    .join(" ");

/** The entries as they are, each with the address of its run. */
export function listJson(
  site: Site,
  { entries, next, looked, damaged }: Page,
  path: string,
  params: Record<string, string | undefined>,
) {
  const base = site.url ?? "";
  return {
    runs: entries.map((entry) => ({ ...entry, page: `${base}${runAddress(entry)}` })),
    looked,
    damaged,
    ...(next && { next: `${base}${suffixed(path, ".json")}${query({ ...params, before: next })}` }),
  };
}
