import { describe, expect, test, vi } from "vitest";
import { isInView, missingBrowser, Session } from "./session.ts";

const why = missingBrowser();

describe.skipIf(why)(`addresses in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();

  test.each([
    [
      "/#/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k?pipelineTask=lint&step=lintrunner",
      "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k?pipelineTask=lint&step=lintrunner",
    ],
    ["/#/namespaces/releases/taskruns/image-sign-1", "/namespaces/releases/taskruns/image-sign-1"],
    ["/#/namespaces/tekton-ci/pipelineruns", "/namespaces/tekton-ci"],
    [
      "/#/namespaces/tekton-nightly/pipelineruns?labelSelector=tekton.dev%2Fpipeline%3Dpipeline-nightly",
      "/namespaces/tekton-nightly/pipelines/pipeline-nightly",
    ],
    ["/#/pipelineruns", "/"],
  ])("the Dashboard's %s is translated", async (from, to) => {
    const page = await session.open(session.url + from);
    await vi.waitFor(() => expect(page.url()).toBe(session.url + to));
  });

  test("a click selects a line, shift-click a range; the address says which", async () => {
    const page = await session.open(`${session.run}?pipelineTask=build&step=compile`);
    await page.locator("#L10 > a").click();
    expect(page.url()).toMatch(/#L10$/);
    await page.locator("#L20 > a").click({ modifiers: ["Shift"] });
    expect(page.url()).toMatch(/#L10-L20$/);
    expect(await page.locator(".r.s").count()).toBe(11);
    await page.locator("#L5 > a").click({ modifiers: ["Shift"] });
    expect(page.url()).toMatch(/#L5-L10$/);
    expect(await page.locator(".r.s").count()).toBe(6);
    const again = await session.open(page.url());
    expect(await again.locator(".r.s").count()).toBe(6);
    expect(await again.locator("#L5").evaluate(isInView)).toBe(true);
  });

  test.each([
    ["?pipelineTask=build&step=compile#L10-L20", "#L10", 11],
    ["?pipelineTask=build&step=compile#10-20", "#L10", 11],
    ["?pipelineTask=build&step=compile#L2000-L2002", "#L2000", 3],
    ["?pipelineTask=build#compile:2000", "#L2000", 1],
    ["#L3", "#L3", 1],
  ])("%s selects lines, also outside of the window and of the step", async (address, row, count) => {
    const page = await session.open(session.run + address);
    await vi.waitFor(async () => {
      expect(await page.locator(".r.s").count()).toBe(count);
      expect(await page.locator(row).evaluate(isInView)).toBe(true);
    });
  });

  test("a hash for a line outside of the window fetches its rows, and loads no page", async () => {
    const page = await session.open(`${session.run}?pipelineTask=build&step=compile`);
    await page.evaluate("globalThis.sameDocument = true");
    await page.evaluate("location.hash = '#2000-2002'");
    await vi.waitFor(async () => expect(await page.locator("#L2000").evaluate(isInView)).toBe(true));
    expect(await page.locator(".r.s").count()).toBe(3);
    await page.goBack();
    await page.goForward();
    await vi.waitFor(async () => expect(await page.locator("#L2002").evaluate(isInView)).toBe(true));
    expect(await page.evaluate("globalThis.sameDocument")).toBe(true);
  });

  test("lines that the address marks can be copied and read without a script", async () => {
    const page = await session.open(`${session.run}?pipelineTask=build&step=compile&line=10-12`, {
      javaScriptEnabled: false,
    });
    expect(await page.locator("#pick").innerText()).toContain("Lines 10–12");
    expect(await page.locator("#pick").getByRole("link", { name: "Text" }).getAttribute("href")).toContain(
      "lines=10-12",
    );
  });

  test("a line that no log has does not make the page go round", async () => {
    const page = await session.open(`${session.run}#L99999999`);
    await page.waitForURL(/line=99999999/);
    await page.getByText("The log has only 1058 lines").waitFor();
  });
});
