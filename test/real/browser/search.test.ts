import { beforeAll, describe, expect, test, vi } from "vitest";
import { longRun } from "./long-run.ts";
import { isInView, missingBrowser, Session } from "./session.ts";

const why = missingBrowser();
const LINES = 100_000;

describe.skipIf(why)(`search in a log, in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();
  let address = "";
  beforeAll(async () => {
    address = await longRun(session, "searched", LINES);
  });

  test("finds in all of the log, counts, and leads from hit to hit without a reload", async () => {
    const page = await session.open(address);
    await page.evaluate("globalThis.sameDocument = true");
    await page.keyboard.press("/");
    await page.keyboard.type("object 1499");
    await page.keyboard.press("Enter");
    await page.locator("output", { hasText: "1 of 50 hits" }).waitFor();
    const now = page.locator("mark.now");
    const isAt = (line: number) =>
      vi.waitFor(async () => {
        expect(await page.locator(`#L${line}`).evaluate(isInView)).toBe(true);
        expect(await page.locator(`#L${line} mark.now`).count()).toBe(1);
        expect(await now.count()).toBe(1);
      }, 5_000);
    await isAt(1_500);
    await page.getByRole("button", { name: "Next hit" }).click();
    await isAt(3_500);
    expect(new URL(page.url()).searchParams.get("grep")).toBe("object 1499");
    expect(new URL(page.url()).searchParams.get("hit")).toBe("2");
    await page.locator("#grep").blur();
    await page.keyboard.press("N");
    await isAt(1_500);
    await page.keyboard.press("N");
    await page.locator("output", { hasText: "50 of 50 hits" }).waitFor();
    await isAt(99_500);
    expect(await page.evaluate("globalThis.sameDocument")).toBe(true);

    // The address leads back to the hit, and Escape out of the search.
    const again = await session.open(page.url());
    await again.locator("output", { hasText: "50 of 50 hits" }).waitFor();
    await vi.waitFor(async () => expect(await again.locator("#L99500 mark.now").evaluate(isInView)).toBe(true));
    await again.keyboard.press("Escape");
    await vi.waitFor(async () => expect(await again.locator("mark").count()).toBe(0));
    expect(new URL(again.url()).searchParams.has("grep")).toBe(false);
  });

  test("an expression is one in the address and in the rows that come, too", async () => {
    const page = await session.open(address);
    await page.getByLabel("Regex").check();
    await page.locator("#grep").fill("object 149[0-9]$");
    await page.locator("#grep").press("Enter");
    await page.locator("output", { hasText: "1 of 450 hits" }).waitFor();
    expect(new URL(page.url()).searchParams.get("regex")).toBe("true");
    await vi.waitFor(async () => expect(await page.locator("#L1492 mark.now").evaluate(isInView)).toBe(true), 5_000);
    expect(await page.locator("#L1493 mark").textContent()).toBe("object 1492");
  });

  test("says when nothing is found", async () => {
    const page = await session.open(address);
    await page.locator("#grep").fill("not in any line");
    await page.locator("#grep").press("Enter");
    await page.locator("output", { hasText: /^0 hits$/ }).waitFor();
  });
});
