import { describe, expect, test, vi } from "vitest";
import { isInView, missingBrowser, Session } from "./session.ts";

const why = missingBrowser();

describe.skipIf(why)(`groups in a window of rows, in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();

  test("a group that comes in pieces is opened and closed as one, also by a link into it", async () => {
    const inside = Array.from({ length: 3_000 }, (_, i) => `inside ${i + 1}`);
    const after = Array.from({ length: 3_000 }, (_, i) => `after ${i + 1}`);
    await session.archive.run({
      name: "grouped",
      took: 60,
      tasks: [
        {
          name: "build",
          containers: [
            { title: "compile", lines: ["first", "::group::Configure", ...inside, "::endgroup::", ...after] },
          ],
        },
      ],
    });
    const page = await session.open(`${session.url}/namespaces/tekton-ci/pipelineruns/grouped`);
    const title = page.locator("#L2 summary");
    await title.getByText("Configure").waitFor();
    expect(await page.locator("#L100").isVisible()).toBe(false);
    // What comes after a closed group can be seen though thousands of lines lie between.
    await vi.waitFor(async () => expect(await page.locator("#L3010").isVisible()).toBe(true), 10_000);
    expect(await page.locator(".g summary:visible").count()).toBe(1);
    await page.evaluate("location.hash = '#L1500'");
    await vi.waitFor(async () => expect(await page.locator("#L1500").evaluate(isInView)).toBe(true));
    await vi.waitFor(async () => {
      const folds = await page
        .locator("details[data-fold='2']")
        .evaluateAll((all) => all.map((fold) => fold.hasAttribute("open")));
      expect(folds.length).toBeGreaterThan(1);
      expect(new Set(folds)).toEqual(new Set([true]));
    });
  });
});
