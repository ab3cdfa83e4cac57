import { describe, expect, test } from "vitest";
import { appOver, get } from "./app-fixture.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";

const RUN = "/namespaces/tekton-ci/pipelineruns/r";
const START = Date.parse("2026-07-30T09:46:12Z");
const rowsOf = (html: string) => html.match(/(?<=id="L)\d+/g)?.map(Number) ?? [];

async function growing() {
  const archive = new ArchiveFixture();
  const lines = Array.from({ length: 3 }, (_, i) => `line ${i + 1}`);
  const record = await archive.run({
    name: "r",
    tasks: [
      {
        name: "t",
        status: "running",
        at: [0],
        containers: [{ title: "s", status: "running", at: [0], lines, state: "open" }],
      },
    ],
  });
  const writer = archive.growing.get("r/t/s");
  if (!writer) throw new Error("the fixture has changed");
  const add = async (...texts: string[]) => {
    for (const text of texts) {
      writer.append(stored(text, START + writer.log().lines * 1_000));
      await writer.flush();
    }
  };
  return { archive, app: appOver(archive.store), record, writer, add };
}

describe("a log that grows", () => {
  test("has what the chunks hold, though the record has not been written since", async () => {
    const { app, add } = await growing();
    await add("line 4", "line 5");
    const { body, headers } = await get(app, RUN);
    expect(rowsOf(body)).toEqual([1, 2, 3, 4, 5]);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect((await get(app, `${RUN}.txt`)).body).toBe(
      [1, 2, 3, 4, 5].map((n) => stored(`line ${n}`, START + (n - 1) * 1_000).toString()).join(""),
    );
  });

  test("gives the script the rows that it does not have, and tells when the log has ended", async () => {
    const { app, add, writer, archive, record } = await growing();
    const rows = (after: number) => get(app, `${RUN}?pipelineTask=t&step=s&fragment=rows&after=${after}`);
    expect(rowsOf((await rows(3)).body)).toEqual([]);
    await add("line 4", "line 5");
    const more = await rows(2);
    expect(rowsOf(more.body)).toEqual([3, 4, 5]);
    expect(more.headers.get("X-Log-Lines")).toBe("5");
    expect(more.headers.get("X-Log-Ended")).toBe("false");
    expect(more.body).toContain("Waiting for the next line…");
    const log = await writer.finish({ state: "whole" });
    // The log's last chunk says that it has ended before any record does.
    const ended = await rows(5);
    expect(ended.headers.get("X-Log-Ended")).toBe("true");
    expect(ended.headers.get("X-Run-Final")).toBe("false");
    expect(ended.body).toContain("5 lines. The log is whole.");
    const container = record.tasks[0]?.attempts[0]?.containers[0];
    if (!container) throw new Error("the fixture has changed");
    container.log = log;
    container.status = "succeeded";
    await archive.finalize(record);
    const final = await rows(4);
    expect(rowsOf(final.body)).toEqual([5]);
    expect([final.headers.get("X-Log-Ended"), final.headers.get("X-Run-Final")]).toEqual(["true", "true"]);
  });

  test("gives at most a window of rows at a time", async () => {
    const { app, add } = await growing();
    await add(...Array.from({ length: 900 }, (_, i) => `line ${i + 4}`));
    const { body, headers } = await get(app, `${RUN}?step=s&fragment=rows&after=3`);
    expect(rowsOf(body)).toEqual(Array.from({ length: 500 }, (_, i) => i + 4));
    expect(headers.get("X-Log-Lines")).toBe("903");
    expect(body).not.toContain('id="end"');
  });

  test("may not be kept under its run's UID: another attempt may take its place", async () => {
    const { app, record, writer, archive } = await growing();
    const log = await writer.finish({ state: "whole" });
    const container = record.tasks[0]?.attempts[0]?.containers[0];
    if (!container) throw new Error("the fixture has changed");
    container.log = log;
    await archive.update(record);
    const path = `${RUN}.txt?step=s&uid=${record.run.uid}`;
    expect((await get(app, path)).headers.get("Cache-Control")).toBe("no-cache");
    await archive.finalize(record);
    expect((await get(app, path)).headers.get("Cache-Control")).toContain("immutable");
  });

  test("that has no line yet says so", async () => {
    const archive = new ArchiveFixture();
    const containers = [
      { title: "s", status: "running" as const, state: "open" as const, lines: [] },
      { title: "next", status: "waiting" as const, state: "waiting" as const },
    ];
    await archive.run({ name: "r", tasks: [{ name: "t", status: "running", at: [0], containers }] });
    const app = appOver(archive.store);
    expect((await get(app, `${RUN}?step=s`)).body).toContain("No line has been written yet…");
    expect((await get(app, `${RUN}?step=next`)).body).toContain("No line has been written yet…");
    expect(await get(app, `${RUN}.txt?step=s`)).toMatchObject({ status: 200, body: "" });
  });
});

test("a task that has not begun: the page waits for it, a text says that there is none yet", async () => {
  const { app } = await growing();
  expect((await get(app, `${RUN}?pipelineTask=later`)).body).toContain("It has no task later yet");
  const curl = { Accept: "*/*", "User-Agent": "curl/8.5.0" };
  expect((await get(app, `${RUN}?pipelineTask=later`, curl)).status).toBe(404);
  expect((await get(app, `${RUN}.txt?pipelineTask=later`)).status).toBe(404);
});
