import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { StorageError } from "../../../storage-adapters/store.ts";
import { startViewer } from "../../../viewer/viewer.ts";
import { failingList } from "../../storage-adapters/failing-list.ts";
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
  const contexts: BrowserContext[] = [];
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
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    // Violations of the policy, failed requests and errors of the script all end up in the console.
    expect(complaints.splice(0)).toEqual([]);
  });

  const run = () => `${url}/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k`;

  async function open(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
    page.on("pageerror", (error) => void complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
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
    const { run } = await archive.run({
      name: "red",
      status: "failed",
      took: 60,
      tasks: [{ name: "test", status: "failed", containers: [unit] }],
    });
    const address = `${url}/namespaces/${run.namespace}/pipelineruns/red`;
    const page = await open(address);
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
    expect(await page.evaluate("scrollY")).toBe(0);
  });

  test("a live log grows without a reload, follows, and says when it has ended", async () => {
    const { record, writer, say, address } = await growingRun("grows");
    const page = await open("about:blank");
    await page.clock.install();
    await page.goto(address);
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
    await page.clock.fastForward(120_000);
    await page.evaluate(() => fetch("/healthz"));
    expect(asked).toEqual([`${url}/healthz`]);
    expect(await page.locator("#follow").count()).toBe(0);
  });

  test("a reader who has scrolled up stays where they are when the run ends", async () => {
    const { record, writer, say, address } = await growingRun("stays");
    const page = await open(address);
    await page.locator("#follow").waitFor();
    await page.mouse.move(700, 500);
    await page.mouse.wheel(0, -1_200);
    await vi.waitFor(async () => expect(await page.locator("#follow").isChecked()).toBe(false));
    const place = () => page.locator("#L80").evaluate(topOf);
    const before = await place();
    await say("one more line");
    const container = record.tasks[0]?.attempts[0]?.containers[0];
    if (!container) throw new Error("the fixture has changed");
    container.log = await writer.finish({ state: "whole" });
    record.run.status = "failed";
    // Taller than what was there: the rows must not be pushed down by it.
    record.why = "build / compile failed, which takes many words to tell. ".repeat(8);
    await archive.finalize({ ...record, updatedAt: new Date().toISOString() });
    await page.locator("#head").getByText("Failed", { exact: true }).waitFor({ state: "attached", timeout: 5_000 });
    await page.getByText("The log ends here.").waitFor({ state: "attached" });
    expect(Math.abs((await place()) - before)).toBeLessThanOrEqual(1);
  });

  test("the tree leads from step to step", async () => {
    const page = await open(run());
    await page.locator(".tree summary", { hasText: "build" }).first().click();
    await page.getByRole("link", { name: "configure" }).first().click();
    await page.getByRole("heading", { name: "build / configure" }).waitFor();
    expect(await page.locator(".tree [aria-current]").innerText()).toContain("configure");
    await page.goBack();
    await page.getByRole("heading", { name: "unit / test" }).waitFor();
  });

  test("nothing that a log holds runs", async () => {
    const lines = [
      "<script>alert(1)</script>",
      `<img src=x onerror="alert(2)"><svg onload=alert(3)>`,
      `"><iframe src="javascript:alert(4)"></iframe>`,
      "\x1b]8;;javascript:alert(5)\x07click me\x1b]8;;\x07",
      `\x1b[31m</span></div><b id="injected" style="color:red">hi</b>\x1b[0m`,
      "</template><script>alert(6)</script>",
    ];
    const { say, address } = await growingRun("hostile");
    for (const line of lines.slice(0, 3)) await say(line);
    const page = await open(address);
    for (const line of lines.slice(3)) await say(line);
    await page.locator("#L126").waitFor({ timeout: 5_000 });
    expect(await page.locator(".log :is(script, img, iframe, svg, b, style, [style], [onerror])").count()).toBe(0);
    expect(await page.locator("#injected").count()).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.locator("#L121").innerText()).toContain("<script>alert(1)</script>");
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
    const again = await open(page.url());
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

  test("every page fits a narrow screen, and nothing on it is refused or fails", async () => {
    const gone = await archive.run({ name: "gone", took: 5 });
    await archive.store.delete(`v1/runs/tekton-ci/${gone.run.uid}/record.json`);
    const broken = async () => {
      throw new StorageError("unavailable", "the store is away");
    };
    const config = { namespaces: "*", host: "127.0.0.1", port: 0 } as const;
    const store = { ...archive.store, get: broken, stat: broken, list: brokenList };
    const down = await startViewer({ config, store, logger: { error() {}, warn() {} } });
    stops.unshift(down.close);
    const pages: [address: string, status: number][] = [
      ["/", 200],
      ["/?q=nothing-like-this", 200],
      ["/?namespace=NO", 400],
      ["/namespaces/tekton-ci", 200],
      ["/namespaces/tekton-nightly/pipelines/pipeline-nightly", 200],
      ["/tektoncd/pipeline", 200],
      ["/tektoncd/pipeline/pull/9075", 200],
      ["/tektoncd/pipeline/commit/c07d81b2d7710fe10c74f1c9aed0e3f6a91be002", 200],
      ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k", 200],
      ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k?pipelineTask=e2e", 200],
      ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k?pipelineTask=unit&step=upload", 200],
      ["/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw", 200],
      ["/namespaces/releases/taskruns/image-sign-1", 200],
      ["/namespaces/tekton-ci/pipelineruns/pull-linux-tset-r7x2k", 404],
      ["/namespaces/tekton-ci/pipelineruns/gone", 410],
      [`${down.url}/`, 503],
    ];
    const page = await open("about:blank", { viewport: { width: 360, height: 740 } });
    for (const [path, status] of pages) {
      const answer = await page.goto(new URL(path, url).href);
      expect([path, answer?.status()]).toEqual([path, status]);
      expect([path, await page.evaluate<number>("document.documentElement.scrollWidth")]).toEqual([path, 360]);
      // Chromium reports the page's own status as an error of the console.
      const said = complaints.splice(0).filter((text) => status === 200 || !text.includes(`status of ${status}`));
      expect([path, said]).toEqual([path, []]);
    }
  });

  test("the tools fit a phone, and the tree and timeline are closed there", async () => {
    const page = await open(run(), { viewport: { width: 360, height: 740 } });
    const download = await page.getByRole("link", { name: "Download" }).boundingBox();
    expect((download?.x ?? 999) + (download?.width ?? 999)).toBeLessThanOrEqual(360);
    expect(await page.locator(".tree nav").isVisible()).toBe(false);
    expect(await page.locator(".gantt table").isVisible()).toBe(false);
    await page.locator("#tree > summary").click();
    expect(await page.locator(".tree nav").isVisible()).toBe(true);
  });

  test("dark and light differ as they should", async () => {
    const ground = async (colorScheme: "light" | "dark") => {
      const page = await open(run(), { colorScheme });
      const colours = await page.evaluate<string[]>(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]",
      );
      return colours.map((colour) => (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, n) => sum + Number(n), 0));
    };
    const [light, dark] = [await ground("light"), await ground("dark")];
    expect(light[0]).toBeGreaterThan(light[1] ?? 999);
    expect(dark[0]).toBeLessThan(dark[1] ?? 0);
  });
});

/** Runs in the page, whose types are not those of Node. */
const isInView = (element: { getBoundingClientRect(): { top: number; bottom: number } }): boolean => {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= Number(Reflect.get(globalThis, "innerHeight"));
};

const topOf = (element: { getBoundingClientRect(): { top: number } }): number => element.getBoundingClientRect().top;

const brokenList = () => failingList(new StorageError("unavailable", "the store is away"));
