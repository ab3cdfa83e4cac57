import { describe, expect, test } from "vitest";
import { StorageError } from "../../../storage-adapters/store.ts";
import { failingList } from "../../storage-adapters/failing-list.ts";
import { missingBrowser, Session } from "./session.ts";

const why = missingBrowser();

describe.skipIf(why)(`every page in a real browser${why ? ` (skipped: ${why})` : ""}`, () => {
  const session = new Session();

  test("every page fits a narrow screen, and nothing on it is refused or fails", async () => {
    const gone = await session.archive.run({ name: "gone", took: 5 });
    await session.archive.store.delete(`v1/runs/tekton-ci/${gone.run.uid}/record.json`);
    const broken = async () => {
      throw new StorageError("unavailable", "the store is away");
    };
    const list = () => failingList(new StorageError("unavailable", "the store is away"));
    const store = { ...session.archive.store, get: broken, stat: broken, list };
    const down = await session.view({ store, logger: { error() {}, warn() {} } });
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
      [`${down}/`, 503],
    ];
    const page = await session.open("about:blank", { viewport: { width: 360, height: 740 } });
    for (const [path, status] of pages) {
      const answer = await page.goto(new URL(path, session.url).href);
      expect([path, answer?.status()]).toEqual([path, status]);
      expect([path, await page.evaluate<number>("document.documentElement.scrollWidth")]).toEqual([path, 360]);
      // Chromium reports the page's own status as an error of the console.
      const said = session.complaints
        .splice(0)
        .filter((text) => status === 200 || !text.includes(`status of ${status}`));
      expect([path, said]).toEqual([path, []]);
    }
  });

  test("dark and light differ as they should", async () => {
    const ground = async (colorScheme: "light" | "dark") => {
      const page = await session.open(session.run, { colorScheme });
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
