import { setInterval } from "node:timers";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { startViewer } from "../../viewer/viewer.ts";
import { ArchiveFixture, stored } from "./archive-fixture.ts";
import { fillWithSamples } from "./sample-runs.ts";

/** Serves sample runs to look at: `node test/viewer/preview.ts [port]`. One log of theirs grows while it runs. */
const archive = new ArchiveFixture(memoryStore(), Date.now() - Date.parse("2026-07-30T13:21:00Z"));
await fillWithSamples(archive);
const config = { namespaces: "*", host: "127.0.0.1", port: Number(process.argv[2] ?? 8088) } as const;
const viewer = await startViewer({ config, store: archive.store, logger: console });
const growing = archive.growing.get("pull-linux-test-k94pw/build/compile");
setInterval(async () => {
  const line = (growing?.log().lines ?? 0) + 1;
  growing?.append(
    stored(`[${line}/3333] Building CXX object caffe2/CMakeFiles/torch_cpu.dir/part_${line}.cpp.o`, Date.now()),
  );
  await growing?.flush();
}, 1_000);
console.log(`${viewer.url}/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k`);
