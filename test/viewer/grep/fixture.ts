import { beforeAll } from "vitest";
import { type Answer, appOver, get as getFrom } from "../app-fixture.ts";
import { ArchiveFixture, stored } from "../archive-fixture.ts";

export const RUN = "/namespaces/tekton-ci/pipelineruns/r";
export const STEP = `${RUN}?pipelineTask=build&step=make`;
export const LINES = 60_000;
const START = Date.parse("2026-07-30T09:46:12Z");

/** Several frames of lines that do not compress well; every 10,000th has a needle. */
export const lineOf = (number: number): string =>
  number % 10_000 === 0
    ? `\x1b[31mNee\x1b[0mdle in line ${number}`
    : `${(number * 2_654_435_761) >>> 0} said by line ${number} of a build that says much`;
export const storedLine = (number: number): string => stored(lineOf(number), START + (number - 1) * 1_000).toString();

/** A run of two tasks: one long log, one short. */
export function searchedRun() {
  const archive = new ArchiveFixture();
  const app = appOver(archive.store);
  beforeAll(async () => {
    const lines = Array.from({ length: LINES }, (_, i) => lineOf(i + 1));
    await archive.run({
      name: "r",
      took: 100,
      tasks: [
        { name: "build", containers: [{ title: "make", lines }] },
        {
          name: "test",
          containers: [
            { title: "unit", lines: ["ok 1", "before", "not ok: a needle <b>", "after", "end"] },
            { title: "lint", lines: ["fine"] },
            { title: "proxy", kind: "sidecar", lines: ["needle of a sidecar"] },
          ],
        },
      ],
    });
  }, 60_000);
  const get = (path: string, headers?: Record<string, string>): Promise<Answer> => getFrom(app, path, headers);
  return { archive, app, get };
}

export const words = (html: string): string => html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
