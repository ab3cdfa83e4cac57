import { describe, expect, test, vi } from "vitest";
import { stored } from "../../viewer/archive-fixture.ts";
import { isInView, missingBrowser, Session, topOf } from "./session.ts";

const why = missingBrowser();

describe.skipIf(why)(`a live log in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();

  test("a live log grows without a reload, follows, and says when it has ended", async () => {
    const { record, writer, say, address } = await session.growingRun("grows");
    const page = await session.open("about:blank");
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
    await session.archive.finalize({ ...record, updatedAt: new Date().toISOString() });
    await page.getByText("The log ends here. It is whole").waitFor({ timeout: 5_000 });
    await page.getByText("the last line").waitFor();
    await page.locator("#head").getByText("Succeeded", { exact: true }).waitFor({ timeout: 5_000 });
    expect(await page.title()).toContain("✓");
    expect(await page.evaluate(() => Reflect.get(globalThis, "sameDocument"))).toBe(true);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.clock.fastForward(120_000);
    await page.evaluate(() => fetch("/healthz"));
    expect(asked).toEqual([`${session.url}/healthz`]);
    expect(await page.locator("#follow").count()).toBe(0);
  });

  test("a reader who has scrolled up stays where they are when the run ends", async () => {
    const { record, writer, say, address } = await session.growingRun("stays");
    const page = await session.open(address);
    await page.locator("#follow").waitFor();
    await page.mouse.move(700, 500);
    await page.mouse.wheel(0, -1_200);
    await vi.waitFor(async () => expect(await page.locator("#follow").isChecked()).toBe(false));
    const place = () => page.locator("#L80").evaluate(topOf);
    // On a busy machine the wheel's scrolling goes on for a while.
    let before = await place();
    await vi.waitFor(async () => {
      const earlier = before;
      before = await place();
      expect(before).toBe(earlier);
    });
    await say("one more line");
    const container = record.tasks[0]?.attempts[0]?.containers[0];
    if (!container) throw new Error("the fixture has changed");
    container.log = await writer.finish({ state: "whole" });
    record.run.status = "failed";
    // Taller than what was there: the rows must not be pushed down by it.
    record.why = "build / compile failed, which takes many words to tell. ".repeat(8);
    await session.archive.finalize({ ...record, updatedAt: new Date().toISOString() });
    await page.locator("#head").getByText("Failed", { exact: true }).waitFor({ state: "attached", timeout: 5_000 });
    await page.getByText("The log ends here.").waitFor({ state: "attached" });
    expect(Math.abs((await place()) - before)).toBeLessThanOrEqual(1);
  });

  test("where no stream of events comes through, new lines are asked for", async () => {
    const { say, address } = await session.growingRun("polled");
    const page = await session.open("about:blank");
    let streams = 0;
    await page.route("**", (route) => {
      if (route.request().headers().accept !== "text/event-stream") return route.continue();
      streams++;
      return route.abort();
    });
    await page.goto(address);
    await vi.waitFor(() => expect(streams).toBe(3), { timeout: 5_000 });
    await say("asked for");
    await page.getByText("asked for").waitFor({ timeout: 5_000 });
    expect(streams).toBe(3);
    session.complaints.splice(0); // the streams that were broken
  });

  test("a log that grows can be scrolled back to its first line, and followed again", async () => {
    const { writer, say, address } = await session.growingRun("scrolled");
    writer.append(Buffer.concat(Array.from({ length: 4_000 }, (_, i) => stored(`early ${i + 121}`, Date.now()))));
    await writer.flush();
    const page = await session.open(address);
    await vi.waitFor(async () => expect(await page.locator("#end").evaluate(isInView)).toBe(true));
    await page.keyboard.press("Home");
    await vi.waitFor(async () => expect(await page.locator("#L1").evaluate(isInView)).toBe(true));
    expect(await page.locator("#follow").isChecked()).toBe(false);
    const before = await page.locator("#L1").evaluate(topOf);
    await say("written meanwhile");
    await page.getByText("4,121 lines so far").waitFor({ timeout: 5_000 });
    expect(await page.locator("#L1").evaluate(topOf)).toBe(before);
    await page.keyboard.press("f");
    await vi.waitFor(async () => expect(await page.locator("#L4121").evaluate(isInView)).toBe(true));
    expect(await page.locator("#L4121").textContent()).toContain("written meanwhile");
    await say("and then");
    await vi.waitFor(async () => expect(await page.locator("#L4122").evaluate(isInView)).toBe(true));
  });

  test("a run that has not begun becomes one that runs, on the same page", async () => {
    const record = await session.archive.run({ name: "waits" });
    const page = await session.open(`${session.url}/namespaces/tekton-ci/pipelineruns/waits`);
    await page.getByText("No task of this run has begun yet").waitFor();
    const other = await session.growingRun("donor");
    const begun = { ...record, tasks: structuredClone(other.record.tasks) };
    const container = begun.tasks[0]?.attempts[0]?.containers[0];
    if (container) container.log = { ...container.log, lines: 0, bytes: 0, segments: [] };
    await session.archive.update(begun);
    await page.getByRole("heading", { name: "build / compile" }).waitFor({ timeout: 10_000 });
    await page.getByText("No line has been written yet").waitFor();
    expect(await page.locator("#follow").count()).toBe(1);
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
    const { say, address } = await session.growingRun("hostile");
    for (const line of lines.slice(0, 3)) await say(line);
    const page = await session.open(address);
    for (const line of lines.slice(3)) await say(line);
    await page.locator("#L126").waitFor({ timeout: 5_000 });
    expect(
      await page.locator(".log :is(script, img, iframe, svg, b, style, [style]:not(.sp), [onerror])").count(),
    ).toBe(0);
    expect(await page.locator("#injected").count()).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.locator("#L121").innerText()).toContain("<script>alert(1)</script>");
  });
});
