import { describe, expect, test } from "vitest";
import { dashboardPath, hashOf, parseHash, rangeOf, withPlace } from "../../../viewer/browser/address.ts";

describe("what a hash names", () => {
  test.each([
    ["#L10", { from: 10, to: 10 }],
    ["#L10-L20", { from: 10, to: 20 }],
    ["#L20-L10", { from: 10, to: 20 }],
    ["#L10-20", { from: 10, to: 20 }],
    ["#10", { from: 10, to: 10 }],
    ["#10-20", { from: 10, to: 20 }],
    ["#compile:10-20", { from: 10, to: 20, step: "compile" }],
    ["#un%20it:L7", { from: 7, to: 7, step: "un it" }],
    ["#100%:7", { from: 7, to: 7, step: "100%" }],
    ["#L0", undefined],
    ["#end", undefined],
    ["#gap-1", undefined],
    ["#L1234567890123", undefined],
    ["", undefined],
  ])("%s", (hash, lines) => expect(parseHash(hash)).toEqual(lines));

  test("is written as it is read", () => {
    for (const lines of [
      { from: 3, to: 3 },
      { from: 3, to: 9 },
    ]) {
      expect(parseHash(hashOf(lines))).toEqual(lines);
      expect(parseHash(`#${rangeOf(lines)}`)).toEqual(lines);
    }
  });
});

test("a query has one place in a log, and keeps all else", () => {
  expect(withPlace("?step=a&lines=1-500&grep=x&hit=2", { line: "7" })).toBe("?step=a&grep=x&line=7");
  expect(withPlace("?step=a&grep=x", { grep: undefined })).toBe("?step=a");
  expect(withPlace("?tail=500", {})).toBe("");
});

test.each([
  ["#/namespaces/a/pipelineruns/b?step=c", "/namespaces/a/pipelineruns/b?step=c"],
  ["#/namespaces/a/taskruns", "/namespaces/a"],
  ["#/namespaces/a/pipelineruns?labelSelector=tekton.dev%2Fpipeline%3Dn", "/namespaces/a/pipelines/n"],
  ["#/about", "/"],
  ["#L10", undefined],
  // A path that begins with two slashes would lead to another host.
  ["#//evil.example/namespaces/a/pipelineruns/b", "/namespaces/a/pipelineruns/b"],
])("the Dashboard's %s", (hash, path) => expect(dashboardPath(hash)).toBe(path));
