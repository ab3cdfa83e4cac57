import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Terminal } from "../../viewer/terminal.ts";

const render = (line: string | Uint8Array) => String(new Terminal().line(Buffer.from(line)).html);
const ESC = "\x1b";

describe("what a terminal would show", () => {
  test.each([
    ["plain", "a < b & \"c\" 'd'", "a &lt; b &amp; &quot;c&quot; &#39;d&#39;"],
    ["a colour", `${ESC}[31mred${ESC}[0m plain`, '<span class="a1">red</span> plain'],
    ["markup inside a colour", `${ESC}[31m<b>"'&${ESC}[0m`, '<span class="a1">&lt;b&gt;&quot;&apos;&amp;</span>'],
    [
      "several codes in one sequence",
      `${ESC}[1;4;93;41mx`,
      '<span class="a11"><span class="b1"><span class="ab"><span class="au">x</span></span></span></span>',
    ],
    ["a reset without a number", `${ESC}[32mok${ESC}[m.`, '<span class="a2">ok</span>.'],
    ["bold taken back", `${ESC}[1ma${ESC}[22mb`, '<span class="ab">a</span>b'],
    ["bright ground is the tint of the plain one", `${ESC}[102mx`, '<span class="b2">x</span>'],
    [
      "inverse, dim, italic, struck",
      `${ESC}[7;2;3;9mx`,
      '<span class="av"><span class="ad"><span class="ai"><span class="ax">x</span></span></span></span>',
    ],
    [
      "256 colours: the nearest of sixteen",
      `${ESC}[38;5;196mx${ESC}[38;5;4my`,
      '<span class="a9">x</span><span class="a4">y</span>',
    ],
    ["24 bits", `${ESC}[38;2;250;10;5mx`, '<span class="a9">x</span>'],
    ["24 bits with colons", `${ESC}[38:2::250:10:5mx`, '<span class="a9">x</span>'],
    [
      "a colour after 256 colours in one sequence",
      `${ESC}[48;5;1;32mx`,
      '<span class="a2"><span class="b1">x</span></span>',
    ],
    ["hiding is not obeyed", `${ESC}[8msecret`, "secret"],
    ["a line that was written over", "10%\r55%\r100%", "100%"],
    ["a shorter text leaves the rest", "abcdef\rXY", "XYcdef"],
    ["erased to its end", `loading…\r${ESC}[Kdone`, "done"],
    ["erased as a whole", `abc${ESC}[2K\rz`, "z  "],
    ["a carriage return before the line's end", "windows\r", "windows"],
    ["backspace", "ab\bc", "ac"],
    ["cursor moves and screens are dropped", `a${ESC}[2Ab${ESC}[?25lc${ESC}[2Jd${ESC}(Be`, "abcde"],
    ["a title", `${ESC}]0;evil title\x07text`, "text"],
    ["a hyperlink leaves its text", `${ESC}]8;;https://evil.example/${ESC}\\click${ESC}]8;;${ESC}\\`, "click"],
    ["an operating system command that never ends hides nothing", `${ESC}]0;never closed`, "0;never closed"],
    ["a device control string", `${ESC}Pq#0;1${ESC}\\x`, "x"],
    ["an escape at the end", `x${ESC}`, "x"],
    ["a sequence that is cut", `x${ESC}[31`, "x31"],
    ["a bell", "x\x07", "x"],
    ["NUL", "a\0b", "a␀b"],
    ["C1 controls", "a\u009b31mb", "a\ufffd31mb"],
    ["a tab stays", "a\tb", "a\tb"],
    ["what would reorder the text is shown", "a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c"],
  ])("%s", (_, line, html) => {
    expect(render(line)).toBe(html);
  });

  test("invalid UTF-8", () => {
    expect(render(Uint8Array.of(0x61, 0xff, 0xc3, 0x62))).toBe("a\ufffd\ufffdb");
  });

  test("colours last from line to line", () => {
    const terminal = new Terminal();
    expect(String(terminal.line(Buffer.from(`${ESC}[31mone`)).html)).toBe('<span class="a1">one</span>');
    expect(String(terminal.line(Buffer.from("two")).html)).toBe('<span class="a1">two</span>');
    expect(String(terminal.line(Buffer.from(`${ESC}[0mthree`)).html)).toBe("three");
  });

  test("a long line is cut, and says how much of it is shown", () => {
    expect(new Terminal().line(Buffer.from("é".repeat(10)), 4)).toMatchObject({ bytes: 8, isCut: true });
    expect(new Terminal().line(Buffer.from(`${ESC}[1m${"é".repeat(10)}`), 4)).toMatchObject({ bytes: 8, isCut: true });
    expect(String(new Terminal().line(Buffer.from("ab😀"), 3).html)).toBe("ab");
  });

  test("takes linear time for what ansi-to-html alone would never finish", () => {
    const started = performance.now();
    for (const evil of [
      `${ESC}[${"1".repeat(60_000)}`,
      `${ESC}[${"1;".repeat(30_000)}m`,
      `${ESC}]`.repeat(30_000),
      `${ESC}P`.repeat(30_000),
      "\r".repeat(60_000),
    ]) {
      render(evil);
    }
    expect(performance.now() - started).toBeLessThan(2_000);
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
  const TAG = /<\/span>|<span class="(?:a(?:\d|1[0-5])|b[0-7]|a[bdiuxv])">/g;

  test("only spans with known classes get out, and they are balanced", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
          { maxLength: 4 },
        ),
        (lines) => {
          const terminal = new Terminal();
          for (const line of lines) {
            const html = String(terminal.line(Buffer.from(line)).html);
            const tags = html.match(TAG) ?? [];
            expect(html.replaceAll(TAG, "")).not.toMatch(/[<>"']/);
            expect(html).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
            expect(tags.filter((tag) => tag === "</span>")).toHaveLength(tags.length / 2);
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
