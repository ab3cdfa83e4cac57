import { describe, expect, test } from "vitest";
import { forgeLinks, sourceLink } from "../../../viewer/forge.ts";
import { linked } from "../../../viewer/terminal/links.ts";
import type { Run } from "../../../viewer/terminal/markup.ts";
import { DEFAULT_STYLE, leading, restyle } from "../../../viewer/terminal/style.ts";
import fc from "../../property.ts";
import { expectLinear } from "./growth.ts";

const run = (text: string): Run => ({ text, style: DEFAULT_STYLE });
const source = (path: string, line: number) => `${path}#${line}`;
/** Every link as `[text](address)`. */
const marked = (runs: readonly Run[]) =>
  runs.map(({ text, style: { href } }) => (href === undefined ? text : `[${text}](${href})`)).join("");
const links = (text: string) => marked(linked([run(text)], source));

describe("addresses of the web", () => {
  test.each([
    [
      "see https://ci.example/a?b=1&c=%20#d for more",
      "see [https://ci.example/a?b=1&c=%20#d](https://ci.example/a?b=1&c=%20#d) for more",
    ],
    ["HTTP://CI.EXAMPLE", "[HTTP://CI.EXAMPLE](HTTP://CI.EXAMPLE)"],
    ["(http://a.example/b).", "([http://a.example/b](http://a.example/b))."],
    ["http://a.example/b_(c), d", "[http://a.example/b_(c)](http://a.example/b_(c)), d"],
    ["[x](http://a.example)]", "[x]([http://a.example](http://a.example))]"],
    ['"http://a.example/b": 1', '"[http://a.example/b](http://a.example/b)": 1'],
    ["<http://a.example/b>", "<[http://a.example/b](http://a.example/b)>"],
    ["http://[::1]:8080/x", "[http://[::1]:8080/x](http://[::1]:8080/x)"],
    ["http://a.example/…", "[http://a.example/](http://a.example/)…"],
    [
      "two: http://a.example, http://b.example!",
      "two: [http://a.example](http://a.example), [http://b.example](http://b.example)!",
    ],
    ["javascript:alert(1) data:text/html,x file:///etc/passwd ftp://a.example mailto:a@b.example", undefined],
    ["https:// http://: http://%zz xhttps://a.example", undefined],
    [`http://a.example/${"a".repeat(3_000)}`, undefined],
  ])("%s", (text, shown = text) => {
    expect(links(text)).toBe(shown);
  });
});

describe("lines of the repository's files", () => {
  test.each([
    [
      "pkg/reconciler/run.go:12:5: undefined: x",
      "[pkg/reconciler/run.go:12:5](pkg/reconciler/run.go#12): undefined: x",
    ],
    ["    at f (src/a/b.ts:7:1)", "    at f ([src/a/b.ts:7:1](src/a/b.ts#7))"],
    ["./cmd/main.go:3", "[./cmd/main.go:3](cmd/main.go#3)"],
    ['  File "tests/test_a.py", line 12, in f', '  File "[tests/test_a.py", line 12](tests/test_a.py#12), in f'],
    ["src/a.ts(12,5): error TS1234: x", "[src/a.ts(12,5)](src/a.ts#12): error TS1234: x"],
    [".github/workflows/ci.yaml:3", "[.github/workflows/ci.yaml:3](.github/workflows/ci.yaml#3)"],
    ["a/b.test.go:1 c/d.rs:2", "[a/b.test.go:1](a/b.test.go#1) [c/d.rs:2](c/d.rs#2)"],
    ["main_test.go:12: no directory", undefined],
    ["/usr/lib/python3/a.py:1 ~/a/b.go:2 C:\\a/b.go:3", undefined],
    ["../a/b.go:1 a/../b.go:2 a/./b.go:3", undefined],
    ["node_modules/x/a.js:1 lib/site-packages/a.py:2 github.com/a/b.go:3", undefined],
    ["a/b:1 a/b.xyz:1 a/b.go:x a/b.go a/b.go:0 a/b.go:1234567 img/a.png:80", undefined],
    ["http://a.example/b/c.go:12", "[http://a.example/b/c.go:12](http://a.example/b/c.go:12)"],
    ["registry.example/a/b.go:1", undefined],
    ["user@a/b.go:1 a/b.go:1/c", "[user@a/b.go:1](user@a/b.go#1) a/b.go:1/c"],
  ])("%s", (text, shown = text) => {
    expect(links(text)).toBe(shown);
  });

  test("are no links without a repository", () => {
    expect(marked(linked([run("pkg/a.go:1 http://a.example")]))).toBe(
      "pkg/a.go:1 [http://a.example](http://a.example)",
    );
  });
});

