import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { loadYaml } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(resolve(ROOT, path), "utf8");
const dockerfile = read("deploy/Dockerfile");
const project = JSON.parse(read("package.json")) as { version: string; dependencies: Record<string, string> };

/** What the image holds of the project. */
const copied = new Set(
  [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, names = ""]) => names.split(" ")),
);

/** Every file that a process loads, and every package, by walking its imports. */
function loaded(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const todo = [entry];
  for (let file = todo.pop(); file; file = todo.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    // What is imported for its types alone does not exist at run time.
    const imports = read(file).matchAll(/^(?!import type).*?(?:[\s}]from|import\()\s*"([^"]+)"/gm);
    for (const [, name = ""] of imports) {
      if (name.startsWith(".")) todo.push(relative(ROOT, resolve(ROOT, dirname(file), name)));
      else if (!name.startsWith("node:")) packages.add(/^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    }
  }
  return { files, packages };
}

describe("the image", () => {
  test.each(["main.ts", "collector/main.ts", "viewer/main.ts"])("holds all that %s loads", (entry) => {
    const { files, packages } = loaded(entry);
    expect(files.size).toBeGreaterThan(10);
    expect([...files].filter((file) => !copied.has(file.split("/")[0] as string))).toEqual([]);
    expect([...packages].filter((name) => !(name in project.dependencies))).toEqual([]);
  });

  test("is built from what is there, and from nothing else", () => {
    expect([...copied].filter((name) => !existsSync(resolve(ROOT, name)))).toEqual([]);
    const sent = read("deploy/Dockerfile.dockerignore").match(/^!.+$/gm);
    expect(new Set(sent?.map((line) => line.slice(1)))).toEqual(copied);
    for (const name of copied) if (statSync(resolve(ROOT, name)).isDirectory()) expect(name).not.toMatch(/test|node_/);
  });

  test("has the project's version in the manifests, and no moving tag", () => {
    const { images } = loadYaml(read("deploy/base/kustomization.yaml")) as { images: { newTag: string }[] };
    expect(images.map(({ newTag }) => newTag)).toEqual([project.version]);
    expect(dockerfile.match(/^FROM \S+/gm)).toEqual(["FROM node:24-slim", "FROM node:24-slim"]);
  });

  test("runs as a user that runAsNonRoot accepts", () => {
    expect(/^USER (\d+):\d+$/m.exec(dockerfile)?.[1]).toBe("1000");
  });
});
