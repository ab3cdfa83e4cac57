import { describe, expect, test } from "vitest";
import { MAX_COLUMNS } from "../../../viewer/terminal/cells.ts";
import { markup } from "../../../viewer/terminal/markup.ts";
import { DEFAULT_STYLE } from "../../../viewer/terminal/style.ts";
import { Terminal } from "../../../viewer/terminal/terminal.ts";
import fc from "../../property.ts";
import { expectLinear } from "./growth.ts";

/** Of each line: its markup, or `undefined` where later lines wrote over it. */
function renderAll(...lines: (string | Uint8Array)[]): (string | undefined)[] {
  const terminal = new Terminal();
  for (const line of lines) terminal.write(Buffer.from(line));
  return terminal
    .lines()
    .map(({ runs, isDrawnOver }) => (isDrawnOver ? undefined : String(markup(runs, MAX_COLUMNS).html)));
}
const render = (line: string | Uint8Array) => renderAll(line)[0] ?? "nothing";
const ESC = "\x1b";

describe("what a terminal would show", () => {
  test.each([
    ["plain", "a < b & \"c\" 'd'", "a &lt; b &amp; &quot;c&quot; &#39;d&#39;"],
    ["a colour", `${ESC}[31mred${ESC}[0m plain`, '<span class="a1">red</span> plain'],
    ["markup inside a colour", `${ESC}[31m<b>"'&${ESC}[0m`, '<span class="a1">&lt;b&gt;&quot;&#39;&amp;</span>'],
    ["several codes in one sequence", `${ESC}[1;4;93;41mx`, '<span class="a11 b1 ab au">x</span>'],
    ["a reset without a number", `${ESC}[32mok${ESC}[m.`, '<span class="a2">ok</span>.'],
    ["bold taken back", `${ESC}[1ma${ESC}[22mb`, '<span class="ab">a</span>b'],
    ["bright ground is the tint of the plain one", `${ESC}[102mx`, '<span class="b2">x</span>'],
    ["inverse, dim, italic, struck", `${ESC}[7;2;3;9mx`, '<span class="ai ax ad av">x</span>'],
    ["256 colours", `${ESC}[38;5;196mx${ESC}[38;5;4my`, '<span class="a9">x</span><span class="a4">y</span>'],
    [
      "256 colours and 24 bits: one of their hue, however dark or pale",
      `${ESC}[48;5;22ma${ESC}[38;2;100;200;50;49mb${ESC}[38;5;208mc${ESC}[38;5;153md${ESC}[38;2;90;60;70me`,
      '<span class="b2">a</span><span class="a2">b</span><span class="a11">c</span><span class="a12">d</span><span class="a1">e</span>',
    ],
    [
      "greys, and what is nearly one",
      `${ESC}[38;5;232ma${ESC}[38;5;240mb${ESC}[38;2;190;195;200mc${ESC}[38;5;231md${ESC}[38;2;1;2<;3me`,
      '<span class="a0">a</span><span class="a8">b</span><span class="a7">c</span><span class="a15">de</span>',
    ],
    ["24 bits", `${ESC}[38;2;250;10;5mx`, '<span class="a9">x</span>'],
    ["24 bits with colons", `${ESC}[38:2::250:10:5mx`, '<span class="a9">x</span>'],
    ["a colour after 256 colours in one sequence", `${ESC}[48;5;1;32mx`, '<span class="a2 b1">x</span>'],
    ["hiding is not obeyed", `${ESC}[8msecret`, "secret"],
    ["a line that was written over", "10%\r55%\r100%", "100%"],
    ["a shorter text leaves the rest", "abcdef\rXY", "XYcdef"],
    ["erased to its end", `loading…\r${ESC}[Kdone`, "done"],
    ["erased as a whole", `abc${ESC}[2K\rz`, "z"],
    ["erased as a whole, going on where it was", `abc${ESC}[2Kd`, "   d"],
    ["erased up to the cursor", `abcdef\r${ESC}[2C${ESC}[1K`, "   def"],
    ["characters erased", `abcdef\r${ESC}[1C${ESC}[2X`, "a  def"],
    ["a carriage return before the line's end", "windows\r", "windows"],
    ["backspace", "ab\bc", "ac"],
    ["modes, character sets and moves out of reach are dropped", `a${ESC}[2Ab${ESC}[?25lc${ESC}[9Bd${ESC}(Be`, "abcde"],
    ["columns", `abcdef${ESC}[3Gx${ESC}[2Dy${ESC}[2Cz`, "ayxdzf"],
    ["column 0 is the first", `abc${ESC}[0Gx`, "xbc"],
    ["a move to the right of the text", `a${ESC}[3Cb`, "a   b"],
    ["the right edge", `${ESC}[999C|`, `${" ".repeat(159)}|`],
    ["of a position the column counts", `abc${ESC}[5;2Hx`, "axc"],
    ["a cleared screen keeps what is above the row", `abc${ESC}[2J${ESC}[Hx`, "x"],
    ["a place that was saved", `ab${ESC}7cd${ESC}8x`, "abxd"],
    ["what only looks like an erase", `abc${ESC}[3K${ESC}[3J${ESC}[?2K${ESC}[2 K${ESC}[>4;1m`, "abc"],
    ["wide characters take two columns", `\u4f60\u597d\r${ESC}[2Cx`, "\u4f60x "],
    ["half of a wide character goes", `\u4f60b\rx`, "x b"],
    ["accents take none", `e\u0301a\r${ESC}[1Cx`, "e\u0301x"],
    ["a tab that is written over", "a\tb\rcd", "cd      b"],
    ["a tab moves over what is there", "abcdefghij\r\tX", "abcdefghXj"],
    ["a title", `${ESC}]0;evil title\x07text`, "text"],
    [
      "a hyperlink",
      `${ESC}]8;id=1;https://ci.example/?a=1&b="${ESC}\\a ${ESC}[1mlink${ESC}]8;;${ESC}\\.`,
      '<a href="https://ci.example/?a=1&amp;b=&quot;" rel="noopener nofollow">a <span class="ab">link</span></a><span class="ab">.</span>',
    ],
    [
      "a hyperlink by BEL",
      `${ESC}]8;;mailto:a@b.example\x07me${ESC}]8;;\x07`,
      '<a href="mailto:a@b.example" rel="noopener nofollow">me</a>',
    ],
    ["a hyperlink that runs something", `${ESC}]8;;javascript:alert(1)\x07click${ESC}]8;;\x07`, "click"],
    ["a hyperlink that holds data", `${ESC}]8;;data:text/html,x\x07click${ESC}]8;;\x07`, "click"],
    ["a hyperlink to a file", `${ESC}]8;;file:///etc/passwd\x07click${ESC}]8;;\x07`, "click"],
    ["a hyperlink with a control in it", `${ESC}]8;;https://a.example/\0\x07click`, "click"],
    ["a hyperlink that is too long", `${ESC}]8;;https://a.example/${"a".repeat(3000)}\x07click`, "click"],
    ["an operating system command that never ends hides nothing", `${ESC}]0;never closed`, "0;never closed"],
    ["a device control string", `${ESC}Pq#0;1${ESC}\\x`, "x"],
    ["an escape at the end", `x${ESC}`, "x"],
    ["a sequence that is cut", `x${ESC}[31`, "x"],
    ["a time of Buildkite's", `${ESC}_bk;t=1706575117741\x07x`, "x"],
    ["a reset", `${ESC}[31m${ESC}cx`, "x"],
    ["a bell", "x\x07", "x"],
    ["NUL", "a\0b", "ab"],
    ["DEL and form feed", "a\x7f\fb", "ab"],
    ["C1 controls", "a\u009b31mb", "a31mb"],
    ["a tab stays", "a\tb", "a\tb"],
    ["what would reorder the text is shown", "a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c"],
  ])("%s", (_, line, html) => {
    expect(render(line)).toBe(html);
  });

  test("invalid UTF-8", () => {
    expect(render(Uint8Array.of(0x61, 0xff, 0xc3, 0x62))).toBe("a\ufffd\ufffdb");
  });

  test("colours last from line to line, hyperlinks do not", () => {
    expect(renderAll(`${ESC}[31mone${ESC}]8;;http://a.example\x07`, "two", `${ESC}[0mthree`)).toEqual([
      '<span class="a1">one</span>',
      '<span class="a1">two</span>',
      "three",
    ]);
  });
});

