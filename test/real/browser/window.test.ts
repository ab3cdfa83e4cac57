import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { lineText, longRun } from "./long-run.ts";
import { isInView, missingBrowser, Session, topOf } from "./session.ts";
import { viewOf } from "./view.ts";

const why = missingBrowser();
/** Taller than any browser's tallest element, even where no line wraps. */
const LINES = 1_000_000;
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

describe.skipIf(why)(`a log of any size in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();
  let address = "";
  beforeAll(async () => {
    address = await longRun(session, "long", LINES);
  });

  const scrollTo = (page: Page, share: number) =>
    page.evaluate(`scrollTo(0, ${share} * (document.documentElement.scrollHeight - innerHeight))`);
  /** The view, once it is full of rows. */
  const settled = (page: Page, isThere: (line: number) => boolean = () => true) =>
    vi.waitFor(
      async () => {
        const view = await viewOf(page);
        expect(view.first > 0 && isThere(view.first)).toBe(true);
        return view;
      },
      { timeout: 10_000 },
    );

  /** The view, once it stands still. */
  const rested = async (page: Page) => {
    let last = "";
    return vi.waitFor(
      async () => {
        const view = await viewOf(page);
        const before = last;
        last = JSON.stringify(view);
        expect(view.first > 0 && last).toBe(before);
        return view;
      },
      { timeout: 10_000, interval: 100 },
    );
  };

  test("the scrollbar leads to every part of it, on a phone too, in little memory", async () => {
    const page = await session.open(address, PHONE);
    for (const share of [0.5, 0.123, 0.9, 0.25]) {
      await scrollTo(page, share);
      const { first, isContiguous, rows } = await settled(page, (line) => Math.abs(line / LINES - share) < 0.01);
      expect(first).toBeGreaterThan(0);
      expect(isContiguous).toBe(true);
      expect(rows).toBeLessThanOrEqual(2_000);
    }
    const height = await page.evaluate<number>("document.documentElement.scrollHeight");
    expect(height).toBeLessThan(17_895_697); // what Firefox can lay out
    await scrollTo(page, 1);
    await vi.waitFor(async () => expect(await page.locator(`#L${LINES}`).evaluate(isInView)).toBe(true));
    await page.getByText("The log ends here. It is whole").waitFor({ state: "attached" });
    await scrollTo(page, 0);
    await vi.waitFor(async () => expect(await page.locator("#L1").evaluate(isInView)).toBe(true));
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("HeapProfiler.collectGarbage");
    await cdp.send("Performance.enable");
    const { metrics } = await cdp.send("Performance.getMetrics");
    expect(metrics.find(({ name }) => name === "JSHeapUsedSize")?.value).toBeLessThan(150e6);
  });

  test("reading on by the wheel, far beyond what is in the document, leaves no line out", async () => {
    const page = await session.open(`${address}?line=500000`);
    const start = (await rested(page)).first;
    await page.mouse.move(700, 500);
    for (let reached = start; reached < start + 2_600; ) {
      await page.mouse.wheel(0, 4_000);
      const view = await rested(page);
      expect(view.first).toBeGreaterThan(reached);
      // No more than a screen or so at a time: rows keep their size whatever the scrollbar's scale is.
      expect(view.first - reached).toBeLessThan(250);
      expect(view.isContiguous).toBe(true);
      expect(view.rows).toBeLessThanOrEqual(2_000);
      reached = view.first;
    }
    // And back to where the rows have been taken away since.
    for (let reached = (await viewOf(page)).first; reached > start; ) {
      await page.mouse.wheel(0, -4_000);
      const view = await rested(page);
      expect(view.first).toBeLessThan(reached);
      expect(reached - view.first).toBeLessThan(250);
      reached = view.first;
    }
    expect(await page.locator("#L500000").textContent()).toContain(lineText(500_000));
  });

  test("the line that is read keeps its place when wrapping and the time column change", async () => {
    const page = await session.open(address);
    await scrollTo(page, 0.4);
    await rested(page);
    for (const key of ["w", "w", "t", "t", "t", "t"]) {
      const { first } = await rested(page);
      const place = () => page.locator(`#L${first}`).evaluate(topOf);
      const before = await place();
      await page.keyboard.press(key);
      // In the very next frame.
      await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => resolve()))");
      expect(Math.abs((await place()) - before)).toBeLessThanOrEqual(1);
      expect((await viewOf(page)).first).toBe(first);
    }
  });

  test("what cannot be fetched is told, and comes when it is tried again", async () => {
    const page = await session.open(address);
    await page.route(/fragment=rows/, (route) => route.fulfill({ status: 503 }));
    await scrollTo(page, 0.7);
    await page.getByRole("alert").getByText("could not be fetched (503)").waitFor();
    await page.unroute(/fragment=rows/);
    await page.getByRole("button", { name: "Try again" }).click();
    expect((await settled(page, (line) => Math.abs(line / LINES - 0.7) < 0.02)).isContiguous).toBe(true);
    expect(await page.getByRole("alert").count()).toBe(0);
    session.complaints.splice(0);
  });

  test("a reader who drags the scrollbar along asks for little of what lies between", async () => {
    const page = await session.open(address);
    const asked: string[] = [];
    page.on(
      "requestfinished",
      (request) => void (request.url().includes("fragment=rows") && asked.push(request.url())),
    );
    for (let i = 1; i <= 40; i++) await scrollTo(page, i / 50);
    await settled(page, (line) => Math.abs(line / LINES - 0.8) < 0.01);
    expect(asked.length).toBeLessThan(10);
  });

  test("a copy holds the log and nothing else", async () => {
    const page = await session.open(`${address}?line=1498-1503`, {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await page.locator("#L1498").waitFor();
    await page.evaluate(`(() => {
      const text = (line) => document.querySelector("#L" + line + " > span").firstChild;
      getSelection().setBaseAndExtent(text(1498), 0, text(1503), text(1503).length);
    })()`);
    await page.keyboard.press("Control+C");
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    const lines = [1_498, 1_499, 1_500, 1_501, 1_502, 1_503].map(lineText);
    expect(copied.trimEnd().split(/\n+/)).toEqual(lines);
  });

  test("a line of 10 MB does not hold up a phone", async () => {
    const huge = "0123456789".repeat(1_000_000);
    const { run } = await session.archive.run({
      name: "one-line",
      took: 5,
      tasks: [{ name: "t", containers: [{ title: "s", lines: ["before", huge, "after"] }] }],
    });
    const page = await session.open(`${session.url}/namespaces/${run.namespace}/pipelineruns/one-line`, PHONE);
    await page.getByText("more bytes").waitFor();
    await page.locator("#L3").scrollIntoViewIfNeeded();
    expect(await page.locator("#L3").textContent()).toContain("after");
  });

  test("the plain view has all of a log for the browser's own search, and text where that is too much", async () => {
    const short = await longRun(session, "short", 10_000);
    const page = await session.open(`${short}?view=plain`);
    expect(await page.locator(".rows .r").count()).toBe(10_000);
    const text = await page.request.get(`${address}?view=plain`, { maxRedirects: 0, headers: { Accept: "text/html" } });
    expect(text.status()).toBe(303);
    expect(text.headers().location).toContain("/long.txt?");
  });
});
