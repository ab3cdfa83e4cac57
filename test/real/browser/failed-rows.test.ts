import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { longRun } from "./long-run.ts";
import { missingBrowser, Session } from "./session.ts";
import { viewOf } from "./view.ts";

const why = missingBrowser();
const LINES = 50_000;

describe.skipIf(why)(`rows that cannot be fetched, in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();
  let address = "";
  beforeAll(async () => {
    address = await longRun(session, "long", LINES);
  });

  const alert = (page: Page) => page.getByRole("alert");
  /** Also does what is to be done before the scrolling has ended. */
  const scrollTo = (page: Page, share: number, then = "") =>
    page.evaluate(`(async () => {
      scrollTo(0, ${share} * (document.documentElement.scrollHeight - innerHeight));
      for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(() => resolve()));
      ${then}
    })()`);
  const refuse = (page: Page, rows: RegExp) => page.route(rows, (route) => route.fulfill({ status: 503 }));
  /** Reads on until the rows that follow are refused. */
  const failBelow = async (page: Page) => {
    await refuse(page, /fragment=rows/);
    await page.mouse.move(700, 500);
    await vi.waitFor(async () => {
      await page.mouse.wheel(0, 2_000);
      expect(await alert(page).count()).toBe(1);
    }, 10_000);
  };

  test("the log's end comes when it is tried again", async () => {
    const page = await session.open(`${address}?line=${LINES - 600}`);
    await refuse(page, /fragment=rows.*&after=|&after=.*fragment=rows/);
    await page.evaluate(`location.hash = "#L${LINES}"`);
    await alert(page).getByText("The log's end could not be fetched (503)").waitFor();
    await page.unrouteAll();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The log ends here").waitFor({ state: "attached" });
    expect(await alert(page).count()).toBe(0);
    session.complaints.splice(0);
  });

  test("the scrollbar's line hides what has failed only while it passes", async () => {
    const page = await session.open(address);
    await failBelow(page);
    const y = await page.evaluate("scrollY");
    await scrollTo(page, 0.5);
    await page.evaluate(`scrollTo(0, ${y})`);
    await alert(page).getByText("could not be fetched (503)").waitFor();
    await page.unrouteAll();
    await page.getByRole("button", { name: "Try again" }).click();
    await vi.waitFor(async () => expect(await alert(page).count()).toBe(0));
    session.complaints.splice(0);
  });

  test("rows elsewhere can be read on from, whatever has failed before", async () => {
    const page = await session.open(address);
    await failBelow(page);
    await page.unrouteAll();
    await scrollTo(page, 0.6);
    await vi.waitFor(async () => expect((await viewOf(page)).first).toBeGreaterThan(LINES / 2), 10_000);
    const { first } = await viewOf(page);
    await vi.waitFor(async () => {
      await page.mouse.wheel(0, 2_000);
      expect((await viewOf(page)).first).toBeGreaterThan(first + 500);
    }, 10_000);
    expect((await viewOf(page)).isContiguous).toBe(true);
    session.complaints.splice(0);
  });

  test("rows for the edge of what was here before do not come between those of a leap", async () => {
    const page = await session.open(`${address}?line=${LINES / 2}`);
    await vi.waitFor(async () => expect((await viewOf(page)).first).toBeGreaterThan(0));
    // The answers to all but the leap, which asks for 400 rows, come late.
    const held: (() => void)[] = [];
    await page.route(/fragment=rows/, async (route) => {
      const [from = 0, to = 0] = (new URL(route.request().url()).searchParams.get("lines") ?? "")
        .split("-")
        .map(Number);
      if (to - from + 1 < 400) await new Promise<void>((resolve) => held.push(resolve));
      await route.continue();
    });
    // While the scrollbar is dragged, the rows' heights change.
    await scrollTo(page, 0.1, `document.querySelector(".tools [name=wrap]").click()`);
    await vi.waitFor(async () => expect((await viewOf(page)).first).toBeGreaterThan(0), 10_000);
    const late = held.length;
    for (const release of held.splice(0)) release();
    expect(late).toBeGreaterThan(0);
    await page.waitForLoadState("networkidle");
    const { isContiguous, first } = await viewOf(page);
    expect([isContiguous, first < LINES / 5]).toEqual([true, true]);
    session.complaints.splice(0);
  });
});
