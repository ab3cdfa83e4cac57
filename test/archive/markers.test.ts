import { describe, expect, test } from "vitest";
import { MarkerReader } from "../../archive/markers.ts";

const ESC = "\x1b";
const read = (text: string) => new MarkerReader().read(text);

describe("severities of markers", () => {
  test.each([
    ["::error::it broke", { severity: "error", shown: "it broke" }],
    [
      "::warning file=a/b.js,line=1,endLine=2,col=5,title=No%2C really%3A 100%25::x::y",
      {
        severity: "warning",
        shown: "x::y",
        parameters: { file: "a/b.js", line: "1", endLine: "2", col: "5", title: "No, really: 100%" },
      },
    ],
    ["::notice file=a.js::x", { severity: "notice", shown: "x", parameters: { file: "a.js" } }],
    ["::debug::", { severity: "debug", shown: "" }],
    ["::info::x", { severity: "info", shown: "x" }],
    ["::ERROR::x", { severity: "error", shown: "x" }],
    ["  ::error::x", { severity: "error", shown: "  x" }],
    [
      "2026-07-30T10:00:00.1234567Z ##[error]Process completed",
      { severity: "error", shown: "2026-07-30T10:00:00.1234567Z Process completed" },
    ],
    ["##[warning]x", { severity: "warning", shown: "x" }],
    [`${ESC}[31m##[error]${ESC}[1mx`, { severity: "error", shown: `${ESC}[31m${ESC}[1mx` }],
    ["::error =x,,file=,line=3::x", { severity: "error", shown: "x", parameters: { line: "3" } }],
  ])("%s", (text, line) => {
    expect(read(text)).toEqual({ marks: [], ...line });
  });

  test.each([
    "error: x",
    "std::error::x",
    ":error::x",
    "::error",
    "::errors::x",
    "##[command]x",
    "##[ error]x",
    "::set-output name=a::b",
    "::__proto__::x",
    "::stop-commands::",
  ])("%s is none", (text) => {
    expect(read(text)).toEqual({ marks: [], shown: text });
  });
});

test("of markers nothing is shown", () => {
  expect(read("::group::Build").shown).toBe("Build");
  expect(read("::endgroup::").shown).toBe("");
  expect(read(`${ESC}[0Ksection_start:1:a[collapsed=true]\r${ESC}[0K${ESC}[36mA`).shown).toBe(`${ESC}[36mA`);
  expect(read(`section_end:1:a\r${ESC}[0K`).shown).toBe("");
});

test("commands that were stopped are text, until the token that stopped them comes", () => {
  const reader = new MarkerReader();
  const texts = [
    "::stop-commands::a-b",
    "::error::x",
    "##[group]x",
    "::stop-commands::other",
    "::other::",
    "##[a-b]",
    "::a-b::",
    "::error::y",
  ];
  expect(
    texts.map((text) => reader.read(text)).map(({ shown, severity }) => (severity ? `${severity} ${shown}` : shown)),
  ).toEqual(["", "::error::x", "##[group]x", "::stop-commands::other", "::other::", "##[a-b]", "", "error y"]);
});
