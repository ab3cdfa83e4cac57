import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LineParser } from "../../collector/follow/line-parser.ts";
import { type KubernetesClient, KubernetesError } from "../../collector/kubernetes/client.ts";
import { type Meta, type Pod, trimPod } from "../../collector/kubernetes/objects.ts";
import { type WatchEvent, watch } from "../../collector/kubernetes/watch.ts";
import { eventually } from "./harness.ts";

/** A cluster in which the contract makes pods that print. */
export type ContractCluster = {
  client: KubernetesClient;
  namespace: string;
  /**
   * Makes a pod whose one container `main` prints `lines`, half of them at once and half after `pauseMs`, and ends.
   * Unless `newline` is true the last line has none.
   */
  print: (name: string, lines: string[], options?: { pauseMs?: number; newline?: boolean }) => Promise<void>;
  remove: (name: string) => Promise<void>;
  close: () => Promise<void>;
};

export const label = "afterlog.test/contract";

/** What Afterlog relies on of Kubernetes. It holds for the real one and so must for the simulated one. */
export function kubernetesContract(name: string, open: () => Promise<ContractCluster>): void {
  describe(`the Kubernetes that Afterlog relies on: ${name}`, () => {
    let cluster: ContractCluster;
    beforeAll(async () => {
      cluster = await open();
    });
    afterAll(async () => {
      await cluster?.close();
    });

    const signal = () => AbortSignal.timeout(60_000);
    const unique = (prefix: string) => `${prefix}-${randomBytes(3).toString("hex")}`;
    const podPath = (pod: string) => `/api/v1/namespaces/${cluster.namespace}/pods/${pod}`;
    const getPod = (pod: string) => cluster.client.get<Pod>(podPath(pod), {}, signal());

    const terminated = (pod: string) =>
      eventually(
        `${pod} to end`,
        async () => {
          const { status } = await getPod(pod);
          return status?.containerStatuses?.[0]?.state?.terminated ? true : undefined;
        },
        60_000,
      );

    async function log(pod: string, query: Record<string, string | boolean>): Promise<string> {
      const body = await cluster.client.open(
        `${podPath(pod)}/log`,
        { container: "main", timestamps: true, ...query },
        signal(),
      );
      const parts: Buffer[] = [];
      for await (const part of body as AsyncIterable<Buffer>) parts.push(part);
      return Buffer.concat(parts).toString();
    }

    const failure = async (action: Promise<unknown>): Promise<KubernetesError> => {
      const error = await action.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(KubernetesError);
      return error as KubernetesError;
    };

    test("every line begins with a time of nine digits and one space", async () => {
      const pod = unique("times");
      await cluster.print(pod, ["one", "", "  three"]);
      await terminated(pod);
      const lines = (await log(pod, {})).split("\n").slice(0, -1);
      expect(lines.map((line) => line.slice(31))).toEqual(["one", "", "  three"]);
      for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) /);
    });

    test("a follow from the start gives all, as it is printed, and ends in order with the container", async () => {
      const pod = unique("follow");
      const lines = Array.from({ length: 200 }, (_, n) => `line ${n + 1}`);
      await cluster.print(pod, lines, { pauseMs: 1_000 });
      const started = async () => {
        const state = (await getPod(pod)).status?.containerStatuses?.[0]?.state;
        return state?.running || state?.terminated ? true : undefined;
      };
      await eventually("it to start", started, 60_000);
      const body = await cluster.client.open(
        `${podPath(pod)}/log`,
        { container: "main", timestamps: true, follow: true },
        signal(),
      );
      const parser = new LineParser();
      const parts: Buffer[] = [];
      for await (const part of body as AsyncIterable<Buffer>)
        for (const { bytes } of parser.push(part)) parts.push(bytes);
      const printed = Buffer.concat(parts).toString().split("\n").slice(0, -1);
      expect(printed.map((line) => line.slice(31))).toEqual(lines);
      expect(parser.end().tail.byteLength).toBe(0);
      await terminated(pod);
    });

    test("sinceTime is cut to whole seconds and includes that second", async () => {
      const pod = unique("since");
      await cluster.print(pod, ["a", "b", "c", "d"], { pauseMs: 2_500 });
      await terminated(pod);
      const all = (await log(pod, {})).split("\n").slice(0, -1);
      const last = all.at(-1)?.slice(0, 30) ?? "";
      const since = (await log(pod, { sinceTime: last })).split("\n").slice(0, -1);
      expect(since).toEqual(all.filter((line) => line.slice(0, 19) >= last.slice(0, 19)));
      expect(since.length).toBeGreaterThan(0);
      expect(since.length).toBeLessThan(all.length);
    });

    test("a log without a newline at its end has none", async () => {
      const pod = unique("no-eol");
      await cluster.print(pod, ["first", "last"], { newline: false });
      await terminated(pod);
      const text = await log(pod, {});
      expect(text.endsWith(" last")).toBe(true);
    });

    test("a line of 40,000 bytes comes back as one", async () => {
      const pod = unique("long");
      await cluster.print(pod, ["x".repeat(40_000), "short"]);
      await terminated(pod);
      const lines = (await log(pod, {})).split("\n").slice(0, -1);
      expect(lines.map((line) => line.length - 31)).toEqual([40_000, 5]);
    });

    test("there is no previous log without a restart", async () => {
      const pod = unique("previous");
      await cluster.print(pod, ["only"]);
      await terminated(pod);
      const error = await failure(log(pod, { previous: true }));
      expect([error.status, error.message]).toEqual([
        400,
        `previous terminated container "main" in pod "${pod}" not found`,
      ]);
    });

    test("a pod that does not exist is the API server's own 404", async () => {
      const error = await failure(log("no-such-pod", {}));
      expect([error.status, error.kind]).toEqual([404, "pods"]);
      expect((await failure(getPod("no-such-pod"))).status).toBe(404);
    });

    test("a container that does not exist is a 400 in words", async () => {
      const pod = unique("container");
      await cluster.print(pod, ["x"]);
      await terminated(pod);
      const error = await failure(log(pod, { container: "other" }));
      expect(error.status).toBe(400);
      expect(error.message).toContain("other");
    });

    test("a watch lists what there is, then tells of every change and of the end", async () => {
      const before = unique("before");
      const after = unique("after");
      await cluster.print(before, ["x"]);
      const stop = new AbortController();
      const seen: WatchEvent<Pod>[] = [];
      const watching = (async () => {
        const options = {
          client: cluster.client,
          path: `/api/v1/namespaces/${cluster.namespace}/pods`,
          labelSelector: label,
        };
        for await (const event of watch<Pod>({ ...options, trim: trimPod, signal: stop.signal, onError: () => {} }))
          seen.push(event);
      })();
      const has = (type: string, pod: string) =>
        eventually(
          `${type} ${pod}`,
          async () => seen.find((e) => e.type === type && "object" in e && e.object.metadata.name === pod),
          60_000,
        );
      await has("listed", before);
      await eventually("the end of the list", async () => seen.find((event) => event.type === "synced"));
      await cluster.print(after, ["x"]);
      await has("applied", after);
      await cluster.remove(before);
      await has("deleted", before);
      stop.abort();
      await watching;
      expect(seen[0]?.type).toBe("init");
    });

    test("a list comes in pages that lead to one resource version", async () => {
      for (let n = 0; n < 3; n++) await cluster.print(unique("page"), ["x"]);
      type List = { metadata: { continue?: string; resourceVersion: string }; items: Pod[] };
      const path = `/api/v1/namespaces/${cluster.namespace}/pods`;
      const names: string[] = [];
      let page: List | undefined;
      do {
        page = await cluster.client.get<List>(
          path,
          { limit: 2, labelSelector: label, continue: page?.metadata.continue || undefined },
          signal(),
        );
        expect(page.items.length).toBeLessThanOrEqual(2);
        names.push(...page.items.map((pod) => pod.metadata.name));
      } while (page.metadata.continue);
      expect(new Set(names).size).toBe(names.length);
      expect(names.length).toBeGreaterThanOrEqual(3);
    });

    describe("writes", () => {
      type Lease = { metadata: Meta; spec?: { holderIdentity?: string } };
      const merge = { contentType: "application/merge-patch+json" };
      const leases = () => `/apis/coordination.k8s.io/v1/namespaces/${cluster.namespace}/leases`;
      const create = (name: string, finalizers: string[] = []) =>
        cluster.client.send<Lease>(
          "POST",
          leases(),
          { metadata: { name, finalizers }, spec: { holderIdentity: "a" } },
          {},
          signal(),
        );
      const patch = (name: string, metadata: object) =>
        cluster.client.send<Lease>("PATCH", `${leases()}/${name}`, { metadata }, merge, signal());
      const remove = (name: string, body: object = {}) =>
        cluster.client.send<object>("DELETE", `${leases()}/${name}`, body, {}, signal());
      const status = async (write: Promise<unknown>) => (await failure(write)).status;

      test("an object is created once, replaced in its own version only, and deleted", async () => {
        const name = unique("lease");
        const made = await create(name);
        expect(made.spec?.holderIdentity).toBe("a");
        expect(await status(create(name))).toBe(409);
        const next = { ...made, spec: { holderIdentity: "b" } };
        const put = (lease: Lease) => cluster.client.send<Lease>("PUT", `${leases()}/${name}`, lease, {}, signal());
        const replaced = await put(next);
        expect([replaced.spec?.holderIdentity, replaced.metadata.uid]).toEqual(["b", made.metadata.uid]);
        expect(await status(put(next))).toBe(409);
        const { uid, resourceVersion } = made.metadata;
        expect(await status(remove(name, { preconditions: { uid: "another" } }))).toBe(409);
        expect(await status(remove(name, { preconditions: { uid, resourceVersion } }))).toBe(409);
        await remove(name, { preconditions: { uid } });
        expect(await status(remove(name))).toBe(404);
        // A lease can be created by a PUT; one that names a UID is of an object that was.
        expect(await status(put(replaced))).toBe(409);
      });

      test("finalizers keep their order, hold a deletion, and none is added to what is being deleted", async () => {
        const name = unique("held");
        const finalizers = ["example.org/b", "example.org/a"];
        const { metadata } = await create(name, finalizers);
        const { uid, resourceVersion } = metadata;
        const more = [...finalizers, "example.org/c"];
        const patched = await patch(name, { finalizers: more, uid, resourceVersion });
        expect(patched.metadata.finalizers).toEqual(more);
        // A patch of what it was before, or of another object.
        expect(await status(patch(name, { finalizers: [], uid, resourceVersion }))).toBe(409);
        await remove(name);
        const { metadata: deleted } = await cluster.client.get<Lease>(`${leases()}/${name}`, {}, signal());
        expect(deleted.deletionTimestamp).toMatch(/^\d{4}-.*Z$/);
        const version = { uid, resourceVersion: deleted.resourceVersion };
        expect(await status(patch(name, { ...version, finalizers: [...more, "example.org/d"] }))).toBe(422);
        await patch(name, { ...version, finalizers: [] });
        expect(await status(patch(name, { ...version, finalizers: [] }))).toBe(404);
      });

      test("a merge patch creates nothing, and its UID tells an object from another of that name", async () => {
        const name = unique("twin");
        expect(await status(patch(name, { uid: crypto.randomUUID(), finalizers: [] }))).toBe(404);
        const { metadata: first } = await create(name);
        await remove(name);
        const { metadata: second } = await create(name);
        const { uid, resourceVersion } = first;
        expect(await status(patch(name, { uid, resourceVersion, labels: { x: "y" } }))).toBe(409);
        expect(second.uid).not.toBe(uid);
        await remove(name);
      });
    });
  });
}
