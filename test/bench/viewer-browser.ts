import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import type { BigLog } from "./big-log.ts";
import { type Figure, median } from "./figure.ts";
import { randomLines } from "./viewer-lines.ts";
import { startViewer } from "./viewer-process.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const LINES = 7;
const ON_SCREEN_MS = 10_000;

/** From a browser's navigation to a random line of 1 GiB by its link until the line is on the screen. */
export async function* measureBrowser(big: BigLog): AsyncGenerator<Figure> {
  const figure: Figure = {
    name: "Chromium until the linked line of 1 GiB is on screen",
    unit: "ms",
    goal: { of: "ours", most: 1_000 },
  };
  if (!existsSync(CHROMIUM)) {
    yield { ...figure, note: `there is no Chromium at ${CHROMIUM}: set CHROMIUM to one` };
    return;
  }
  await using cleanup = new AsyncDisposableStack();
  const viewer = await startViewer(big.store, cleanup);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  cleanup.defer(() => browser.close());
  const [first = 1, ...lines] = randomLines(big, LINES + 1);
  await timeTo(browser, viewer.url + big.path, first); // the browser's own start
  const times: number[] = [];
  for (const line of lines) times.push(await timeTo(browser, viewer.url + big.path, line));
  yield {
    ...figure,
    ours: median(times),
    note: `median of ${times.length} random lines, each in a profile without a cache; the slowest took ${Math.round(Math.max(...times))} ms`,
  };
}

async function timeTo(browser: Browser, address: string, line: number): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${address}?step=build&line=${line}#L${line}`, { waitUntil: "commit" });
  const found = await page.waitForFunction(msWhenSeen, `L${line}`, { polling: "raf", timeout: ON_SCREEN_MS });
  const ms = await found.jsonValue();
  await context.close();
  return Number(ms);
}

/** Runs in the page, whose types are not those of Node: ms since the navigation began, once the row is in view. */
function msWhenSeen(id: string): number | undefined {
  const page = Reflect.get(globalThis, "document");
  const box = page?.getElementById(id)?.getBoundingClientRect();
  const isSeen = box && box.height > 0 && box.top >= 0 && box.bottom <= Number(Reflect.get(globalThis, "innerHeight"));
  return isSeen ? performance.now() : undefined;
}
