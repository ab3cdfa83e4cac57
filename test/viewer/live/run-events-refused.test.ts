import { describe, expect, test, vi } from "vitest";
import { runningKey } from "../../../archive/keys.ts";
import { runIdOf } from "../../../archive/record.ts";
import { memoryStore } from "../../../storage-adapters/memory.ts";
import { StorageError } from "../../../storage-adapters/store.ts";
import { EventReader, rowsOf } from "./event-source.ts";
import { GrowingRun, LOG, RUN } from "./growing-run.ts";

describe("without a log", () => {
  test("a task that has not begun has the changes of the run, until it is final", async () => {
    const run = await GrowingRun.open(1);
    const reader = await EventReader.open(run.app, `${RUN}?pipelineTask=later`);
    expect((await reader.next())?.event).toBe("run");
    await run.finish(await run.end());
    expect((await reader.rest()).map(({ event }) => event)).toEqual(["run", "end"]);
  });

  test("events=run tells of the run alone", async () => {
    const run = await GrowingRun.open(3);
    await run.end();
    const reader = await EventReader.open(run.app, `${LOG}&events=run`);
    expect((await reader.next())?.event).toBe("run");
    await run.change(() => {});
    expect((await reader.next())?.event).toBe("run");
    reader.leave();
  });
});

describe("who asks for what is not there", () => {
  test.each([
    [`${RUN}-other`, {}, 404],
    [`${RUN}?after=x`, {}, 400],
    [`${RUN}?after=-1`, {}, 400],
    [`${RUN}?events=all-of-them`, {}, 400],
    [RUN, { "Last-Event-ID": "L5" }, 400],
    [RUN, { "Last-Event-ID": "99999999999999999" }, 400],
    ["/namespaces/UPPER/pipelineruns/r", {}, 400],
  ])("%s %j is %i", async (path, headers, status) => {
    const run = await GrowingRun.open(1);
    const reader = await EventReader.open(run.app, path, headers as Record<string, string>);
    expect(reader.status).toBe(status);
  });

  test("a namespace that is not shown is not followed, by its run's UID neither", async () => {
    const run = await GrowingRun.open(1);
    const hidden = await GrowingRun.open(1, { namespaces: ["other"] }, run.archive.store);
    const path = `${LOG}&uid=${run.record.run.uid}`;
    expect((await EventReader.open(hidden.app, path)).status).toBe(404);
  });

  test("a name does not lead to another run by its UID, though that is followed", async () => {
    const run = await GrowingRun.open(1);
    const reader = await EventReader.open(run.app, LOG);
    const path = `/namespaces/tekton-ci/pipelineruns/q?uid=${run.record.run.uid}`;
    expect((await EventReader.open(run.app, path)).status).toBe(404);
    reader.leave();
  });

  test("HEAD has the headers alone, and follows nothing", async () => {
    const run = await GrowingRun.open(1);
    const answer = await run.app.request(LOG, { method: "HEAD", headers: { Accept: "text/event-stream" } });
    expect([answer.status, answer.headers.get("Content-Type"), answer.body]).toEqual([200, "text/event-stream", null]);
  });
});

describe("failures", () => {
  test("a store that is away for a while delays the lines", async () => {
    const store = memoryStore();
    let isAway = false;
    const shaky = {
      ...store,
      async *list(...args: Parameters<typeof store.list>) {
        if (isAway && args[0].startsWith("v1/live/")) throw new StorageError("unavailable", "no answer");
        yield* store.list(...args);
      },
    };
    const run = await GrowingRun.open(1, {}, shaky);
    const reader = await EventReader.open(run.app, `${LOG}&after=1`);
    await reader.nextOf("run");
    isAway = true;
    await run.grow(1);
    await vi.waitFor(() => expect(run.store.others.length).toBeGreaterThan(8));
    isAway = false;
    expect(rowsOf((await reader.nextOf("rows")).data)).toEqual([2]);
    reader.leave();
  });

  test("a record that is damaged while it is followed breaks the streams off, and nothing else", async () => {
    const run = await GrowingRun.open(1);
    const readers = [
      await EventReader.open(run.app, `${LOG}&after=1`),
      await EventReader.open(run.app, `${LOG}&events=run`),
    ];
    for (const reader of readers) await reader.nextOf("run");
    await run.archive.store.put(runningKey(runIdOf(run.record)), Buffer.from("no JSON"));
    for (const reader of readers) await expect(reader.rest()).rejects.toThrow("breaks off");
    expect((await EventReader.open(run.app, LOG)).status).toBe(502);
  });

  test("a damaged chunk is a 502 before the stream has begun, and breaks it off later", async () => {
    const store = memoryStore();
    const run = await GrowingRun.open(1, {}, store);
    const reader = await EventReader.open(run.app, `${LOG}&after=1`);
    await reader.nextOf("run");
    const prefix = "v1/live/";
    const [chunk] = await Array.fromAsync(store.list(prefix));
    const next = chunk?.key.replace(/\d{12}$/, "000000000002") ?? "";
    await store.put(next, Buffer.from("no chunk"));
    await expect(reader.rest()).rejects.toThrow("breaks off");
    expect((await EventReader.open(run.app, LOG)).status).toBe(502);
  });
});
