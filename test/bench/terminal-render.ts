import { readSync, writeSync } from "node:fs";
import { MAX_COLUMNS } from "../../viewer/terminal/cells.ts";
import { linked } from "../../viewer/terminal/links.ts";
import { markup } from "../../viewer/terminal/markup.ts";
import { Terminal } from "../../viewer/terminal/terminal.ts";
import { WINDOW_LINES } from "../../viewer/window.ts";

/** What pages do with a log, window after window: from the standard input to the standard output. */

const [STDIN, STDOUT] = [0, 1];
const LF = 0x0a;
/** Longer than any line of the input. */
const buffer = Buffer.allocUnsafe(1024 * 1024);
let terminal = new Terminal();
let count = 0;

function write(line: Buffer): void {
  terminal.write(line);
  if (++count % WINDOW_LINES === 0) flush();
}

function flush(): void {
  const html = terminal.lines().map(({ runs }) => `${markup(linked(runs), MAX_COLUMNS).html}\n`);
  writeSync(STDOUT, html.join(""));
  terminal = new Terminal();
}

let waiting = 0;
for (let read = -1; read !== 0; ) {
  read = readSync(STDIN, buffer, waiting, buffer.byteLength - waiting, null);
  const text = buffer.subarray(0, waiting + read);
  let start = 0;
  for (let end = text.indexOf(LF); end !== -1; end = text.indexOf(LF, start)) {
    write(text.subarray(start, end));
    start = end + 1;
  }
  waiting = text.copyWithin(0, start).byteLength - start;
}
if (waiting > 0) write(buffer.subarray(0, waiting));
flush();
