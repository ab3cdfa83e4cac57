import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { startViewer } from "../../../viewer/viewer.ts";
import { ArchiveFixture, stored } from "../../viewer/archive-fixture.ts";
import { fillWithSamples } from "../../viewer/sample-runs.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );
const reason = existsSync(CHROMIUM) ? undefined : `there is no Chromium at ${CHROMIUM}; set CHROMIUM to one`;

// Where nobody looks at the output, a test that did not run must not look like one that passed.
if (reason && process.env.CI) test("a Chromium to test with", () => expect.fail(reason));

describe.skipIf(reason)(`pages in a real browser${reason ? ` (skipped: ${reason})` : ""}`, () => {
  const archive = new ArchiveFixture();
  const complaints: string[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  let browser: Browser;
  let url: string;
  let live: string;

  beforeAll(async () => {
    await fillWithSamples(archive);
    const viewer = await startViewer({ config: { namespaces: "*", host: "127.0.0.1", port: 0 }, store: archive.store });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
    stops.push(() => browser.close(), viewer.close);
    url = viewer.url;
    live = `${url}/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw`;
  });
  afterAll(async () => {
    for (const stop of stops) await stop();
  });
  afterEach(() => {
    // Violations of the policy, failed requests and errors of the script all end up in the console.
    expect(complaints.splice(0)).toEqual([]);
  });

  const run = () => `${url}/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k`;

  async function open(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    stops.unshift(() => context.close());
    const page = await context.newPage();
    page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
    page.on("pageerror", (error) => void complaints.push(error.message));
    await page.goto(address);
    return page;
  }

  /** A run of its own with one log that grows. */
  async function growingRun(name: string) {
    const record = await archive.run({
      name,
      tasks: [
        {
          name: "build",
          status: "running",
          at: [0],
          containers: [
            {
              title: "compile",
              status: "running",
              at: [1],
              lines: Array.from({ length: 120 }, (_, i) => `line ${i + 1}`),
              state: "open",
            },
          ],
        },
      ],
    });
    const writer = archive.growing.get(`${name}/build/compile`);
    if (!writer) throw new Error("the fixture has changed");
    const say = async (text: string) => {
      writer.append(stored(text, Date.now()));
      await writer.flush();
    };
    return { record, writer, say, address: `${url}/namespaces/tekton-ci/pipelineruns/${name}` };
  }

  test("a failed run shows the failing step's log, and its last words above it", async () => {
    const page = await open(run());
    expect(await page.title()).toBe("✗ unit / test failed · pull-linux-test · Afterlog");
    await expect(page.getByRole("heading", { name: "unit / test" }).isVisible()).resolves.toBe(true);
    expect(await page.locator(".r").count()).toBe(500);
    await page.getByRole("navigation", { name: "Last line" }).getByRole("link").click();
    await vi.waitFor(async () => expect(await page.locator("#L1058").evaluate(isInView)).toBe(true));
  });

  test("a live log grows without a reload, follows, and says when it has ended", async () => {
    const { record, writer, say, address } = await growingRun("grows");
    const page = await open(address);
    await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
    await vi.waitFor(async () => expect(await page.locator("#end").evaluate(isInView)).toBe(true));
    await say("a new line");
    await page.getByText("a new line").waitFor({ timeout: 5_000 });
    expect(await page.locator("#L121").count()).toBe(1);
    await vi.waitFor(async () => expect(await page.locator("#end").evaluate(isInView)).toBe(true));

    // Whoever scrolls up reads: nothing moves until they come back.
    await page.mouse.move(700, 500);
    await page.mouse.wheel(0, -900);
    await vi.waitFor(async () => expect(await page.locator("#follow").isChecked()).toBe(false));
    const before = await page.evaluate("scrollY");
    await say("another line");
    await page.getByText("another line").waitFor({ state: "attached", timeout: 5_000 });
    expect(await page.evaluate("scrollY")).toBe(before);
    await page.locator("#follow").check();
    expect(await page.locator("#end").evaluate(isInView)).toBe(true);

    await say("the last line");
    const container = record.tasks[0]?.attempts[0]?.containers[0];
    if (!container) throw new Error("the fixture has changed");
    container.log = await writer.finish({ state: "whole" });
    container.status = "succeeded";
    record.run.status = "succeeded";
    record.run.completedAt = new Date().toISOString();
    await archive.finalize({ ...record, updatedAt: new Date().toISOString() });
    await page.getByText("The log ends here. It is whole").waitFor({ timeout: 5_000 });
    await page.getByText("the last line").waitFor();
    await page.locator("#head").getByText("Succeeded", { exact: true }).waitFor({ timeout: 5_000 });
    expect(await page.title()).toContain("✓");
    expect(await page.evaluate(() => Reflect.get(globalThis, "sameDocument"))).toBe(true);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.waitForTimeout(6_000);
    expect(asked).toEqual([]);
  });

  test("a run that has not begun becomes one that runs, on the same page", async () => {
    const record = await archive.run({ name: "waits" });
    const page = await open(`${url}/namespaces/tekton-ci/pipelineruns/waits`);
    await page.getByText("No task of this run has begun yet").waitFor();
    const other = await growingRun("donor");
    const begun = { ...record, tasks: structuredClone(other.record.tasks) };
    const container = begun.tasks[0]?.attempts[0]?.containers[0];
    if (container) container.log = { ...container.log, lines: 0, bytes: 0, segments: [] };
    await archive.update(begun);
    await page.getByRole("heading", { name: "build / compile" }).waitFor({ timeout: 10_000 });
    await page.getByText("No line has been written yet").waitFor();
    expect(await page.locator("#follow").count()).toBe(1);
  });

  test("works with script off", async () => {
    const page = await open(run(), { javaScriptEnabled: false });
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
    await page.goto(live);
    expect(await page.locator('noscript meta[http-equiv="refresh"]').count()).toBe(1);
  });

  test("wrapping and the time column are style alone", async () => {
    const page = await open(run(), { javaScriptEnabled: false });
    const row = page.locator("#L1058");
    expect(await row.locator("time").isVisible()).toBe(true);
    await page.getByLabel("Time column").selectOption("off");
    expect(await row.locator("time").isVisible()).toBe(false);
    const wrapped = (await row.boundingBox())?.height ?? 0;
    await page.getByLabel("Wrap").uncheck();
    expect((await row.boundingBox())?.height ?? 0).toBeLessThan(wrapped);
  });

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
    const page = await open(url + from);
    await vi.waitFor(() => expect(page.url()).toBe(url + to));
  });

  test("a click selects a line, shift-click a range; the address says which", async () => {
    const page = await open(`${run()}?pipelineTask=build&step=compile`);
    await page.locator("#L10 > a").click();
    expect(page.url()).toMatch(/#L10$/);
    await page.locator("#L20 > a").click({ modifiers: ["Shift"] });
    expect(page.url()).toMatch(/#L10-L20$/);
    expect(await page.locator(".r.s").count()).toBe(11);
    await page.locator("#L5 > a").click({ modifiers: ["Shift"] });
    expect(page.url()).toMatch(/#L5-L10$/);
    expect(await page.locator(".r.s").count()).toBe(6);
  });

  test.each([
    ["?pipelineTask=build&step=compile#L10-L20", "#L10", 11],
    ["?pipelineTask=build&step=compile#10-20", "#L10", 11],
    ["?pipelineTask=build&step=compile#L2000-L2002", "#L2000", 3],
    ["?pipelineTask=build#compile:2000", "#L2000", 1],
    ["#L3", "#L3", 1],
  ])("%s selects lines, also outside of the window and of the step", async (address, row, count) => {
    const page = await open(run() + address);
    await vi.waitFor(async () => {
      expect(await page.locator(".r.s").count()).toBe(count);
      expect(await page.locator(row).evaluate(isInView)).toBe(true);
    });
  });

  test("a line that no log has does not make the page go round", async () => {
    const page = await open(`${run()}#L99999999`);
    await page.waitForURL(/line=99999999/);
    await page.getByText("The log has only 1058 lines").waitFor();
  });

  test.each([
    "/",
    "/tektoncd/pipeline/pull/9075",
    "/namespaces/tekton-ci",
    "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k",
    "/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw",
    "/namespaces/releases/taskruns/image-sign-1",
    "/?q=nothing-like-this",
  ])("%s fits a narrow screen", async (path) => {
    const page = await open(url + path, { viewport: { width: 360, height: 740 } });
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });

  test.each(["light", "dark"] as const)("%s", async (colorScheme) => {
    const page = await open(run(), { colorScheme });
    const colours = await page.evaluate<string[]>(
      "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]",
    );
    const brightness = (colour: string) =>
      (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
    const [ground = 0, text = 0] = colours.map(brightness);
    expect(colorScheme === "dark" ? ground < text : ground > text).toBe(true);
  });
});

/** Runs in the page, whose types are not those of Node. */
const isInView = (element: { getBoundingClientRect(): { top: number; bottom: number } }): boolean => {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= Number(Reflect.get(globalThis, "innerHeight"));
};