describe("moves from row to row", () => {
  test.each([
    ["up and down", ["a", "b", `${ESC}[2A\rA${ESC}[2B\rc`], ["A", "b", "c"]],
    [
      "next and previous line",
      ["a", "b", `${ESC}[2FA${ESC}[1EB${ESC}E${ESC}M${ESC}M${ESC}[Cx`],
      [undefined, "Ax", "B"],
    ],
    ["up, and on with the next line", ["a", "b", `${ESC}[2AA`, "B", "c"], [undefined, undefined, "A", "B", "c"]],
    ["one of two rows redrawn stands where it can", ["a", "b", `${ESC}[2AA`], ["A", "b", undefined]],
    [
      "again and again",
      ["top", "1%", "2%", `${ESC}[2A3%`, "4%", `${ESC}[2A5%`, "6%", "end"],
      ["top", undefined, undefined, undefined, undefined, "5%", "6%", "end"],
    ],
    ["erasing what is below", ["a", "b", "c", `${ESC}[3A${ESC}[JA`], [undefined, undefined, undefined, "A"]],
    ["no further than the first row", ["a", `${ESC}[99AA`], [undefined, "A"]],
    ["no further than the last row", ["a", `b${ESC}[9Bc`], ["a", "bc"]],
  ])("%s", (_, lines, shown) => {
    expect(renderAll(...lines)).toEqual(shown);
  });
});

