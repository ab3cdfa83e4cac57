import axe from "axe-core";
import { describe, expect, test } from "vitest";
import { missingBrowser, Session } from "./session.ts";

const why = missingBrowser();
const RUN = "/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k";
const PAGES = [
  "/",
  "/?q=nothing-like-this",
  "/namespaces/tekton-ci",
  "/namespaces/tekton-nightly/pipelines/pipeline-nightly",
  "/tektoncd/pipeline",
  "/tektoncd/pipeline/pull/9075",
  RUN,
  `${RUN}?line=500-505`,
  `${RUN}?pipelineTask=e2e`,
  "/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw",
  "/namespaces/tekton-ci/pipelineruns/pull-linux-tset-r7x2k",
];

describe.skipIf(why)(`what axe-core says of every page${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();

  test.each([
    ["light", 360],
    ["light", 1_440],
    ["dark", 360],
    ["dark", 1_440],
  ] as const)(
    "%s, %i wide: nothing serious",
    async (colorScheme, width) => {
      const page = await session.open("about:blank", { colorScheme, viewport: { width, height: 900 } });
      const found: string[] = [];
      for (const path of PAGES) {
        await page.goto(session.url + path);
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
        for (const { id, impact, nodes } of violations) {
          if (impact !== "serious" && impact !== "critical") continue;
          found.push(
            `${path}: ${id}: ${nodes.slice(0, 3).map(({ html, any }) => `${html.slice(0, 120)} ${any[0]?.message}`)}`,
          );
        }
      }
      session.complaints.splice(0); // the missing run's own status
      expect(found).toEqual([]);
    },
    120_000,
  );
});
