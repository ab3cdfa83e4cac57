import { beforeAll, describe, expect, test, vi } from "vitest";
import { longRun } from "./long-run.ts";
import { isInView, missingBrowser, Session, topOf } from "./session.ts";
import { viewOf } from "./view.ts";

const why = missingBrowser();

describe.skipIf(why)(`a run's page by keyboard, in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();
  let address = "";
  beforeAll(async () => {
    address = await longRun(session, "keyed", 20_000);
  });

  const sameDocument = "globalThis.sameDocument === true";
  const stay = "globalThis.sameDocument = true";

  test("? lists the keys, and Escape closes the list", async () => {
    const page = await session.open(address);
    await page.keyboard.press("?");
    await page.getByText("copy a link to the selected lines").waitFor();
    await page.keyboard.press("Escape");
    await vi.waitFor(async () => expect(await page.locator("#keys").isVisible()).toBe(false));
  });

  test("g goes to a line that is far away, and to a time", async () => {
    const page = await session.open(address);
    await page.evaluate(stay);
    await page.keyboard.press("g");
    await page.keyboard.type("12,345");
    await page.keyboard.press("Enter");
    await vi.waitFor(async () => expect(await page.locator("#L12345.s").evaluate(isInView)).toBe(true));
    expect(page.url()).toMatch(/#L12345$/);
    expect(await page.evaluate(sameDocument)).toBe(true);

    await page.goto(`${session.run}?pipelineTask=unit&step=test`);
    await page.evaluate(stay);
    const row = page.locator(".r:has(time[datetime^='2026-07-30T10:05:23.2'])");
    await page.keyboard.press("g");
    await page.keyboard.type("10:05:23.2");
    await page.keyboard.press("Enter");
    await vi.waitFor(async () => expect(await row.evaluate(isInView)).toBe(true));
    expect(await row.getAttribute("class")).toContain("s");
    expect(new URL(page.url()).searchParams.get("line")).toBe("10:05:23.2");
    expect(await page.evaluate(sameDocument)).toBe(true);
  });

  test("e and E lead to the lines that say they are errors, beyond what is in the document too", async () => {
    const lines = Array.from({ length: 4_000 }, (_, i) =>
      [49, 3_499].includes(i) ? "ERROR: broken" : `line ${i + 1}`,
    );
    await session.archive.run({
      name: "errors",
      took: 60,
      tasks: [{ name: "build", containers: [{ title: "compile", lines }] }],
    });
    const page = await session.open(`${session.url}/namespaces/tekton-ci/pipelineruns/errors`);
    const isAt = (line: number) =>
      vi.waitFor(async () => {
        expect(await page.locator(".r.s").getAttribute("id")).toBe(`L${line}`);
        expect(await page.locator(`#L${line}`).evaluate(isInView)).toBe(true);
      }, 10_000);
    await page.keyboard.press("e");
    await isAt(50);
    await page.keyboard.press("e");
    await isAt(3_500);
    await page.keyboard.press("E");
    await isAt(50);
  });

  test("no key acts while a field has the focus", async () => {
    const page = await session.open(address);
    await page.keyboard.press("g");
    await page.locator("#goto").pressSequentially("wt?");
    expect(await page.locator("[name=wrap]").isChecked()).toBe(true);
    expect(await page.locator("#keys").isVisible()).toBe(false);
  });

  test("w and t switch wrapping and the time column, and the reader's choice lasts", async () => {
    const page = await session.open(address);
    await page.keyboard.press("w");
    expect(await page.locator("[name=wrap]").isChecked()).toBe(false);
    await page.keyboard.press("t");
    expect(await page.locator("#L5 > time").textContent()).toBe("+0.040");
    await page.keyboard.press("t");
    expect(await page.locator("#L5 > time").textContent()).toBe("+0.010");
    // What came after a pause stands out, also in rows that come later.
    await page.goto(`${address}?line=1501`);
    expect(await page.locator("[name=wrap]").isChecked()).toBe(false);
    await vi.waitFor(async () => expect(await page.locator("#L1501 > time.lag").textContent()).toBe("+20.010"));
    await page.goto(`${address}#L9501`);
    await vi.waitFor(async () => expect(await page.locator("#L9501 > time.lag").textContent()).toBe("+20.010"));
    await page.keyboard.press("t");
    expect(await page.locator("#L9501 > time").isVisible()).toBe(false);
  });

  test("j and k go from step to step without a reload, with addresses of their own", async () => {
    const page = await session.open(`${session.run}?pipelineTask=unit&step=test`);
    await page.evaluate(stay);
    await page.keyboard.press("k");
    await page.getByRole("heading", { name: "unit / install" }).waitFor();
    expect(new URL(page.url()).searchParams.get("step")).toBe("install");
    expect(await page.title()).toContain("unit / install");
    expect(await page.locator(".tree [aria-current]").innerText()).toContain("install");
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: "unit / test" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "unit / install" }).waitFor();
    await page.goForward();
    await page.getByRole("heading", { name: "unit / test" }).waitFor();
    expect(await page.evaluate(sameDocument)).toBe(true);
  });

  test("back leads to the line that was left", async () => {
    const page = await session.open(`${session.run}?pipelineTask=unit&step=test`);
    await page.mouse.move(900, 600);
    await page.mouse.wheel(0, 6_000);
    await vi.waitFor(async () => expect((await viewOf(page)).first).toBeGreaterThan(50));
    await page.waitForFunction("history.state?.line > 50");
    const { first } = await viewOf(page);
    const before = await page.locator(`#L${first}`).evaluate(topOf);
    await page.getByRole("link", { name: "install" }).first().click();
    await page.getByRole("heading", { name: "unit / install" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "unit / test" }).waitFor();
    expect(await page.locator("[name=wrap]").isChecked()).toBe(true);
    await vi.waitFor(async () =>
      expect(Math.abs((await page.locator(`#L${first}`).evaluate(topOf)) - before)).toBeLessThanOrEqual(2),
    );
    // A reload, too.
    await page.reload();
    await vi.waitFor(async () =>
      expect(Math.abs((await page.locator(`#L${first}`).evaluate(topOf)) - before)).toBeLessThanOrEqual(2),
    );
  });

  test("y copies a link that a server can read, Escape clears the selection", async () => {
    const page = await session.open(address, { permissions: ["clipboard-read", "clipboard-write"] });
    await page.locator("#L3 > a").click();
    await page.locator("#L5 > a").click({ modifiers: ["Shift"] });
    await page.locator("#pick").getByText("Lines 3–5").waitFor();
    await page.keyboard.press("y");
    await page.locator("#pick").getByText("Copied").waitFor();
    const link = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(new URL(link).searchParams.get("line")).toBe("3-5");
    const text = await page.request.get(
      (await page.getByRole("link", { name: "Text" }).first().getAttribute("href")) ?? "",
    );
    expect((await text.text()).trimEnd().split("\n")).toHaveLength(3);
    await page.keyboard.press("Escape");
    expect(await page.locator("#pick").count()).toBe(0);
    expect(new URL(page.url()).hash).toBe("");
    const again = await session.open(link);
    expect(await again.locator(".r.s").count()).toBe(3);
    expect(await again.locator('meta[property="og:description"]').getAttribute("content")).toContain("object 2");
  });
});
