import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Terminal } from "../../../viewer/terminal/terminal.ts";

const fixture = (path: string) => readFileSync(new URL(`../../fixtures/${path}`, import.meta.url));

/** The text of the rows, as `tmux capture-pane` writes it. */
function screenOf(capture: Buffer): string[] {
  const terminal = new Terminal();
  for (const line of capture.toString("latin1").split("\n")) terminal.write(Buffer.from(line, "latin1"));
  const rows = terminal.lines().filter(({ isDrawnOver }) => !isDrawnOver);
  return trimmed(rows.map(({ runs }) => runs.map(({ text }) => text).join("")));
}

function trimmed(lines: string[]): string[] {
  const texts = lines.map((line) => line.trimEnd());
  return texts.slice(0, texts.findLastIndex((line) => line !== "") + 1);
}

test.each([
  ["docker-pull", gunzipSync(fixture("demo/docker-pull.raw.gz"))],
  ["playwright", gunzipSync(fixture("demo/playwright.raw.gz"))],
  ["buildah-build", gunzipSync(fixture("demo/buildah-build.raw.gz"))],
  ["moves", fixture("terminal/moves.raw")],
])("%s looks as in a real terminal", (name, capture) => {
  expect(screenOf(capture)).toEqual(trimmed(fixture(`terminal/${name}.screen`).toString().split("\n")));
});
