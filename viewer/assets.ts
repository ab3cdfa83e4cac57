import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { Hono } from "hono";

const TYPES = {
  "style.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;
type AssetName = keyof typeof TYPES;

/** Where the browser begins, and what it shares with the server; beside these it gets all of browser/. */
const MAIN = "browser/main.ts";
const SHARED = ["time-column.ts"];

/** What pages load. The address of each holds a hash of its content, so that it may be kept for ever. */
export type Assets = {
  path(name: AssetName): string;
  /** The script's modules, the one that begins first: a page names all, so that none waits for another to name it. */
  modules: readonly string[];
  routes: Hono;
};

/** Reads all of them once; they are small. */
export function loadAssets(): Assets {
  const routes = new Hono();
  const serve = (path: string, type: string, content: Uint8Array | string) =>
    routes.get(path, (c) =>
      c.body(typeof content === "string" ? content : new Uint8Array(content), 200, {
        "Content-Type": type,
        "Cache-Control": "public, max-age=31536000, immutable",
      }),
    );
  const paths = new Map<AssetName, string>();
  for (const [name, type] of Object.entries(TYPES) as [AssetName, string][]) {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url));
    const path = `/assets/${name.replace(".", `.${hashOf([content])}.`)}`;
    paths.set(name, path);
    serve(path, type, content);
  }
  const modules = browserModules();
  // One hash for all: their imports are relative, and a page never mixes two versions.
  const folder = `/assets/${hashOf(modules.map(({ code }) => code))}`;
  for (const { name, code } of modules) serve(`${folder}/${name}`, "text/javascript; charset=utf-8", code);
  return { path: (name) => paths.get(name) ?? "", modules: modules.map(({ name }) => `${folder}/${name}`), routes };
}

/**
 * The browser's TypeScript without its types. Node does it as it does for its own imports, so that there is no build
 * step and no second reading of the language. `stripTypeScriptTypes` is a release candidate in Node 24 (stability 1.2,
 * and it warns once); what it is asked for, erasing, is what running the .ts files themselves has relied on, stably,
 * since 24.12.
 */
function browserModules(): { name: string; code: string }[] {
  const own = readdirSync(new URL("./browser/", import.meta.url)).filter((name) => name.endsWith(".ts"));
  const names = [MAIN, ...own.map((name) => `browser/${name}`).filter((name) => name !== MAIN), ...SHARED];
  return names.map((name) => {
    const source = readFileSync(new URL(`./${name}`, import.meta.url), "utf8");
    return { name, code: compact(stripTypeScriptTypes(source)) };
  });
}

/** Without comment lines and the blanks that types leave at a line's end; lines keep their numbers. */
const compact = (code: string): string =>
  code.replace(/^[ \t]*\/\*\*[\s\S]*?\*\//gm, (text) => text.replace(/[^\n]/g, "")).replace(/[ \t]+$/gm, "");

const hashOf = (contents: readonly (string | Uint8Array)[]): string => {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex").slice(0, 12);
};
