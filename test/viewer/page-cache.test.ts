import { gunzipSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import { recordKey } from "../../archive/keys.ts";
import { ArchiveReader } from "../../archive/reader.ts";
import { type RunRecord, runIdOf } from "../../archive/record.ts";
import { readBytes } from "../../storage-adapters/store.ts";
import { appOver, BROWSER } from "./app-fixture.ts";
import { ArchiveFixture } from "./archive-fixture.ts";

const PATH = "/namespaces/tekton-ci/pipelineruns/red?pipelineTask=t&step=s";
let archive: ArchiveFixture;
let record: RunRecord;
const lines = ["one", "ERROR: two", "three"];

beforeEach(async () => {
  archive = new ArchiveFixture();
  record = await archive.run({ name: "red", took: 60, tasks: [{ name: "t", containers: [{ title: "s", lines }] }] });
});

/** Asks as often as is wanted; `isMade`: the log was opened for the page. */
function reader(pageBytes = 1e6) {
  let opened = 0;
  class Archive extends ArchiveReader {
    override logOf(...of: Parameters<ArchiveReader["logOf"]>) {
      opened++;
      return super.logOf(...of);
    }
  }
  const app = appOver(archive.store, { archive: new Archive(archive.store, { cacheBytes: 1e6 }), pageBytes });
  return async (path = PATH, encoding = "gzip") => {
    const before = opened;
    const response = await app.request(path, { headers: { ...BROWSER, "Accept-Encoding": encoding } });
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = (response.headers.get("Content-Encoding") === "gzip" ? gunzipSync(bytes) : bytes).toString();
    return { text, headers: Object.fromEntries(response.headers), isMade: opened > before };
  };
}

test("a finished page is made once, and answered the same", async () => {
  const ask = reader();
  const first = await ask();
  expect(first.text).toContain("ERROR: two");
  expect(first.headers).toMatchObject({ "x-log-lines": "3", "x-log-ended": "true", "x-run-final": "true" });
  expect(first.isMade).toBe(true);
  expect(await ask()).toEqual({ ...first, isMade: false });
  expect((await ask(PATH, "identity")).text).toBe(first.text);
});

test("another address has its own page", async () => {
  const ask = reader();
  expect((await ask(`${PATH}&line=1`)).text).not.toBe((await ask(`${PATH}&line=2`)).text);
});

test("what the record says now is shown", async () => {
  const ask = reader();
  expect((await ask()).text).not.toContain("The node said goodbye");
  const key = recordKey(runIdOf(record));
  const bytes = await readBytes(archive.store, key);
  const changed = { ...JSON.parse(bytes.toString()), why: "The node said goodbye." };
  await archive.store.put(key, Buffer.from(JSON.stringify(changed)));
  expect((await ask()).text).toContain("The node said goodbye");
});

test("a newer run of the same name is told of", async () => {
  const ask = reader();
  const uid = `&uid=${record.run.uid}`;
  const alone = (await ask(PATH + uid)).text;
  await archive.run({
    name: "red",
    createdAt: "2026-07-30T10:46:12Z",
    took: 60,
    tasks: [{ name: "t", containers: [{ title: "s", lines }] }],
  });
  expect((await ask(PATH + uid)).text).not.toBe(alone);
});

test("what is searched, or still runs, is made anew", async () => {
  await archive.run({
    name: "on",
    tasks: [{ name: "t", status: "running", containers: [{ title: "s", status: "running", state: "open", lines }] }],
  });
  const ask = reader();
  for (const path of [`${PATH}&grep=two`, "/namespaces/tekton-ci/pipelineruns/on?pipelineTask=t&step=s"]) {
    for (let times = 0; times < 2; times++) {
      const { text, isMade } = await ask(path);
      expect(text).toContain("three");
      expect(isMade).toBe(true);
    }
  }
});

test("where there is no room none is kept", async () => {
  const ask = reader(0);
  expect([(await ask()).isMade, (await ask()).isMade]).toEqual([true, true]);
});