test("a line that was written over keeps what it showed before", () => {
  const terminal = new Terminal(7);
  for (const line of ["pulling", `${ESC}[1A${ESC}[Kpulled`, "end"]) terminal.write(Buffer.from(line));
  expect(terminal.lines()).toMatchObject([
    { isDrawnOver: true, runs: [{ text: "pulling" }] },
    { isDrawnOver: false, runs: [{ text: "pulled" }] },
    { isDrawnOver: false, runs: [{ text: "end" }] },
  ]);
});

describe("bounds", () => {
  test.each([
    ["of what is plain", `${"é".repeat(9_000)}`],
    ["of what is coloured", `${ESC}[1m${"é".repeat(9_000)}`],
    ["of what is written over", `x\r${"é".repeat(9_000)}`],
  ])("a row is cut, and says how much of it is shown: %s", (_, line) => {
    const terminal = new Terminal();
    terminal.write(Buffer.from(line));
    const [shown] = terminal.lines();
    expect(shown?.isCut).toBe(true);
    expect(markup(shown?.runs ?? [], 4)).toMatchObject({ text: "éééé", isCut: true });
    expect(markup(shown?.runs ?? [], MAX_COLUMNS)).toMatchObject({ text: "é".repeat(MAX_COLUMNS) });
  });

  test("no character is cut in two", () => {
    expect(String(markup([{ text: "ab😀", style: DEFAULT_STYLE }], 3).html)).toBe("ab");
  });

  test("a row of nothing but colours is cut", () => {
    expect(render(Array.from({ length: 1_000_000 }, (_, i) => `${ESC}[3${i % 8}mx`).join("")).length).toBeLessThan(
      100_000,
    );
  });

  /** Each costs somebody else's terminal, or an earlier one of ours, more than the square of its length. */
  const baits: [string, (length: number) => string][] = [
    ["digits", (length) => `${ESC}[${"1".repeat(length)}`],
    ["codes", (length) => `${ESC}[${"1;".repeat(length / 2)}m`],
    ["sequences that never end", (length) => `${ESC}]`.repeat(length / 2)],
    ["strings that never end", (length) => `${ESC}P1`.repeat(length / 3)],
    ["carriage returns", (length) => "\r".repeat(length)],
    ["changes of style", (length) => `${ESC}[1mx${ESC}[mx`.repeat(length / 9)],
    [
      "new colours",
      (length) => Array.from({ length: length / 20 }, (_, i) => `${ESC}[38;2;${i % 256};${i >> 8};9mx`).join(""),
    ],
    ["moves behind a long text", (length) => "x".repeat(8_000) + `${ESC}[9Gy${ESC}[C`.repeat(length / 8)],
    ["moves before anything is written over", (length) => "x".repeat(8_000) + `${ESC}[C`.repeat(length / 3)],
    ["erasing what is long", (length) => "x".repeat(8_000) + `${ESC}[1K`.repeat(length / 4)],
    ["erasing below", (length) => `${ESC}[99A${ESC}[J`.repeat(length / 8)],
    ["accents", (length) => "\u0301".repeat(length)],
    ["tabs", (length) => "\t\r".repeat(length / 2)],
    ["hyperlinks", (length) => `${ESC}]8;;http://a.example/\x07x`.repeat(length / 25)],
    ["plain", (length) => "x".repeat(length)],
  ];

  test.each(baits)("the time grows with the bytes, not with their square: %s", (_, bait) => {
    const screenful = Array.from({ length: 99 }, () => "y".repeat(200));
    expectLinear((length) => renderAll(...screenful, bait(length)), 25_000);
  });
});

