import { describe, expect, test, vi } from "vitest";
import { isInView, missingBrowser, Session } from "./session.ts";

const why = missingBrowser();

describe.skipIf(why)(`a run's page in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();

  test("a failed run shows the failing step's log, and its last words above it", async () => {
    const page = await session.open(session.run);
    expect(await page.title()).toBe("✗ unit / test failed · pull-linux-test · Afterlog");
    await expect(page.getByRole("heading", { name: "unit / test" }).isVisible()).resolves.toBe(true);
    expect(await page.locator(".r").count()).toBeGreaterThanOrEqual(500);
    await page.getByRole("navigation", { name: "Last line" }).getByRole("link").click();
    await vi.waitFor(async () => expect(await page.locator("#L1058").evaluate(isInView)).toBe(true));
  });

  test("a failed run opens at its leading finding, and the strip leads to the others", async () => {
    const findings = [400, 1_200, 2_990].map((line) => ({
      line,
      rule: "go-test",
      severity: "error" as const,
      excerpt: `--- FAIL: Test${line}`,
    }));
    const lines = Array.from({ length: 3_000 }, (_, i) => `line ${i + 1}`);
    const found = { findings, total: 3, severities: { error: 3 }, ...(findings[1] && { leading: findings[1] }) };
    const unit = { title: "unit", status: "failed" as const, exitCode: 1, lines, findings: found };
    const { run } = await session.archive.run({
      name: "red",
      status: "failed",
      took: 60,
      tasks: [{ name: "test", status: "failed", containers: [unit] }],
    });
    const address = `${session.url}/namespaces/${run.namespace}/pipelineruns/red`;
    const page = await session.open(address);
    const inView = (line: number) =>
      vi.waitFor(async () => expect(await page.locator(`#L${line}`).evaluate(isInView)).toBe(true));
    await inView(1_200);
    expect(await page.locator(".r.f").getAttribute("id")).toBe("L1200");
    await page.getByRole("link", { name: "Next finding" }).click();
    await inView(2_990);
    expect(await page.locator(".r.f").getAttribute("id")).toBe("L2990");
    expect(await page.locator(".finds").innerText()).toContain("Finding 3 of 3");
    // Who asks for other lines reads them from the first on.
    await page.goto(`${address}?lines=1001-1500`);
    expect(await page.locator(".r.f").getAttribute("id")).toBe("L1200");
    expect(await page.locator("#L1001").evaluate(isInView)).toBe(true);
    expect(await page.locator("#L1200").evaluate(isInView)).toBe(false);
    const plain = await session.open(address, { javaScriptEnabled: false });
    await vi.waitFor(async () => expect((await plain.locator("#L1200").boundingBox())?.y).toBeLessThan(700));
    expect((await plain.locator("#L1200").boundingBox())?.y).toBeGreaterThan(100);
  });

  test("the tree leads from step to step", async () => {
    const page = await session.open(session.run);
    await page.locator(".tree summary", { hasText: "build" }).first().click();
    await page.getByRole("link", { name: "configure" }).first().click();
    await page.getByRole("heading", { name: "build / configure" }).waitFor();
    expect(await page.locator(".tree [aria-current]").innerText()).toContain("configure");
    await page.goBack();
    await page.getByRole("heading", { name: "unit / test" }).waitFor();
  });

  test("works with script off", async () => {
    const page = await session.open(session.run, { javaScriptEnabled: false });
    expect(await page.locator(".r").count()).toBe(500);
    await page.getByRole("link", { name: "First line" }).click();
    await page.locator("#L1").waitFor();
    await page.getByLabel("Line or time").fill("700");
    await page.getByRole("button", { name: "Go" }).click();
    await page.locator("#L700.s").waitFor();
    // The tree is open by style alone.
    await page.locator(".tree summary", { hasText: "lint" }).click();
    await page.getByRole("link", { name: "lintrunner" }).click();
    await page.getByRole("heading", { name: "lint / lintrunner" }).waitFor();
    await page.goto(session.live);
    expect(await page.locator('noscript meta[http-equiv="refresh"]').count()).toBe(1);
  });

  test("wrapping and the time column are style alone", async () => {
    const page = await session.open(session.run, { javaScriptEnabled: false });
    const row = page.locator("#L1058");
    expect(await row.locator("time").isVisible()).toBe(true);
    await page.getByLabel("Time column").selectOption("off");
    expect(await row.locator("time").isVisible()).toBe(false);
    const wrapped = (await row.boundingBox())?.height ?? 0;
    await page.getByLabel("Wrap").uncheck();
    expect((await row.boundingBox())?.height ?? 0).toBeLessThan(wrapped);
  });

  test("the tools fit a phone, and the tree and timeline are closed there", async () => {
    const page = await session.open(session.run, { viewport: { width: 360, height: 740 } });
    const download = await page.getByRole("link", { name: "Download" }).boundingBox();
    expect((download?.x ?? 999) + (download?.width ?? 999)).toBeLessThanOrEqual(360);
    expect(await page.locator(".tree nav").isVisible()).toBe(false);
    expect(await page.locator(".gantt table").isVisible()).toBe(false);
    await page.locator("#tree > summary").click();
    expect(await page.locator(".tree nav").isVisible()).toBe(true);
  });
});
