import { createReadStream } from "node:fs";
import { FRAME_BYTES } from "../../archive/segment.ts";
import { MAX_COLUMNS } from "../../viewer/terminal/cells.ts";
import { linked } from "../../viewer/terminal/links.ts";
import { markup } from "../../viewer/terminal/markup.ts";
import { Terminal } from "../../viewer/terminal/terminal.ts";
import { WINDOW_LINES } from "../../viewer/window.ts";

/** What pages do with a log, window after window and frame after frame: from the standard input to the standard output. */

const LF = 0x0a;
let terminal = new Terminal();
let count = 0;
let waiting: Buffer = Buffer.alloc(0);

function write(line: Buffer): void {
  terminal.write(line);
  if (++count % WINDOW_LINES === 0) flush();
}

function flush(): void {
  const html = terminal.lines().map(({ runs }) => `${markup(linked(runs), MAX_COLUMNS).html}\n`);
  process.stdout.write(html.join(""));
  terminal = new Terminal();
}

for await (const chunk of createReadStream("", { fd: 0, highWaterMark: FRAME_BYTES }) as AsyncIterable<Buffer>) {
  const text = waiting.byteLength > 0 ? Buffer.concat([waiting, chunk]) : chunk;
  let start = 0;
  for (let end = text.indexOf(LF); end !== -1; end = text.indexOf(LF, start)) {
    write(text.subarray(start, end));
    start = end + 1;
  }
  waiting = text.subarray(start);
}
if (waiting.byteLength > 0) write(waiting);
flush();
