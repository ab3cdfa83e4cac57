import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const FOLDERS = ["collector", "viewer", "archive", "storage-adapters"];

/** What a folder may import of the others; every other arrow is forbidden. */
const ARROWS: Record<string, (from: string, to: string) => boolean> = {
  archive: (_, to) => to === "storage-adapters/store.ts",
  collector: (from, to) => to.startsWith("archive/") || to === "storage-adapters/store.ts" || composes(from, to),
  viewer: (from, to) => to.startsWith("archive/") || to === "storage-adapters/store.ts" || composes(from, to),
  "storage-adapters": () => false,
  "settings.ts": (_, to) => to === "storage-adapters/store.ts",
};

/** The browser's script has what lies beside it, and of the server what knows neither Node nor the archive. */
const BROWSER = "viewer/browser/";
const SHARED = ["viewer/time-column.ts"];

/** Files that put a process together: they alone open adapters, read the environment and handle signals. */
const COMPOSING = ["main.ts", "collector/main.ts", "viewer/main.ts"];
const composes = (from: string, to: string) => COMPOSING.includes(from) && to === "storage-adapters/open.ts";

/** An SDK is imported by its adapter and by nobody else. */
const SDKS: [RegExp, RegExp][] = [
  [/^@aws-sdk\/|^@smithy\//, /^storage-adapters\/s3/],
  [/^@google-cloud\//, /^storage-adapters\/gcs/],
  [/^@kubernetes\//, /^collector\//],
  [/^hono|^@hono\//, /^viewer\//],
];

function sources(root: string): string[] {
  const found: string[] = [];
  for (const folder of [...FOLDERS, "."]) {
    for (const entry of readdirSync(join(root, folder), { recursive: folder !== ".", withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith(".ts")) found.push(relative(root, join(entry.parentPath, entry.name)));
    }
  }
  return found.filter((file) => file !== "vitest.config.ts");
}

/** Every arrow and habit that the design forbids, one line each. */
function violations(root: string): string[] {
  const found: string[] = [];
  for (const file of sources(root)) {
    const text = readFileSync(join(root, file), "utf8");
    const own = file.split("/")[0] as string;
    for (const [, name] of text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)) {
      if (!name) continue;
      if (file.startsWith(BROWSER) || SHARED.includes(file)) {
        const to = relative(root, resolve(root, dirname(file), name));
        const isOwn = name.startsWith(".") && (to.startsWith(BROWSER) || SHARED.includes(to));
        if (!isOwn) found.push(`${file} imports ${name.startsWith(".") ? to : name}`);
        continue;
      }
      if (!name.startsWith(".")) {
        for (const [sdk, home] of SDKS) if (sdk.test(name) && !home.test(file)) found.push(`${file} imports ${name}`);
        continue;
      }
      const to = relative(root, resolve(root, dirname(file), name));
      if (to.startsWith(BROWSER)) found.push(`${file} imports ${to}`);
      if (file !== "main.ts" && to !== "settings.ts" && to.split("/")[0] !== own && !ARROWS[own]?.(file, to))
        found.push(`${file} imports ${to}`);
    }
    if (COMPOSING.includes(file)) continue;
    if (/process\.env/.test(text)) found.push(`${file} reads process.env`);
    if (/process\.(on|once)\(/.test(text)) found.push(`${file} handles signals`);
  }
  return found;
}

describe("the arrows of ARCHITECTURE.md", () => {
  test("hold in the sources", () => {
    expect(violations(ROOT)).toEqual([]);
  });

  const forbidden: [string, string, string][] = [
    [
      "viewer/page.ts",
      'import { x } from "../collector/collector.ts";',
      "viewer/page.ts imports collector/collector.ts",
    ],
    ["collector/x.ts", 'import { x } from "../viewer/app.ts";', "collector/x.ts imports viewer/app.ts"],
    ["archive/x.ts", 'import { x } from "../storage-adapters/s3.ts";', "archive/x.ts imports storage-adapters/s3.ts"],
    ["archive/x.ts", 'import { x } from "../collector/config.ts";', "archive/x.ts imports collector/config.ts"],
    [
      "storage-adapters/x.ts",
      'import { x } from "../archive/keys.ts";',
      "storage-adapters/x.ts imports archive/keys.ts",
    ],
    [
      "collector/x.ts",
      'import { x } from "../storage-adapters/open.ts";',
      "collector/x.ts imports storage-adapters/open.ts",
    ],
    [
      "storage-adapters/gcs.ts",
      'import { x } from "@aws-sdk/client-s3";',
      "storage-adapters/gcs.ts imports @aws-sdk/client-s3",
    ],
    ["viewer/x.ts", 'import { x } from "@kubernetes/client-node";', "viewer/x.ts imports @kubernetes/client-node"],
    [
      "viewer/browser/x.ts",
      'import { x } from "../../archive/keys.ts";',
      "viewer/browser/x.ts imports archive/keys.ts",
    ],
    ["viewer/browser/x.ts", 'import { x } from "hono";', "viewer/browser/x.ts imports hono"],
    ["viewer/x.ts", 'import { x } from "./browser/dom.ts";', "viewer/x.ts imports viewer/browser/dom.ts"],
    ["archive/x.ts", "const x = process.env.HOME;", "archive/x.ts reads process.env"],
    ["collector/x.ts", 'process.once("SIGTERM", stop);', "collector/x.ts handles signals"],
    ["viewer/x.ts", 'const x = await import("../collector/main.ts");', "viewer/x.ts imports collector/main.ts"],
  ];
  test.each(forbidden)("are seen to be broken by %s: %s", (file, text, message) => {
    const root = mkdtempSync(join(tmpdir(), "afterlog-arrows-"));
    for (const folder of [...FOLDERS, BROWSER]) mkdirSync(join(root, folder));
    writeFileSync(join(root, file), text);
    expect(violations(root)).toContain(message);
  });
});