describe("whatever a log holds", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ESC,
      `${ESC}[`,
      `${ESC}]`,
      `${ESC}[31m`,
      `${ESC}[0m`,
      `${ESC}[38;5;`,
      `${ESC}[A`,
      `${ESC}[9D`,
      `${ESC}[J`,
      `${ESC}[1K`,
      `${ESC}]8;;https://a.example/`,
      `${ESC}]8;;`,
      "\x07",
      "\t",
      "\u4f60",
      "m",
      ";",
      "\r",
      "\b",
      "\0",
      "\u202e",
      "\u009b",
    ),
    fc.constantFrom(
      "<script>",
      "</span>",
      '<span style="color:',
      '" onclick="',
      "'>",
      "&lt;",
      "<img src=x onerror=alert(1)>",
      "<!--",
      "style=",
    ),
    fc.string({ unit: "binary" }),
    fc.integer({ min: -1, max: 300 }).map(String),
  );
  const TAG =
    /<\/span>|<\/a>|<span class="(?:(?:a(?:\d|1[0-5])|b[0-7]|a[bdiuxv])(?: (?!")|(?=")))+">|<a href="(?:https?:\/\/|mailto:)[^"<>]+" rel="noopener nofollow">/g;

  test("only spans with known classes and links that lead out get out, and they are balanced", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
          { maxLength: 4 },
        ),
        (lines) => {
          for (const html of renderAll(...lines)) {
            if (html === undefined) continue;
            const tags = html.match(TAG) ?? [];
            expect(html.replaceAll(TAG, "")).not.toMatch(/[<>"']/);
            expect(html).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
            for (const name of ["span", "a"]) {
              const [opened, closed] = [`<${name} `, `</${name}>`].map((start) =>
                tags.filter((tag) => tag.startsWith(start)),
              );
              expect(closed).toHaveLength(opened?.length ?? -1);
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(render(bytes).replaceAll(TAG, "")).not.toMatch(/[<>"']/);
      }),
      { numRuns: 1_000 },
    );
  });

  test("text without controls comes out as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."abc <>&\"'é😀\t") }), (text) => {
        const shown = render(`${ESC}[1m${text}${ESC}[0m`).replaceAll(TAG, "");
        expect(unescaped(shown)).toBe(text);
      }),
    );
  });
});

const NAMED: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const unescaped = (html: string): string =>
  html.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, name) =>
    name ? (NAMED[name] ?? "?") : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );
