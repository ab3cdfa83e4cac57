import { describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, type ContainerSpec } from "./archive-fixture.ts";

const RUN = "/namespaces/tekton-ci/pipelineruns/r";
/** What a reader sees of markup. */
const words = (html: string) => html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
const say = (n: number) => Array.from({ length: n }, (_, i) => `line ${i + 1}`);

/** The pages of a run of one step: plain, and with a query. */
async function pageOf(step: Partial<ContainerSpec>, query = ""): Promise<string> {
  const archive = new ArchiveFixture();
  const containers = [{ title: "s", ...step }];
  await archive.run({ name: "r", took: 60, tasks: [{ name: "t", containers }] });
  return (await get(appOver(archive.store), `${RUN}${query}`)).body;
}

describe("how much of a log there is, is said in its page", () => {
  test("whole", async () => {
    const seen = words(await pageOf({ lines: ["x"] }));
    expect(seen).toContain("The one log is whole, from first line to exit.");
    expect(seen).toContain("It is whole: every line from the first to the exit.");
  });

  test("whole and empty", async () => {
    expect(words(await pageOf({ lines: [] }))).toContain("Its log is whole: the container ended without a line.");
  });

  test.each([
    ["incomplete", "Not whole", "The node rotated it."],
    ["cut", "Cut here", "The sidecar still ran when its attempt was over."],
  ] as const)("%s", async (state, title, why) => {
    const seen = words(await pageOf({ lines: ["x"], state, words: why }));
    expect(seen).toContain(`0 of 1 logs whole. t / s : ${why}`);
    expect(seen).toContain(`${title} ${why}`);
    expect(seen).not.toContain("It is whole");
  });

  test("none, with the reason; never a blank page", async () => {
    const seen = words(await pageOf({ status: "failed", state: "none", words: "The image could not be pulled." }));
    expect(seen).toContain("t / s has no log The image could not be pulled.");
    expect(seen).toContain("No log was written. 1 container wrote none.");
  });

  test("gaps: before the first line, between two lines, after the last, each where it is and only there", async () => {
    const gaps = [
      { afterLine: 0, cause: "rotated", words: "The start is missing." },
      {
        afterLine: 700,
        from: "2026-07-30T09:57:51Z",
        to: "2026-07-30T09:57:56Z",
        cause: "rotated",
        words: "The middle is missing.",
      },
      { afterLine: 900, cause: "pod-deleted", words: "The end is missing." },
    ];
    const step = { lines: say(900), state: "incomplete", words: "Parts are missing.", gaps } as const;
    const order = (html: string) => html.match(/id="(?:gap-\d|L(?:1|700|701|900))"/g);
    expect(order(await pageOf({ ...step, gaps }, "?step=s"))).toEqual(['id="gap-1"', 'id="L1"']);
    expect(order(await pageOf({ ...step, gaps }, "?step=s&tail=500"))).toEqual([
      'id="L700"',
      'id="gap-2"',
      'id="L701"',
      'id="L900"',
      'id="gap-3"',
    ]);
    const middle = words(await pageOf({ ...step, gaps }, "?step=s&lines=650-750"));
    expect(middle).toContain("Gap of 5 s The middle is missing.");
    expect(middle).not.toContain("The end is missing.");
  });
});

test.each([
  ["failed", 'id="L1000"', 'id="L1"'],
  ["timed-out", 'id="L1000"', 'id="L1"'],
  ["succeeded", 'id="L1"', 'id="L1000"'],
] as const)("a step that %s opens with %s", async (status, shown, hidden) => {
  const body = await pageOf({ status, lines: say(1_000) });
  expect(body).toContain(shown);
  expect(body).not.toContain(hidden);
});

describe("a task that has no log says why, also in text", () => {
  const archive = new ArchiveFixture();
  const app = appOver(archive.store);
  const made = archive.run({
    name: "r",
    took: 60,
    status: "failed",
    tasks: [
      { name: "ran", containers: [{ title: "s", lines: ["x"] }] },
      { name: "quota", status: "failed", reason: "ExceededResourceQuota", message: "pods is forbidden:\nquota" },
      {
        name: "twice",
        earlier: [{ status: "failed", containers: [{ title: "s", lines: ["first"] }] }],
        containers: [{ title: "s", lines: ["second"] }],
      },
    ],
    skipped: [{ name: "docs", reason: "When Expressions evaluated to false" }],
  });

  test.each([
    ["", 200, "[quota] (afterlog: no log: pods is forbidden: quota)\n\n"],
    ["?pipelineTask=quota", 200, "[quota] (afterlog: no log: pods is forbidden: quota)\n\n"],
    ["?pipelineTask=docs", 404, "docs did not run: When Expressions evaluated to false."],
    ["?pipelineTask=nothing", 404, "It has no task nothing."],
    ["?pipelineTask=ran&step=nothing", 404, "ran has no container nothing."],
    ["?pipelineTask=twice&timestamps=false", 200, "[twice : s] first\n\n[twice : s] second\n\n"],
    ["?pipelineTask=twice&retry=0&timestamps=false", 200, "first\n"],
  ])("%s", async (query, status, said) => {
    await made;
    const answer = await get(app, `${RUN}.txt${query}`);
    expect(answer.status).toBe(status);
    if (status === 200 && query) expect(answer.body).toBe(said);
    else expect(answer.body).toContain(said);
  });

  test("a run without any task", async () => {
    const other = new ArchiveFixture();
    await other.run({ name: "r", took: 1, status: "failed", message: "couldn't get pipeline" });
    await other.run({ name: "s" });
    const text = async (name: string) => (await get(appOver(other.store), `${RUN.slice(0, -1)}${name}.txt`)).body;
    expect(await text("r")).toBe("(afterlog: no task has begun: couldn't get pipeline)\n");
    expect(await text("s")).toBe("(afterlog: no task has begun yet)\n");
  });

  test("a run of one step that never started says so in its text", async () => {
    const other = new ArchiveFixture();
    const containers: ContainerSpec[] = [{ title: "s", status: "failed", state: "none", words: "No image." }];
    await other.run({ kind: "TaskRun", name: "r", took: 1, tasks: [{ name: "r", containers }] });
    const answer = await get(appOver(other.store), "/namespaces/tekton-ci/taskruns/r.txt");
    expect(answer).toMatchObject({ status: 200, body: "[s] (afterlog: no log: No image.)\n\n" });
  });
});
