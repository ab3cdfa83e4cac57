import { expect, test } from "vitest";
import { classifyStray } from "../../collector/follow/kubelet-error.ts";
import { LineParser } from "../../collector/follow/line-parser.ts";
import fc from "../property.ts";

const T = "2026-07-30T10:03:31.936986000Z";

/** What a parser makes of bytes in these pieces, as readable text. */
function parse(pieces: string[]) {
  const parser = new LineParser();
  const joined: string[] = [];
  for (const piece of pieces) {
    for (const { type, bytes } of parser.push(Buffer.from(piece, "latin1"))) {
      const last = joined.at(-1);
      if (last?.startsWith(`${type}:`)) joined[joined.length - 1] = last + bytes.toString("latin1");
      else joined.push(`${type}:${bytes.toString("latin1")}`);
    }
  }
  const { tail, begun } = parser.end();
  return { joined, tail: tail.toString("latin1"), begun };
}

const long = `${T} ${"x".repeat(200_000)}`;

test.each([
  ["lines", [`${T} a\n${T} b\n`], { joined: [`text:${T} a\n${T} b\n`], tail: "", begun: false }],
  ["a line in two pieces", [`${T} a`, `bc\n`], { joined: [`text:${T} abc\n`], tail: "", begun: false }],
  ["a cut time", [T.slice(0, 9), `${T.slice(9)} a\n`], { joined: [`text:${T} a\n`], tail: "", begun: false }],
  ["no newline at the end", [`${T} a\n${T} b`], { joined: [`text:${T} a\n`], tail: `${T} b`, begun: false }],
  [
    "the rest of a cut line first",
    [`rest\n${T} a\n`],
    { joined: ["stray:rest\n", `text:${T} a\n`], tail: "", begun: false },
  ],
  ["kubelet's error at the end", [`${T} a\nunable to`], { joined: [`text:${T} a\n`], tail: "unable to", begun: false }],
  [
    "a node's offset",
    ["2026-07-30T10:03:31.936986000+02:00 a\n"],
    { joined: ["text:2026-07-30T10:03:31.936986000+02:00 a\n"], tail: "", begun: false },
  ],
  ["a long line", [long, `y\n${T} b\n`], { joined: [`text:${long}y\n${T} b\n`], tail: "", begun: false }],
  ["a long line without end", [long, "y"], { joined: [`text:${long}`], tail: "y", begun: true }],
  [
    "no time, though it looks like one",
    ["2026-07-30 10:03:31 a\n"],
    { joined: ["stray:2026-07-30 10:03:31 a\n"], tail: "", begun: false },
  ],
])("%s", (_, pieces, expected) => {
  expect(parse(pieces)).toEqual(expected);
});

test("cuts change nothing and nothing is lost", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (lines, sizes) => {
        const text = lines
          .map(([timed, b]) => `${timed ? `${T} ` : ""}${Buffer.from(b).toString("latin1")}`)
          .join("\n");
        const pieces: string[] = [];
        for (let at = 0, i = 0; at < text.length; i++) {
          const size = sizes[i % sizes.length] as number;
          pieces.push(text.slice(at, at + size));
          at += size;
        }
        expect(parse(pieces)).toEqual(parse([text]));
        const { joined, tail } = parse(pieces);
        expect(joined.map((part) => part.slice(part.indexOf(":") + 1)).join("") + tail).toBe(text);
      },
    ),
  );
});

test.each([
  ["unable to retrieve container logs for containerd://0123", "kubelet-error"],
  ["failed to create fsnotify watcher: too many open files", "no-watcher"],
  ["rpc error: code = NotFound desc = an error occurred", "kubelet-error"],
  ["hello", "unknown"],
])("%s is %s", (text, kind) => {
  expect(classifyStray(text)).toBe(kind);
});
