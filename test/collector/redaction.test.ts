import { afterEach, beforeEach, expect, test } from "vitest";
import { readBytes } from "../../storage-adapters/store.ts";
import { type CollectorOptions, eventually, openWorld, type World } from "./harness.ts";
import { numbered, taskRun } from "./scripts.ts";

const SECRET = "hunter2-hunter2";
const MASK = "X".repeat(SECRET.length);
const mask = (text: string) => text.replaceAll(SECRET, MASK);
const redact: CollectorOptions["redact"] = () => (text) => Buffer.from(mask(text.toString("latin1")), "latin1");

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const lines = [...numbered(150), `error: ${SECRET} was refused`, ...numbered(50)];
const step = { name: "print", lines, paceMs: 2, exitCode: 1, endsWithNewline: false };
const ofStep = ({ where }: { where: string }) => where.includes("step-print");

test("what is taken out of a log is nowhere, and streams that are cut still meet", async () => {
  world.collect({ redact });
  world.collect({ redact });
  const cut = { kind: "reset", afterBytes: 5_000 } as const;
  world.simulator.faults.add({ on: "log", container: "step-print", fault: cut, times: 4 });
  world.simulator.run(taskRun("secret", { steps: [step] }));
  const record = await world.finished("TaskRun", "secret");
  const log = (await world.logs(record)).find(ofStep);
  expect(log?.truth).toContain(SECRET);
  expect([log?.state, log?.archived]).toEqual(["whole", mask(log?.truth ?? "")]);
  expect(JSON.stringify(record)).toContain(`error: ${MASK} was refused`);
  for await (const { key } of world.store.list(""))
    expect((await readBytes(world.store, key)).toString("latin1")).not.toContain(SECRET);
});

test("what the node gives of rotated files is redacted, too", async () => {
  await world.close();
  world = await openWorld({ nodeProxy: true });
  const { simulator } = world;
  world.collect({ redact });
  const run = simulator.run(
    taskRun("rotated", {
      steps: [
        {
          name: "print",
          lines: function* () {
            yield* numbered(50);
            for (;;) yield { text: "later", afterMs: 60_000 };
          },
        },
      ],
    }),
  );
  const newest = (text: string) => async () => {
    const record = await world.record("TaskRun", "rotated");
    const log = record && (await world.logs(record)).find(ofStep);
    return log?.archived.includes(text) ? log : undefined;
  };
  await eventually("the first lines", newest("line 50\n"));
  const [pod] = run.pods();
  if (!pod) throw new Error("the run has no pod");
  simulator.faults.add({ on: "log", container: "step-print", fault: { kind: "status", code: 503 }, times: 1_000_000 });
  simulator.cutFollows({ kind: "reset", afterBytes: 0 }, { container: "step-print" });
  for (const text of numbered(10, 51)) simulator.writeLine(pod, "step-print", `${text} ${SECRET}`);
  simulator.rotate(pod, "step-print");
  for (const text of numbered(10, 61)) simulator.writeLine(pod, "step-print", `${text} ${SECRET}`);
  simulator.faults.clear();
  const log = await eventually("the newest lines", newest(`line 70 ${MASK}\n`));
  expect(log.archived).toBe(mask(log.truth));
});

test("while the redactor cannot run nothing is stored, and the log is at risk; then it is whole", async () => {
  let runs = false;
  const { collector } = world.collect({
    redact: () => (text) => {
      if (!runs) throw new Error("no rules");
      return text;
    },
  });
  world.simulator.run(taskRun("waits", { steps: [{ name: "print", lines: numbered(50) }] }));
  await eventually("the container to end", async () => collector.logsAtRisk > 0 || undefined);
  const logs = (await Array.fromAsync(world.store.list(""))).filter(({ key }) => key.includes("/step-print"));
  expect(logs).toEqual([]);
  runs = true;
  const log = (await world.logs(await world.finished("TaskRun", "waits"))).find(ofStep);
  expect([log?.state, log?.archived]).toEqual(["whole", log?.truth]);
});