describe("runs of text", () => {
  const bold = restyle(DEFAULT_STYLE, "1");

  test("a link goes over changes of style, and keeps them", () => {
    const parts = linked([run("at pkg/"), { text: "a.go", style: bold }, run(":12 ok")], source);
    expect(parts.map(({ text, style }) => [text, style.classes, style.href])).toEqual([
      ["at ", "", undefined],
      ["pkg/", "", "pkg/a.go#12"],
      ["a.go", "ab", "pkg/a.go#12"],
      [":12", "", "pkg/a.go#12"],
      [" ok", "", undefined],
    ]);
  });

  test("what is a link already stays it", () => {
    const own = leading(DEFAULT_STYLE, "https://own.example");
    expect(marked(linked([run("http://a.example/"), { text: "b", style: own }], source))).toBe(
      "[http://a.example/](http://a.example/b)[b](https://own.example)",
    );
  });

  test("the text stays as it was", () => {
    const text = fc.string({
      unit: fc.constantFrom("http://", "a", "/", ".go:1", ")", "(", ".", " ", '"', "é", "😀", "]"),
    });
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        const runs = texts.map((piece, i) => ({ text: piece, style: i % 2 ? bold : DEFAULT_STYLE }));
        expect(
          linked(runs, source)
            .map((part) => part.text)
            .join(""),
        ).toBe(texts.join(""));
      }),
    );
  });

  test.each([
    ["one long address", (length: number) => `http://a.example/${"a".repeat(length)}`],
    ["brackets", (length: number) => `http://a.example/${")".repeat(length)}`],
    ["beginnings", (length: number) => "http://".repeat(length / 7)],
    ["directories", (length: number) => `${"a/".repeat(length / 2)}.go:x`],
    ["dots", (length: number) => `a/${"a.go".repeat(length / 4)}.go`],
    ["dots and directories", (length: number) => `${"a.go/".repeat(length / 5)}:1`],
    ["words", (length: number) => `.${"a".repeat(length)}`],
    ["many of them", (length: number) => "a/b.go:1 http://a.example ".repeat(length / 26)],
  ])("the time grows with the bytes, not with their square: %s", (_, bait) => {
    expectLinear((length) => links(bait(length)), 20_000);
  });
});

describe("where files are on a forge", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const at = (url: string, name = commit) =>
    sourceLink({ repository: { url, path: "o/r" }, commit: name })?.("a b/c.go", 7);

  test.each([
    ["https://github.com/o/r.git", `https://github.com/o/r/blob/${commit}/a%20b/c.go#L7`],
    ["https://gitlab.example/g/s/r/", `https://gitlab.example/g/s/r/-/blob/${commit}/a%20b/c.go#L7`],
    ["https://codeberg.org/o/r", `https://codeberg.org/o/r/src/commit/${commit}/a%20b/c.go#L7`],
    ["https://git.example/o/r", `https://git.example/o/r/blob/${commit}/a%20b/c.go#L7`],
    ["javascript:alert(1)", undefined],
    ["git@github.com:o/r.git", undefined],
  ])("%s", (url, href) => {
    expect(at(url)).toBe(href);
  });

  test("nothing is known without a commit, and a commit is anybody's text", () => {
    expect(at("https://github.com/o/r", "")).toBeUndefined();
    expect(at("https://github.com/o/r", '../"x')).toBe("https://github.com/o/r/blob/..%2F%22x/a%20b/c.go#L7");
    expect(forgeLinks({})).toEqual([]);
  });
});
