import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { containersOf, type RunRecord } from "../../../archive/record.ts";
import { type Afterlog, type Cluster, digest, missing, openCluster, startAfterlog, until } from "./cluster.ts";

const why = missing();

const run = `${Date.now().toString(36)}`;
/** `s3://bucket?query` with a folder of this test's own. */
const below = (store: string | undefined) => store?.replace(/^(\w+:\/\/[^/?]+)/, `$1/cluster-${run}`);

const stores: [string, string | undefined, string][] = [
  ["a folder", pathToFileURL(mkdtempSync(join(tmpdir(), "afterlog-archive-"))).href, ""],
  ["S3", below(process.env.S3_STORE), "S3_STORE"],
  ["GCS", below(process.env.GCS_STORE), "GCS_STORE"],
];

describe.skipIf(why)(`on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  for (const [name, store, setting] of stores) {
    const noStore = store ? undefined : `${setting} names no store`;
    if (noStore && process.env.CI) throw new Error(`the cluster tests cannot run: ${noStore}`);
    describe.skipIf(noStore)(`archived to ${name}${noStore ? ` (skipped: ${noStore})` : ""}`, () => {
      let cluster: Cluster;
      let afterlog: Afterlog;
      beforeAll(async () => {
        cluster = await openCluster();
        afterlog = await startAfterlog(cluster.namespace, store as string);
      });
      afterAll(async () => {
        await afterlog?.stop();
        await cluster?.close();
      });

      /** Every log of the record against what the node's files say its container printed. */
      async function compare(record: RunRecord): Promise<void> {
        for (const { task, attempt, container } of containersOf(record)) {
          const where = `${task.name}[${attempt.number}] ${container.name}.${container.restart}`;
          if (container.log.state === "none") continue;
          const pod = attempt.pod?.name ?? "";
          const response = await afterlog.get(`/logs/${cluster.namespace}/${pod}/${container.name}`);
          expect(response.status, where).toBe(200);
          const archived = await digest(response.body as AsyncIterable<Uint8Array>);
          if (container.log.lines === 0 && archived.bytes === 0) {
            const wrote = (await cluster.runs()).find((run) => run.pod === pod && run.container === container.name);
            expect(wrote?.lines ?? 0, where).toBe(0);
            continue;
          }
          const truth = await cluster.truth(pod, container.name, container.restart);
          if (container.log.state === "cut") {
            expect(archived.lines, where).toBeLessThanOrEqual(truth.lines);
            continue;
          }
          expect(container.log, where).toMatchObject({ state: "whole", lines: truth.lines });
          expect({ ...archived, endsInNewline: true }, where).toEqual(truth);
        }
      }

      /** Nothing that printed is missing from the record. */
      async function nothingMissing(record: RunRecord): Promise<void> {
        const names = new Set(
          [...containersOf(record)].map(({ attempt, container }) => `${attempt.pod?.name}/${container.name}`),
        );
        for (const printed of await cluster.runs()) {
          if (printed.pod.startsWith(record.run.name)) expect(names).toContain(`${printed.pod}/${printed.container}`);
        }
      }

      test("hello: every container, every address, before and after it is deleted", async () => {
        await cluster.example("hello.yaml");
        const page = `/namespaces/${cluster.namespace}/pipelineruns/hello`;
        await until("the page of the running run", async () => (await afterlog.get(page)).status === 200);
        const record = await afterlog.finished("pipelineruns", "hello");
        expect(record.tasks.map((task) => [task.name, task.attempts.length])).toEqual([
          ["build", 1],
          ["test", 2],
          ["report", 1],
        ]);
        const steps = (kind: string) =>
          [...containersOf(record)]
            .filter(({ container }) => container.kind === kind)
            .map(({ task, container }) => `${task.name}/${container.title}`);
        expect(steps("step")).toEqual(["build/compile", "build/link", "test/unit", "test/unit", "report/say"]);
        expect(steps("sidecar")).toEqual(["test/server", "test/server"]);
        expect(record.why).toMatch(/^test \/ unit exited with code 1\./);
        await compare(record);
        await nothingMissing(record);

        const check = async () => {
          expect((await afterlog.get("/example/project/pull/42")).status).toBe(200);
          expect(await (await afterlog.get("/example/project/pull/42")).text()).toContain("pull-hello");
          const old = await afterlog.get(`/?buildid=1729384756&namespace=${cluster.namespace}`);
          expect([old.status, old.headers.get("location")]).toEqual([302, expect.stringContaining(page)]);
          const html = await (await afterlog.get(page)).text();
          expect(html).toContain("expected 3 got 4");
          const text = await (
            await afterlog.get(`${page}?pipelineTask=build&step=link`, { accept: "text/plain" })
          ).text();
          expect(text).toContain("done");
          const all = await (await afterlog.get(`${page}.txt`)).text();
          expect(all).toContain("[build : compile] compiling unit 200");
          expect(all).toContain("[report : say] finally");
        };
        await check();
        await cluster.remove("pipelineruns", "hello");
        await until("its pods to be gone", async () =>
          (await cluster.podNames()).every((pod) => !pod.startsWith("hello-")),
        );
        await check();
        await compare(record);
      });

      test("a TaskRun that is cancelled half-way: all lines until the cancel", async () => {
        const name = await cluster.example("cancelled.yaml");
        await until("sixty lines", async () => {
          const row = (await cluster.runs()).find((run) => run.pod === `${name}-pod` && run.container === "step-print");
          return (row?.lines ?? 0) >= 60;
        });
        await cluster.cancel(name);
        const record = await afterlog.finished("taskruns", name);
        expect(record.run.status).toBe("cancelled");
        expect(await cluster.podNames()).not.toContain(`${name}-pod`);
        const [step] = [...containersOf(record)].filter(({ container }) => container.kind === "step");
        expect(step?.container.log.lines).toBeGreaterThanOrEqual(60);
        await compare(record);
      });

      test("1,200,000 lines while the node rotates: every line, in order, once", async () => {
        const name = await cluster.example("rotating.yaml");
        const record = await afterlog.finished("taskruns", name, 290_000);
        const step = [...containersOf(record)].find(({ container }) => container.kind === "step");
        expect(step?.container.log).toMatchObject({ state: "whole", lines: 1_200_000, gaps: [] });
        await compare(record);
      });

      test("every shape: matrix, skipped, timed out, ignored, no image, long line, no newline", async () => {
        const name = await cluster.example("shapes.yaml");
        const record = await afterlog.finished("pipelineruns", name);
        expect(record.skipped).toEqual([{ name: "never", reason: "When Expressions evaluated to false" }]);
        const task = (wanted: string) => record.tasks.filter((task) => task.name === wanted);
        expect(task("platforms")).toHaveLength(3);
        expect(task("slow")[0]).toMatchObject({ status: "timed-out", ignored: true });
        expect(task("soft")[0]?.attempts[0]?.containers.find((c) => c.title === "fails")).toMatchObject({
          exitCode: 7,
          ignored: true,
        });
        const pull = task("no-image")[0]?.attempts[0]?.containers.find((c) => c.title === "pull");
        expect(pull?.log.state).toBe("none");
        expect(pull?.log.words).toMatch(/never started: (ErrImagePull|ImagePullBackOff|ErrImageNeverPull)/);
        const long = task("long-line")[0]?.attempts[0]?.containers.find((c) => c.title === "print");
        expect(long?.log).toMatchObject({ lines: 2, noEol: true });
        await compare(record);
        await nothingMissing(record);
      });
    });
  }
});
