import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Hono } from "hono";

const TYPES = {
  "style.css": "text/css; charset=utf-8",
  "live.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;
type AssetName = keyof typeof TYPES;

/** What pages load. The address of each holds a hash of its content, so that it may be kept for ever. */
export type Assets = { path(name: AssetName): string; routes: Hono };

/** Reads all of them once; they are small. */
export function loadAssets(): Assets {
  const routes = new Hono();
  const paths = new Map<AssetName, string>();
  for (const [name, type] of Object.entries(TYPES) as [AssetName, string][]) {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url));
    const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
    const path = `/assets/${name.replace(".", `.${hash}.`)}`;
    paths.set(name, path);
    routes.get(path, (c) =>
      c.body(new Uint8Array(content), 200, {
        "Content-Type": type,
        "Cache-Control": "public, max-age=31536000, immutable",
      }),
    );
  }
  return { path: (name) => paths.get(name) ?? "", routes };
}
